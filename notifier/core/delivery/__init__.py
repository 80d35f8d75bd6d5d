"""Rules of delivery: who is told of an event, in which words, when, and what follows an attempt. Pure."""
