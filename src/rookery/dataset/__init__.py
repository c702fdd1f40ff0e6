"""The model of a dataset: where it is, who it is, what is above and below it.  No verbs."""
