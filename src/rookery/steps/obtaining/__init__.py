"""Datasets and content come here: clone, install, get."""
