"""What the notifier tells of itself: logs, and the service manager."""
