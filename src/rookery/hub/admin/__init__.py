"""What those who run a hub do with it: serve, accounts, checks, backups."""
