"""The incremental deposit of many writers: formats, decisions, the exchange, its tools."""
