"""Content from the web, at the URLs that are registered for keys."""
