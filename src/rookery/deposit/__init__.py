"""Deposits: a Git remote inside any special remote of git-annex."""
