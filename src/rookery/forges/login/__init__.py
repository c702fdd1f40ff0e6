"""Signing in to a hub: a token, and all that Git, git-annex and DataLad have to know, each tried out with a request."""
