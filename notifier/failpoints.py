"""Named places where a test can kill the process, to prove that nothing is lost there.

`NOTIFIER_FAILPOINT=NAME` sends the process SIGKILL when it comes to that place, `NAME:3` when it comes there for the
third time. Without the variable a failpoint costs one comparison. The names are in `NAMES`; the acceptance suite
enumerates them.
"""

import os
import signal

NAMES = (
    "poll.before_commit",
    "poll.after_commit",
    "deliver.after_claim",
    "deliver.before_send",
    "deliver.after_send",
    "deliver.after_settle",
    "caretaker.after_fallback",
    "caretaker.after_forgetting",
)
"""In the order in which a transition comes to them; the caretaker's on its rounds."""

_armed, _, _countdown = os.environ.get("NOTIFIER_FAILPOINT", "").partition(":")
_remaining = int(_countdown) if _countdown.isdigit() else 1


def failpoint(name: str) -> None:
    """Die here, at once and without a word, if this is the armed failpoint and its turn has come."""
    if name != _armed:
        return
    global _remaining
    _remaining -= 1
    if _remaining == 0:
        os.kill(os.getpid(), signal.SIGKILL)
