"""Finds out what the running daemon makes of a watch whose file was just written or removed."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

GIVES_UP_AFTER_S = 30.0
"""The daemon finds a changed file within 2 s, on a busy machine within more. If for so long it neither reads the files
nor has taken them up, it is waited for no more."""

LONGEST_READING_S = 120.0
"""However long the daemon says that it is still reading the files."""

FIRST_POLL_S = 10.0
"""After the files are taken up: the daemon polls, and notes its polls every 2 s."""

_ASKED_EVERY_S = 0.2
_LONGEST_ANSWER_S = 10.0

NO_DAEMON = "no daemon runs; it is watched as soon as one does"


class _Patience:
    """How long to go on waiting, from the time that it was last seen that the daemon gets on."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._latest = monotonic() + LONGEST_READING_S
        self.renew(GIVES_UP_AFTER_S)

    def renew(self, seconds: float) -> None:
        """Wait for so long from now on, but not beyond `LONGEST_READING_S`."""
        self._until = min(self._monotonic() + seconds, self._latest)

    def taken_up(self) -> None:
        """What is waited for now is the first poll."""
        self._latest = self._until = self._monotonic() + FIRST_POLL_S

    @property
    def is_over(self) -> bool:
        """Whether it is time to give up."""
        return self._monotonic() >= self._until


def wait_until_loaded(
    main: Path,
    database: Path,
    subject: str | None,
    began: datetime,
    *,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Wait until the running daemon has read the files, and tell what it made of them. It raises nothing.

    Args:
        main: the main file.
        database: where the daemon is found.
        subject: the watch that was added, whose first poll is waited for; None waits for the reload alone.
        began: when the file was written or removed.
        monotonic: a clock in seconds that nobody sets.
        sleep: waits for so many seconds of it.

    Returns:
        Whether a daemon `runs`, whether it has `taken_up` the files, why they are `refused`, line by line, and with a
        subject the `status` that it saw. If they are neither taken up nor refused: whether it was `reading` them, or
        why it is `unanswered`.
    """
    seen: dict[str, Any] = {"runs": True, "taken_up": False, "refused": []}
    if subject is not None:
        seen["status"] = None
    patience = _Patience(monotonic)
    while not patience.is_over:
        before = seen["taken_up"]
        if not _ask_about(database, began, seen) or (seen["taken_up"] and subject is None):
            return seen
        if seen["taken_up"] and not before:
            patience.taken_up()
        elif "reading" in seen:
            patience.renew(GIVES_UP_AFTER_S)
        if subject is not None and seen["taken_up"] and _has_polled(main, database, subject, began, seen):
            return seen
        sleep(_ASKED_EVERY_S)
    return seen


def _ask_about(database: Path, began: datetime, seen: dict[str, Any]) -> bool:
    """Note what the daemon says of its last reload; whether there is more to come."""
    import asyncio

    from notifier.control.client import ask
    from notifier.control.protocol import Health
    from notifier.core.errors import NoDaemon, NotifierError, Unanswered

    for key in ("reading", "unanswered"):
        seen.pop(key, None)
    try:
        health = asyncio.run(ask(database, Health(), limit=_LONGEST_ANSWER_S))
    except NoDaemon:
        seen["runs"] = False
        return False
    except NotifierError as error:
        seen["unanswered"] = str(error)
        return isinstance(error, Unanswered)
    reload = health["reload"]
    if reload is not None and datetime.fromisoformat(reload["at"]) >= began:
        seen["refused"] = reload["refused"]
        seen["taken_up"] = not reload["refused"]
    elif health.get("reading_since") is not None:
        seen["reading"] = True
    return not seen["refused"]


def _has_polled(main: Path, database: Path, subject: str, began: datetime, seen: dict[str, Any]) -> bool:
    """Note what the daemon saw at its first poll; whether it has polled."""
    from notifier.app.loading import load_leniently
    from notifier.cli.status import overview

    if not database.exists():
        return False
    entries = overview(load_leniently(main).config, datetime.now(UTC))
    entry = next((each for each in entries if each["watch"] == subject), {})
    if entry.get("status", "unknown") == "unknown" and (entry.get("last_poll") or began) <= began:
        return False
    seen["status"] = entry.get("status") or entry.get("last_answer")
    return True


def withdraw(path: Path, seen: dict[str, Any]) -> bool:
    """Remove a file that was just written if the daemon refuses it: it would stop every later reload.

    A refusal that does not name the file is about another one, and this file stays.

    Args:
        path: the file.
        seen: what `wait_until_loaded` found out.

    Returns:
        Whether it was removed.
    """
    if not any(path.name in reason for reason in seen["refused"]):
        return False
    path.unlink(missing_ok=True)
    return True


def sentence(subject: str, seen: dict[str, Any]) -> str:
    """What `wait_until_loaded` found out, for people."""
    if not seen["runs"]:
        return f"{NO_DAEMON[0].upper()}{NO_DAEMON[1:]}."
    if seen["refused"]:
        return "\n".join(["The running daemon refuses the configuration:", *seen["refused"]])
    if not seen["taken_up"]:
        return not_yet(seen)
    if seen["status"] is None:
        return "The running daemon has taken it up, and has not polled it yet."
    return f"The running daemon watches it: {subject} is {seen['status']}."


def not_yet(seen: dict[str, Any]) -> str:
    """Why the daemon has not taken up files that stand, and what comes of it."""
    if "unanswered" in seen:
        why = f"The running daemon could not be asked: {seen['unanswered']}."
    elif "reading" in seen:
        why = f"The running daemon was still reading the files after {LONGEST_READING_S:.0f} s."
    else:
        why = f"The running daemon has not read the files within {GIVES_UP_AFTER_S:.0f} s."
    return (
        f"{why} Nothing is to be written again: it takes the files up by itself, as they are. "
        "See `notifier healthcheck` for how it does, `notifier status` for what it watches."
    )
