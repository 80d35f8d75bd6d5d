"""What the history notes of a command's request: the action, its subject, and from where."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import structlog

from notifier.control.protocol import GotThrough, Mute, Request, Retry, Unmute
from notifier.core.errors import StoreError
from notifier.core.resources import ActionResource
from notifier.core.words import count
from notifier.store.store import Store
from notifier.store.write_retries import at_once

log = structlog.get_logger("notifier")


def command_of(uid: int | None) -> str:
    """Return the origin of a command, with the number of the user who gave it: a name might take long to look up."""
    if uid is None:
        return "command"
    return "command of root" if uid == 0 else f"command of user {uid}"


async def note(store: Store, now: datetime, request: Request, done: dict[str, Any], origin: str) -> None:
    """Note a request that was done. If the database cannot be written now, only the log has it."""
    actions = [
        ActionResource(at=now, action=action, subject=subject, origin=origin, detail=detail)
        for action, subject, detail in _of(request, done)
    ]
    try:
        with at_once():
            await store.actions.note(actions)
    except StoreError as error:
        log.warning("action.not_noted", actions=[each.action for each in actions], origin=origin, error=str(error))


def _of(request: Request, done: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Iterate over what is noted: the action, its subject and details. What changes nothing is not noted."""
    match request:
        case Mute(watch=watch, until=until):
            yield "mute", watch, "until it is unmuted" if until is None else f"until {until}"
        case Unmute(watch=watch) if done["was_muted"]:
            yield "unmute", watch, ""
        case Retry(ids=ids) if ids and done["retried"]:
            detail = f"{done['retried']} of {len(ids)} sent again"
            yield from (("retry", str(each), detail) for each in ids)
        case Retry(channel=channel) if done["retried"]:
            number = count(done["retried"], "dead delivery", "dead deliveries")
            yield "retry", channel or "all channels", f"{number} sent again"
        case GotThrough(channel=channel):
            waiting = count(done["hastened"], "failed delivery", "failed deliveries")
            yield "test", channel, f"delivered; {waiting} tried again at once"
        case _:
            pass
