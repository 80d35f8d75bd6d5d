"""What a snapshot's answers mean: statuses, transitions, when it is polled, what its list says. Pure."""
