"""The API under `/api/v1`, as clients of Gogs, Gitea and GIN know it."""
