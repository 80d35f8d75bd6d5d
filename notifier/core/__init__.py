"""The pure core: what a poll of a snapshot means, who is told, when to try again. No I/O, no clock, no randomness."""
