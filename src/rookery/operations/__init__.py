"""One file per command; each defines its operation once.  Operations never import each other."""
