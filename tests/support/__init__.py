"""What tests stand on: a private home, the programs, servers on loopback, sample data, comparisons."""
