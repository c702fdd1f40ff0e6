"""git-annex's P2P protocol: its messages, and conversations with siblings that speak it."""
