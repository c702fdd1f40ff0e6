"""To and from siblings: push, update, and what is written about a sibling."""
