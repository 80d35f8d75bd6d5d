"""Finds out what the running daemon makes of a watch whose file was just written or removed."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LONGEST_WAIT_S = 10.0
"""The daemon finds a changed file within 2 s, reads it, looks, and notes its looks every 2 s."""

NO_DAEMON = "no daemon runs; it is watched as soon as one does"


def taken_up(main: Path, database: Path, subject: str | None, began: datetime) -> dict[str, Any]:
    """Wait until the running daemon has read the files, and tell what it made of them.

    Args:
        main: the main file.
        database: where the daemon is found.
        subject: the watch that was added, whose first look is waited for; None waits for the reload alone.
        began: when the file was written or removed.

    Returns:
        Whether a daemon `runs`, whether it has `taken_up` the files, why they are `refused`, line by line, and with
        a subject the `status` that it saw.
    """
    from notifier.cli.status import overview

    seen: dict[str, Any] = {"runs": True, "taken_up": False, "refused": []}
    if subject is not None:
        seen["status"] = None
    deadline = time.monotonic() + LONGEST_WAIT_S
    while time.monotonic() < deadline:
        if not _ask_about(database, began, seen):
            return seen
        if seen["taken_up"] and subject is None:
            return seen
        if seen["taken_up"] and database.exists():
            from notifier.loading import load_leniently

            entries = overview(load_leniently(main).config, datetime.now(UTC))
            entry = next((each for each in entries if each["watch"] == subject), {})
            if entry.get("status", "unknown") != "unknown" or (entry.get("last_look") or began) > began:
                seen["status"] = entry.get("status") or entry.get("last_answer")
                return seen
        time.sleep(0.2)
    return seen


def _ask_about(database: Path, began: datetime, seen: dict[str, Any]) -> bool:
    """Note what the daemon says of its last reload; whether there is more to come."""
    import asyncio

    from notifier.control import Health, ask
    from notifier.core.errors import NoDaemon

    try:
        reload = asyncio.run(ask(database, Health(), limit=LONGEST_WAIT_S))["reload"]
    except NoDaemon:
        seen["runs"] = False
        return False
    if reload is not None and datetime.fromisoformat(reload["at"]) >= began:
        seen["refused"] = reload["refused"]
        seen["taken_up"] = not reload["refused"]
    return not seen["refused"]


def withdraw(path: Path, seen: dict[str, Any]) -> bool:
    """Remove a file that was just written if the daemon refuses it: it would stop every later reload.

    A refusal that does not name the file is about another one, and this file stays.

    Args:
        path: the file.
        seen: what `taken_up` found out.

    Returns:
        Whether it was removed.
    """
    if not any(path.name in reason for reason in seen["refused"]):
        return False
    path.unlink(missing_ok=True)
    return True


def sentence(subject: str, seen: dict[str, Any]) -> str:
    """What `taken_up` found out, for people."""
    if not seen["runs"]:
        return f"{NO_DAEMON[0].upper()}{NO_DAEMON[1:]}."
    if seen["refused"]:
        return "\n".join(["The running daemon refuses the configuration:", *seen["refused"]])
    if not seen["taken_up"]:
        return f"The running daemon has not taken it up within {LONGEST_WAIT_S:.0f} s; see `notifier healthcheck`."
    if seen["status"] is None:
        return "The running daemon has taken it up, and has not looked at it yet."
    return f"The running daemon watches it: {subject} is {seen['status']}."
