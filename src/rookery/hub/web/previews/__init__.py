"""What can be seen of a file without taking it home."""
