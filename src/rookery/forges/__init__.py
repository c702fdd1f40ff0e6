"""Servers with repositories and an API: made there, signed in there, and told to Git and git-annex here."""
