"""Commands with a record: run, run again, procedures, and the guard around them."""
