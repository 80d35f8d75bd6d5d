"""Files that the program writes for the user: watch files, a first configuration, the JSON Schema."""
