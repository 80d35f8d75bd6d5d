"""The ways to people: each sends one message and answers with an outcome, never with an exception."""
