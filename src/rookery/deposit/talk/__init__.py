"""Git's side: the conversation, its services, the report, the mirror that it talks to."""
