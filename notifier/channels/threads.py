"""Runs blocking sends, each in a thread of its own; see `notifier.threads`."""

from notifier.threads import in_daemon_thread

__all__ = ["in_daemon_thread"]
