"""What the daemon shows over HTTP: whether it lives, whether it does its work, and its metrics."""
