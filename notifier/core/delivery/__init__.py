"""Rules of delivery: who is notified of an event, in which words, when, and what follows an attempt. Pure."""
