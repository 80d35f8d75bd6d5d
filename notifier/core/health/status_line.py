"""The status line that a service manager shows: the daemon's counts, then what is wrong."""

from notifier.core.health.api import ApiKind
from notifier.core.health.vitals import Vitals, remarks, troubles
from notifier.core.words import count


def status_line(vitals: Vitals, *, in_progress: int, waiting: int) -> str:
    """Return the state of the daemon in one line.

    Args:
        vitals: as they are now.
        in_progress: snapshots that are watched and have not ended.
        waiting: deliveries that have not ended.
    """
    counts = ", ".join(
        (
            count(vitals.watches, "watch", "watches"),
            count(vitals.channels, "channel"),
            f"{count(in_progress, 'snapshot')} in progress",
            f"{count(waiting, 'delivery', 'deliveries')} waiting",
        )
    )
    wrong = [*troubles(vitals), *remarks(vitals)]
    if vitals.api.kind in (ApiKind.UNREACHABLE, ApiKind.RATE_LIMITED):
        wrong.insert(0, f"Bright Data: {vitals.api.kind.replace('_', ' ')}")
    return " ".join("; ".join((counts, *wrong)).split())
