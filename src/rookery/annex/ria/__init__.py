"""Content in a RIA store on a disk of this machine, which DataLad's special remote `ora` keeps there."""
