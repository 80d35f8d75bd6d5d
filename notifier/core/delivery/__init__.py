"""What becomes of an event: who is told, in which words, when, and what an attempt means. Pure."""
