"""Git over HTTP, and what git-annex reads of a repository without a protocol."""
