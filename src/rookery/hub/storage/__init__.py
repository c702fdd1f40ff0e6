"""What the hub stores: the database, history and content on disk, behind the ports of the domain."""
