"""From changes to commits: the save engine, and saving across datasets."""
