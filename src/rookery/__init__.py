"""Rookery: version control for research data, on Git and git-annex.

Importing this package does nothing else: `rookery.api` is the Python face.
"""

__version__ = "0.1.0"
