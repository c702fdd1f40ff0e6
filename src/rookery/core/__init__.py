"""The ground: errors, records, programs, files and settings.  Knows neither Git nor data."""
