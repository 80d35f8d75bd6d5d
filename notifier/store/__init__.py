"""What must not be lost: snapshot states, events, deliveries and their attempts, in one database."""
