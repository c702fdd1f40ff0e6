"""The git-annex repository format and its programs, on top of `rookery.git`.  Knows nothing of datasets."""
