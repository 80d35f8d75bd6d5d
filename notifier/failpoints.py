"""Named places where a test can kill the process, to prove that nothing is lost there, or make a unit raise.

`NOTIFIER_FAILPOINT=NAME` sends the process SIGKILL when it comes to that place, `NAME:3` when it comes there for the
third time; `arm()` does the same from inside. Without either a failpoint costs one comparison. The names are in
`NAMES`; the acceptance suite enumerates them.

`NOTIFIER_FAULTS=poll,delivery:team` makes every poll raise an `InjectedFault`, and every delivery whose subject begins
with `team`; `arm_fault()` does the same from inside. The units are those of `core.work_units`.
"""

import os
import signal

NAMES = (
    "poll.before_commit",
    "store.event_written",
    "poll.after_commit",
    "deliver.after_claim",
    "deliver.digest_claimed",
    "deliver.before_send",
    "deliver.after_send",
    "outbox.half_settled",
    "deliver.after_settle",
    "deliver.retry_settled",
    "outbox.recovering",
    "outbox.falling_back",
    "maintenance.after_fallback",
    "outbox.notice_written",
    "operators.after_notice",
    "retention.half_forgotten",
    "retention.batch_forgotten",
    "maintenance.after_forgetting",
)
"""In the order in which a transition comes to them. The first word says which part of the work it is.

`store.event_written`, `outbox.half_settled`, `outbox.recovering`, `outbox.falling_back`, `outbox.notice_written` and
`retention.half_forgotten` lie inside a transaction: killed there, nothing of it has happened. `deliver.digest_claimed`
is `after_claim` for more than one delivery, `deliver.retry_settled` is `after_settle` for what did not get through, and
`outbox.recovering` is come to by the next start.
"""

_armed = ""
_remaining = 1
_faults: dict[str, str] = {}


class InjectedFault(Exception):
    """What an armed unit raises."""


def arm(name: str, countdown: int = 1) -> None:
    """Die at that failpoint, when it is come to for the `countdown`th time from now on.

    An unknown name is never come to; the empty one disarms.
    """
    global _armed, _remaining
    _armed, _remaining = name, countdown


def failpoint(name: str) -> None:
    """Die here, at once and without a word, if this is the armed failpoint and its turn has come."""
    if name != _armed:
        return
    global _remaining
    _remaining -= 1
    if _remaining == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def arm_fault(unit: str, subject: str = "") -> None:
    """Let this unit raise, each time it runs for a subject that begins like this, until `disarm_faults`."""
    _faults[unit] = subject


def disarm_faults() -> None:
    """Let no unit raise."""
    _faults.clear()


def fault(unit: str, subject: str = "") -> None:
    """Raise an `InjectedFault` if this unit is armed.

    Raises:
        InjectedFault: it is.
    """
    if _faults and subject.startswith(_faults.get(unit, "\0")):
        raise InjectedFault(f"{unit} {subject}")


def _arm_faults_by_environment(value: str) -> None:
    for each in filter(None, value.split(",")):
        unit, _, subject = each.partition(":")
        arm_fault(unit, subject)


def _arm_by_environment(value: str) -> None:
    name, _, countdown = value.partition(":")
    arm(name, int(countdown) if countdown.isdigit() else 1)


_arm_by_environment(os.environ.get("NOTIFIER_FAILPOINT", ""))
_arm_faults_by_environment(os.environ.get("NOTIFIER_FAULTS", ""))
