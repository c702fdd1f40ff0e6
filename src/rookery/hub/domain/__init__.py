"""What the hub is about, as values and decisions: no database, no web, no clock."""
