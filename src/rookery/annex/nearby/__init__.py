"""Content between repositories on one machine, moved by us; what git-annex does better is left to it."""
