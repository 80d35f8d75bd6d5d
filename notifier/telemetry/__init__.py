"""Reports on the notifier itself: logs, metrics, the heartbeat, and the service manager."""
