"""Waits for the running daemon to reload after a command wrote or removed the file of a watch."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

GIVE_UP_AFTER_S = 30.0
"""How long to wait for a daemon that does not begin to read. It notices a changed file within 2 s, but later on a busy
machine."""

LONGEST_READING_S = 120.0
"""How long to wait for a daemon that is still reading the files."""

FIRST_POLL_S = 10.0
"""How long to wait for the first poll after the reload. The daemon records its polls every 2 s."""

NEXT_RELOAD_WITHIN_S = 5.0
"""A daemon that has not read a new file begins another reload within this time after the last one has ended."""

_ASKED_EVERY_S = 0.2
_LONGEST_ANSWER_S = 10.0

NO_DAEMON = "no daemon is running; the watch starts with the next `notifier run`"


class _Deadline:
    """How long to wait for the daemon, renewed while it makes progress."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._latest = monotonic() + LONGEST_READING_S
        self.renew(GIVE_UP_AFTER_S)

    def renew(self, seconds: float) -> None:
        """Wait this many seconds from now, but not beyond `LONGEST_READING_S`."""
        self._until = min(self._monotonic() + seconds, self._latest)

    def taken_up(self) -> None:
        """Start to wait for the first poll."""
        self._latest = self._until = self._monotonic() + FIRST_POLL_S

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return self._monotonic() >= self._until


def wait_until_loaded(
    main: Path,
    database: Path,
    subject: str | None,
    since: datetime,
    *,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Wait until the running daemon has reloaded the files, and return the result. It never raises.

    Args:
        main: the main file.
        database: where the daemon is found.
        subject: the watch that was added, whose first poll is waited for; None waits for the reload alone.
        since: when the file appeared or was removed. A reload that began later has noticed it. One that was under way
            then may have, and has if the daemon does not begin another.
        monotonic: a monotonic clock, in seconds.
        sleep: waits for a number of seconds.

    Returns:
        `runs` (a daemon runs), `taken_up` (it loaded the files), `refused` (the reasons, line by line) and, with a
        subject, its `status`. If the files are neither loaded nor refused: `reading`, if the daemon was still reading
        them, or `unanswered` with the reason.
    """
    seen: dict[str, Any] = {"runs": True, "taken_up": False, "refused": []}
    if subject is not None:
        seen["status"] = None
    deadline, last = _Deadline(monotonic), _LastReload(since, monotonic)
    while not deadline.is_over:
        before = seen["taken_up"]
        if not _ask_about(database, last, seen) or (seen["taken_up"] and subject is None):
            return seen
        if seen["taken_up"] and not before:
            deadline.taken_up()
        elif "reading" in seen:
            deadline.renew(GIVE_UP_AFTER_S)
        if subject is not None and seen["taken_up"] and _has_polled(main, database, subject, since, seen):
            return seen
        sleep(_ASKED_EVERY_S)
    return seen


class _LastReload:
    """Whether the daemon's last reload has noticed a file."""

    def __init__(self, since: datetime, monotonic: Callable[[], float]) -> None:
        self._since = since.replace(microsecond=since.microsecond // 1000 * 1000)  # as exact as the daemon's answers
        self._monotonic = monotonic
        self._last: str | None = None
        self._known_at = monotonic()

    def has_noticed(self, reload: Mapping[str, Any], reading: bool) -> bool:
        """Return whether it has; `reading` says whether another one is under way."""
        if datetime.fromisoformat(reload["at"]) >= self._since:
            return True
        ended = reload.get("ended")
        if reading or ended is None or datetime.fromisoformat(ended) < self._since:
            return False
        if self._last != ended:
            self._last, self._known_at = ended, self._monotonic()
        return self._monotonic() - self._known_at >= NEXT_RELOAD_WITHIN_S


def _ask_about(database: Path, last: _LastReload, seen: dict[str, Any]) -> bool:
    """Add the outcome of the daemon's last reload to `seen`. Return whether a later answer may add more."""
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
    reload, reading = health["reload"], health.get("reading_since") is not None
    if reload is not None and last.has_noticed(reload, reading):
        seen["refused"] = reload["refused"]
        seen["taken_up"] = not reload["refused"]
    elif reading:
        seen["reading"] = True
    return not seen["refused"]


def _has_polled(main: Path, database: Path, subject: str, since: datetime, seen: dict[str, Any]) -> bool:
    """Add the status from the daemon's first poll to `seen`. Return whether it has polled."""
    from notifier.app.loading.fallback import load_with_fallback
    from notifier.cli.status import as_entry, overview

    if not database.exists():
        return False
    entries = overview(load_with_fallback(main).config)
    entry = next((as_entry(each) for each in entries if each.watch == subject), {})
    if entry.get("status", "unknown") == "unknown" and (entry.get("last_poll") or since) <= since:
        return False
    seen["status"] = entry.get("status") or entry.get("last_answer")
    return True


def withdraw(path: Path, seen: dict[str, Any]) -> bool:
    """Remove a file that was just written if the daemon refuses it, because it would block every later reload.

    A refusal that does not name the file is about another one, and the file stays.

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
    """Return what `wait_until_loaded` found out as a sentence."""
    if not seen["runs"]:
        return f"{NO_DAEMON[0].upper()}{NO_DAEMON[1:]}."
    if seen["refused"]:
        return "\n".join(["The running daemon refuses the configuration:", *seen["refused"]])
    if not seen["taken_up"]:
        return not_yet(seen)
    if seen["status"] is None:
        return "The running daemon has loaded it, and has not polled it yet."
    return f"The running daemon watches it: {subject} is {seen['status']}."


def not_yet(seen: dict[str, Any]) -> str:
    """Return why the daemon has not loaded the files yet, and what happens next."""
    if "unanswered" in seen:
        why = f"The running daemon did not answer: {seen['unanswered']}."
    elif "reading" in seen:
        why = f"The running daemon was still reading the files after {LONGEST_READING_S:.0f} s."
    else:
        why = f"The running daemon has not reloaded the files within {GIVE_UP_AFTER_S:.0f} s."
    return (
        f"{why} The files are in place, and are reloaded automatically. "
        "`notifier healthcheck` shows how the daemon does, `notifier status` what it watches."
    )
