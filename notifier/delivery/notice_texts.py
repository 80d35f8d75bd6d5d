"""The texts of all notices to the operators: what happened, why it matters, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from notifier.core.delivery.model import Outcome
from notifier.core.health.api import ApiKind, ApiNews
from notifier.core.health.store import StoreNews, StoreTrouble
from notifier.core.snapshot.refusals import RefusalNews
from notifier.core.snapshot.rotation import TrustNews
from notifier.core.words import count, one_line, span
from notifier.core.work_units import Unit, UnitFault
from notifier.store.maintenance import Audit, DeadDeliveries

MOST_PROBLEMS = 10
"""Errors of the configuration that a notice lists."""

LONGEST_WORD = 100
"""Characters of a status word or a watch's name in a notice."""


class Heading(StrEnum):
    """The title of every notice there is; docs/operations.md says of each what it means and what to do."""

    TOKEN_REFUSED = "Bright Data refuses the token"
    API_UNREACHABLE = "Bright Data cannot be reached"
    API_LIMITED = "Bright Data asks for fewer requests (429)"
    API_OK = "Bright Data answers again"
    CHANNEL_BROKEN = "the channel {channel} is broken"
    CHANNEL_HEALED = "the channel {channel} works again"
    DELIVERIES_DEAD = "{number} to the channel {channel} failed for good"
    RELOAD_REFUSED = "the configuration has errors and was not loaded"
    STARTED_WITH_LAST = "the configuration has errors: the notifier started with the last valid one"
    RELOAD_OK = "the configuration is valid again"
    PAGE_FAILED = "the HTTP server cannot listen at {address}"
    PAGE_OK = "the trouble with the HTTP server is over"
    MACHINE_SHORT = "the notifier's machine has run out of resources"
    MACHINE_OK = "the notifier's machine has enough resources again"
    AUDIT_FINDING = "the audit of the outbox found errors"
    AUDIT_OK = "the audit of the outbox finds no errors any more"
    STATUS_UNKNOWN = "Bright Data reports an unknown status: {word}"
    INTERNAL_ERROR = "internal error in {unit}: {error}"
    INTERNAL_OK = "the internal error in {unit} is over: {error}"
    WATCH_REFUSED = "Bright Data refuses to answer for {watch}"
    WATCH_OK = "Bright Data answers for {watch} again"
    LIST_STALE = "the list of the dataset {dataset} shows ended snapshots as in progress"
    LIST_OK = "the list of the dataset {dataset} agrees with single answers again"
    STORE_FULL = "the disk of the database is full"
    STORE_LOCKED = "another program keeps the database locked"
    STORE_FAILING = "the database cannot be used"
    STORE_OK = "the database can be written again"
    STORE_ENDED = "the notifier has ended: its database cannot be used"


@dataclass(frozen=True, kw_only=True, slots=True)
class NoticeText:
    """A notice in words. `detail` is one line that says why, for `status` and health."""

    title: str
    body: str
    detail: str = ""


_STORE_TROUBLES = {
    StoreTrouble.FULL: Heading.STORE_FULL,
    StoreTrouble.LOCKED: Heading.STORE_LOCKED,
    StoreTrouble.FAILING: Heading.STORE_FAILING,
}

_API_TROUBLES = {
    ApiKind.UNAUTHORISED: "the token was refused",
    ApiKind.UNREACHABLE: "it could not be reached",
    ApiKind.RATE_LIMITED: "it asked for fewer requests",
    ApiKind.OK: "none that is known",
}


def api_changed(news: ApiNews, token_source: str) -> NoticeText:
    """A trouble of the API began, or ended; `token_source` says where the token stands."""
    said = f"The last answer: {news.detail}.\n" if news.detail else ""
    match news.kind:
        case ApiKind.UNAUTHORISED:
            heading = Heading.TOKEN_REFUSED
            body = f"{said}Polling has stopped; the token is tried again, at first each minute. "
            body += f"It comes from {token_source}: put a valid one there. "
            body += "Nothing is lost: notifications of what happens meanwhile follow."
        case ApiKind.UNREACHABLE:
            heading = Heading.API_UNREACHABLE
            body = (
                f"{said}It is tried again at least once a minute. Every snapshot keeps its status, and notifications "
            )
            body += (
                "of what happens meanwhile follow. If it lasts, check whether this machine reaches `api: base_url`, "
            )
            body += "and what Bright Data says about an outage."
        case ApiKind.RATE_LIMITED:
            heading = Heading.API_LIMITED
            body = f"{said}No request is made for {span(news.held_for)}, so that the account is not blocked. "
            body += "Notifications of what happens meanwhile follow. If it happens again, lower "
            body += "`api: requests_per_second`, or look for another program that uses the same account."
        case _:
            heading = Heading.API_OK
            lasted = "" if news.lasted is None else f" after {span(news.lasted)}"
            body = f"The trouble ({_API_TROUBLES[news.previous]}) is over{lasted}. Polling continues."
    return NoticeText(title=heading, body=body, detail=news.detail)


def channel_broken(channel: str, outcome: Outcome) -> NoticeText:
    """No message has got through to a channel for a while."""
    reason = f"{outcome.reason}: {outcome.detail}" if outcome.detail else outcome.reason
    body = f"{reason}\nMessages for it are kept, and sent again for as long as the channel's `give_up_after` says."
    return NoticeText(title=Heading.CHANNEL_BROKEN.format(channel=channel), body=body, detail=reason)


def channel_healed(channel: str) -> NoticeText:
    """A channel works again."""
    return NoticeText(
        title=Heading.CHANNEL_HEALED.format(channel=channel), body="The messages that were kept are sent now."
    )


def deliveries_dead(deaths: DeadDeliveries) -> NoticeText:
    """Deliveries to a channel were given up."""
    body = f"The last reason: {deaths.reason}.\n"
    body += f"See `notifier delivery list --state dead --channel {deaths.channel}`; "
    body += f"send them again with `notifier delivery retry --dead --channel {deaths.channel}`."
    number = count(deaths.number, "delivery", "deliveries")
    title = Heading.DELIVERIES_DEAD.format(number=number, channel=deaths.channel)
    return NoticeText(title=title, body=body, detail=deaths.reason)


def reload_refused(refused: Sequence[str]) -> NoticeText:
    """The files were read again, and have these errors."""
    body = _first_of(refused)
    body += "\nThe old configuration keeps running. Fix the files; they are reloaded automatically."
    return NoticeText(title=Heading.RELOAD_REFUSED, body=body, detail=refused[0])


def started_with_last(refused: Sequence[str], read_at: datetime) -> NoticeText:
    """The files have these errors, and the notifier started with the configuration read at that time."""
    body = _first_of(refused)
    body += f"\nThe configuration that runs is that of {read_at:%Y-%m-%d %H:%M} UTC, without later changes. "
    body += "Fix the files; they are reloaded automatically."
    return NoticeText(title=Heading.STARTED_WITH_LAST, body=body, detail=refused[0])


def reload_ok() -> NoticeText:
    """The files have no errors any more."""
    return NoticeText(title=Heading.RELOAD_OK, body="The configuration on disk is the one that runs.")


def http_failed(address: str, trouble: str) -> NoticeText:
    """The daemon cannot listen at the address of `http:`."""
    body = f"It {trouble}. It is tried again every few seconds. Polling and messages continue."
    return NoticeText(title=Heading.PAGE_FAILED.format(address=address), body=body, detail=f"{address} {trouble}")


def http_ok(address: str) -> NoticeText:
    """The daemon listens at the address, or (no address) is not to listen any more."""
    return NoticeText(
        title=Heading.PAGE_OK,
        body=f"The address: {address}" if address else "It is turned off (`http: off`).",
    )


def machine_short(shortage: str) -> NoticeText:
    """The machine has run out of something."""
    body = f"The cause: {shortage}.\nPolls and messages that fail because of it are repeated, and "
    body += "notifications of what changes meanwhile follow. See which program uses so many: `ls /proc/PID/fd | wc -l`."
    return NoticeText(title=Heading.MACHINE_SHORT, body=body, detail=shortage)


def machine_ok() -> NoticeText:
    """The machine has enough of everything again."""
    return NoticeText(title=Heading.MACHINE_OK, body="Work that waited continues.")


def status_unknown(word: str, snapshot_id: str, *, last: bool) -> NoticeText:
    """A snapshot has a status that this version does not know.

    Args:
        word: the status, on one line.
        snapshot_id: whose it is.
        last: whether there are no notices of further unknown words.
    """
    body = f"The snapshot {snapshot_id} has it. It counts as in progress: the snapshot is polled until its end.\n"
    body += f"To be notified of it, put `{word}` into the `on:` list of a watch."
    if last:
        body += "\nThere are no notices of further unknown words; the log has them."
    return NoticeText(title=Heading.STATUS_UNKNOWN.format(word=word), body=body)


def watch_refused(news: RefusalNews, *, last: bool) -> NoticeText:
    """Bright Data refuses for good to answer for a watch; `last`: there are no notices of further ones."""
    body = f"Asked for {news.subject}, Bright Data answers each time: {news.detail}.\n"
    body += "It keeps its last status and is still polled, every 10 minutes at least. Check that the id is right, and "
    body += "that the token belongs to the account that started it; remove the watch if it is not wanted any more."
    if last:
        body += "\nThere are no notices of further ones for now: `notifier status` shows their last poll as `refused`."
    name = one_line(news.name, LONGEST_WORD)
    return NoticeText(title=Heading.WATCH_REFUSED.format(watch=name), body=body, detail=news.detail)


def watch_ok(news: RefusalNews) -> NoticeText:
    """Bright Data answers for a watch again."""
    body = f"Bright Data answers for {news.subject} again. It is polled as usual."
    return NoticeText(title=Heading.WATCH_OK.format(watch=one_line(news.name, LONGEST_WORD)), body=body)


def list_stale(news: TrustNews) -> NoticeText:
    """A dataset's list still has a snapshot in progress that has ended."""
    detail = f"the snapshot {news.snapshot_id} has ended ({news.status}), but a later list still calls it "
    detail += one_line(news.listed_as, LONGEST_WORD)
    body = f"T{detail[1:]}. Until the lists agree again, all watched snapshots "
    body += "of this dataset are polled one by one, as often as `every` says where the request budget allows it. "
    body += "No end is missed; new snapshots of a watched dataset are found when a list has them."
    return NoticeText(title=Heading.LIST_STALE.format(dataset=news.dataset_id), body=body, detail=detail)


def list_ok(news: TrustNews) -> NoticeText:
    """A dataset's lists agree with single answers again."""
    lasted = "" if news.lasted is None else f" It lasted {span(news.lasted)}."
    body = f"Its lists agree with single answers again, or none is requested any more.{lasted}"
    return NoticeText(title=Heading.LIST_OK.format(dataset=news.dataset_id), body=body)


def audit_finding(audit: Audit, now: datetime) -> NoticeText:
    """The audit of the outbox found errors."""
    findings = [
        f"{count(audit.without_delivery, 'event')} without a delivery to one of its channels"
        if audit.without_delivery
        else "",
        f"{count(audit.stuck, 'delivery', 'deliveries')} with neither an end nor a next try" if audit.stuck else "",
        f"{count(audit.lingering, 'delivery', 'deliveries')} sending for too long" if audit.lingering else "",
    ]
    detail = ", ".join(finding for finding in findings if finding)
    if audit.oldest is not None:
        findings.append(f"The oldest has waited for {span(now - audit.oldest)}.")
    body = "\n".join(finding for finding in findings if finding)
    return NoticeText(title=Heading.AUDIT_FINDING, body=body, detail=detail)


def audit_ok() -> NoticeText:
    """The audit of the outbox finds no errors any more."""
    return NoticeText(title=Heading.AUDIT_OK, body="The audit finds nothing wrong.")


def internal_error(fault: UnitFault) -> NoticeText:
    """A unit raised an exception that nobody expected."""
    about = f"The first one: {fault.subject}: {fault.detail}.\n" if fault.subject else f"{fault.detail}.\n"
    again = "It is tried again with growing pauses. " if fault.pause is not None else ""
    body = f"{about}Nothing else is affected. {again}The log has the traceback (`unit.internal_error`): please report "
    body += "it. Further ones of this kind are in the log and in the metrics only."
    title = Heading.INTERNAL_ERROR.format(unit=fault.unit.words, error=fault.error_name)
    return NoticeText(title=title, body=body, detail=fault.detail)


def internal_error_over(kind: str) -> NoticeText:
    """A kind of fault (`core.work_units.UnitFault.kind`) has not come up for long."""
    unit, _, error = kind.partition(":")
    words = Unit(unit).words if unit in list(Unit) else unit
    return NoticeText(title=Heading.INTERNAL_OK.format(unit=words, error=error), body="It has not happened for hours.")


def store_trouble(news: StoreNews) -> NoticeText:
    """The database cannot be used now."""
    body = (
        f"{news.detail}.\nPolling continues. Changes are kept in memory, and notifications follow, each once. If the "
    )
    body += "notifier is restarted meanwhile, it finds the changes again. No message is sent until then."
    return NoticeText(title=_STORE_TROUBLES[news.trouble], body=body, detail=news.detail)


def store_over(news: StoreNews) -> NoticeText:
    """The database can be written again."""
    lasted = "" if news.lasted is None else f" It lasted {span(news.lasted)}."
    return NoticeText(
        title=Heading.STORE_OK, body=f"Changes that waited are written, and notifications are sent now.{lasted}"
    )


def store_ended(detail: str) -> NoticeText:
    """The database ends the daemon."""
    body = f"{detail}.\nNothing is watched until the notifier runs again. What the database holds is not lost."
    return NoticeText(title=Heading.STORE_ENDED, body=body, detail=detail)


def store_works() -> NoticeText:
    """The database works, after it ended an earlier daemon."""
    return NoticeText(title=Heading.STORE_OK, body="The notifier runs, and sends notifications as usual.")


def _first_of(refused: Sequence[str]) -> str:
    """The first errors, a line each, and how many more there are."""
    lines = list(refused[:MOST_PROBLEMS])
    if more := len(refused) - len(lines):
        lines.append(f"and {more} more: `notifier config check` shows all of them")
    return "\n".join(lines)
