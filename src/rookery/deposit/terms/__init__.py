"""The words of a deposit: its URL, its layout, the port to the far side, lists of refs, bare repositories."""
