"""The pure core: what a poll means, who is notified, when to try again. No I/O, no clock, no randomness."""
