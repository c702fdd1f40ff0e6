"""Files from the web, and files out of archives."""
