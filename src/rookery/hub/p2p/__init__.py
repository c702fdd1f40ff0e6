"""Git-annex's P2P protocol: over HTTP, and as lines for SSH."""
