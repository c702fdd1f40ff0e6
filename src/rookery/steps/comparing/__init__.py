"""What differs: states of files, for reports."""
