"""The SSH server: Git's services and git-annex's, for those whose keys are known, and nothing else."""
