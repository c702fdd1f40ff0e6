"""Git as a library: functions over a repository handle.  Knows nothing of annexes or datasets."""
