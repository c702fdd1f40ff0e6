"""Content that comes in from elsewhere, whoever sends it."""
