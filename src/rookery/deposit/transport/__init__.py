"""How objects and locks get to the far side: stores, the annex of ours, logins."""
