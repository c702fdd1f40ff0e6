"""Names and secrets: finding them, seeing that they work, and keeping them where DataLad keeps them too."""
