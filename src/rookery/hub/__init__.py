"""The hub: a home for datasets that a lab starts with one command."""
