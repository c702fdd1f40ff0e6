"""What peers read: the legacy pair, when it is written anew, and the archival copy."""
