"""What the services need of what is stored; `storage` gives it."""
