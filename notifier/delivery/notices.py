"""Tells the operators of the notifier's own troubles: each once, and its end once, never through what is broken."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from notifier.core.delivery.model import Notice, Outcome
from notifier.core.health.api import ApiKind, ApiNews
from notifier.core.health.channel import Verdict
from notifier.core.health.store import StoreNews, StoreTrouble
from notifier.core.snapshot.refusals import RefusalNews, notice_body
from notifier.core.snapshot.rotation import TrustNews
from notifier.core.snapshot.statuses import canonical
from notifier.core.units import INTERNAL_ERROR, Fault, Kinds, Unit
from notifier.core.words import count, one_line, span
from notifier.failpoints import failpoint
from notifier.store.maintenance import Audit, Deaths
from notifier.store.outbox import Outbox

API = "api"
AUDIT = "audit"
RELOAD = "reload"
PAGE = "http"
MACHINE = "machine"
MOST_PROBLEMS = 10
STORE = "store"
STATUS = "status:"
LIST = "list:"
"""Before a dataset's id."""

STALE = "stale"
REFUSED = "refused:"
"""Before the id of a snapshot or of a dataset."""

REFUSES = "refuses"
MOST_REFUSED = 20
"""So many refused watches at a time are told."""
MOST_WORDS = 20
"""So many unknown status words are told: an API that says something else each time is told by its other troubles."""

_LONGEST_WORD = 100
OK = "ok"
LAST = "last"
"""What a configuration on disk is told to be instead of which the notifier started with the one taken up last."""

ENDED = "ended"
"""What a database is told to be that ended the daemon."""


class Heading(StrEnum):
    """Every notice there is, by its title; docs/operations.md says of each what it means and what to do."""

    TOKEN_REFUSED = "Bright Data refuses the token"
    API_UNREACHABLE = "Bright Data cannot be reached"
    API_LIMITED = "Bright Data asks for fewer requests (429)"
    API_OK = "Bright Data answers again"
    CHANNEL_BROKEN = "the channel {channel} is broken"
    CHANNEL_HEALED = "the channel {channel} works again"
    DELIVERIES_DEAD = "{number} to the channel {channel} could not be made"
    RELOAD_REFUSED = "the configuration has errors and was not taken up"
    STARTED_WITH_LAST = "the configuration has errors, and the notifier started with the last one without"
    RELOAD_OK = "the configuration is taken up again"
    PAGE_FAILED = "nothing can be had over HTTP at {address}"
    PAGE_OK = "the trouble with HTTP is over"
    MACHINE_SHORT = "the notifier's machine is exhausted"
    MACHINE_OK = "the notifier's machine has enough of everything again"
    AUDIT_FINDING = "the outbox is not in order"
    AUDIT_OK = "the outbox is in order again"
    STATUS_UNKNOWN = "Bright Data says a status that is not known yet: {word}"
    INTERNAL_ERROR = "{unit} has raised an internal error: {error}"
    INTERNAL_OK = "the internal error of {unit} is over: {error}"
    WATCH_REFUSED = "Bright Data refuses to tell of {watch}"
    WATCH_OK = "Bright Data tells of {watch} again"
    LIST_STALE = "the list of the dataset {dataset} does not tell of every end"
    LIST_OK = "the list of the dataset {dataset} tells of every end again"
    STORE_FULL = "there is no room on the disk of the database"
    STORE_LOCKED = "another program keeps the database locked"
    STORE_FAILING = "the database cannot be used"
    STORE_OK = "the database can be written again"
    STORE_ENDED = "the notifier has ended: its database cannot be used"


_STORE_TROUBLES = {
    StoreTrouble.FULL: Heading.STORE_FULL,
    StoreTrouble.LOCKED: Heading.STORE_LOCKED,
    StoreTrouble.FAILING: Heading.STORE_FAILING,
}

_TROUBLES = {
    ApiKind.UNAUTHORISED: "the token was refused",
    ApiKind.UNREACHABLE: "it could not be reached",
    ApiKind.RATE_LIMITED: "it asked for fewer requests",
    ApiKind.OK: "none that is known",
}


class OperatorNotices:
    """Commits notices to the outbox, for the channels that `operators:` names."""

    def __init__(
        self,
        *,
        channels: Sequence[str],
        outbox: Outbox,
        clock: Callable[[], datetime],
        committed: Callable[[Collection[str]], None],
        token_source: str = "`api:`",
    ) -> None:
        """
        Args:
            channels: who is told.
            outbox: where notices are committed.
            clock: the time, UTC.
            committed: called after a commit with the channels that have something to deliver.
            token_source: where the API's token stands, for people.
        """
        self._token_source = token_source
        self._channels = tuple(channels)
        self._outbox = outbox
        self._clock = clock
        self._committed = committed

    def configure(self, channels: Sequence[str], token_source: str) -> None:
        """Tell these from now on."""
        self._channels = tuple(channels)
        self._token_source = token_source

    async def reloaded(self, refused: Sequence[str]) -> None:
        """The configuration was read again: for nothing, for these reasons, or (none) with success."""
        before = (await self._outbox.last_kinds()).get(RELOAD, OK)
        if not refused:
            if before != OK:
                await self._tell(Heading.RELOAD_OK, RELOAD, OK, "What the files say is what runs.")
            return
        if before == LAST:
            return  # that the files have errors is told already
        body = _first_of(refused)
        body += "\nThe old configuration keeps running, as it was. Mend the files: they are taken up by themselves."
        await self._tell(Heading.RELOAD_REFUSED, RELOAD, "refused", body)

    async def started_with_last(self, refused: Sequence[str], read_at: datetime) -> None:
        """The notifier started with the configuration that it took up last, which was read then."""
        body = _first_of(refused)
        body += f"\nWhat runs is what the files said at {read_at:%Y-%m-%d %H:%M} UTC, without what changed since. "
        body += "Fix the files: they are taken up automatically."
        await self._tell(Heading.STARTED_WITH_LAST, RELOAD, LAST, body)

    async def listening(self, address: str, trouble: str) -> None:
        """The daemon answers over HTTP at that address; or it cannot, and why; or (no address) it need not any more."""
        if trouble:
            body = f"It {trouble}. It is tried again every few seconds. Watching and telling go on as always."
            await self._tell(Heading.PAGE_FAILED, PAGE, "failed", body, address=address)
        elif (await self._outbox.last_kinds()).get(PAGE, OK) != OK:
            body = f"The address: {address}" if address else "It is turned off (`http: off`)."
            await self._tell(Heading.PAGE_OK, PAGE, OK, body)

    async def machine_changed(self, shortage: str) -> None:
        """The machine has run out of something; or (no shortage) it has enough of everything."""
        if shortage:
            body = f"In the way: {shortage}.\nLooks and messages that fail for it are made again, and what changes "
            body += "meanwhile is told afterwards. See which program takes so many: `ls /proc/PID/fd | wc -l`."
            await self._tell(Heading.MACHINE_SHORT, MACHINE, "short", body)
        elif (await self._outbox.last_kinds()).get(MACHINE, OK) != OK:
            await self._tell(Heading.MACHINE_OK, MACHINE, OK, "What waited is done now.")

    async def channel_changed(self, channel: str, verdict: Verdict, outcome: Outcome) -> None:
        """A channel broke, or works again."""
        if verdict is Verdict.BROKEN:
            heading = Heading.CHANNEL_BROKEN
            body = f"{outcome.reason}: {outcome.detail}\n" if outcome.detail else f"{outcome.reason}\n"
            body += "What is to be told there is kept, and tried again for as long as the channel's give_up_after says."
        else:
            heading = Heading.CHANNEL_HEALED
            body = "What was kept for it goes out now."
        await self._tell(heading, f"channel:{channel}", verdict, body, avoid=channel, channel=channel)

    async def api_changed(self, news: ApiNews) -> None:
        """A trouble of the API began, or ended."""
        said = f"The last answer: {news.detail}.\n" if news.detail else ""
        match news.kind:
            case ApiKind.UNAUTHORISED:
                heading = Heading.TOKEN_REFUSED
                body = f"{said}Polling has stopped; the token is tried again, at first each minute. "
                body += f"It comes from {self._token_source}: put a valid one there. "
                body += "Nothing is lost: what happens meanwhile is told afterwards."
            case ApiKind.UNREACHABLE:
                heading = Heading.API_UNREACHABLE
                body = (
                    f"{said}One request at a time tries it, at least once a minute. Every snapshot keeps its status, "
                )
                body += "and what happens meanwhile is told afterwards. If it lasts, see whether this machine reaches "
                body += "`api: base_url`, and what Bright Data says of an outage."
            case ApiKind.RATE_LIMITED:
                heading = Heading.API_LIMITED
                body = f"{said}No request is made for {span(news.held_for)}, so that the account is not blocked. What "
                body += "happens meanwhile is told afterwards. If it comes again, lower `api: requests_per_second`, or "
                body += "look for another program that uses the same account."
            case _:
                heading = Heading.API_OK
                lasted = "" if news.lasted is None else f" after {span(news.lasted)}"
                body = f"The trouble ({_TROUBLES[news.previous]}) is over{lasted}. Polling goes on."
        await self._tell(heading, API, news.kind, body)

    async def died(self, deaths: Deaths) -> None:
        """Deliveries to a channel were given up."""
        number = count(deaths.number, "delivery", "deliveries")
        body = f"The last reason: {deaths.reason}.\n"
        body += f"See `notifier delivery list --state dead --channel {deaths.channel}`; "
        body += f"send them again with `notifier delivery retry --dead --channel {deaths.channel}`."
        await self._tell(
            Heading.DELIVERIES_DEAD,
            deaths.subject,
            deaths.until.isoformat(),  # each finding is news of its own: it says until when it counts
            body,
            avoid=deaths.channel,
            channel=deaths.channel,
            number=number,
        )

    async def unknown_word(self, status: str, snapshot_id: str) -> None:
        """The API said a status that nobody knows (`core.statuses.is_known_word`): each word is told once, for ever.

        Args:
            status: the word, as the snapshot's state has it.
            snapshot_id: whose status it is.
        """
        word = one_line(status, _LONGEST_WORD)
        subject = f"{STATUS}{canonical(word)}"
        told = [each for each in await self._outbox.last_kinds() if each.startswith(STATUS)]
        if subject in told or len(told) >= MOST_WORDS:
            return
        body = f"The snapshot {snapshot_id} has it. It counts as in progress: the snapshot is polled until its end.\n"
        body += f"A watch with `{word}` in its `on:` list is told of it."
        if len(told) == MOST_WORDS - 1:
            body += "\nOf further unknown words nothing is told any more; the log has them."
        await self._tell(Heading.STATUS_UNKNOWN, subject, "unknown", body, word=word)

    async def refusal_changed(self, news: RefusalNews) -> None:
        """Bright Data refuses for good to tell of a watch, or tells of it again."""
        subject, name = f"{REFUSED}{news.subject}", one_line(news.name, _LONGEST_WORD)
        standing = subjects_of(await self._outbox.last_kinds(), REFUSED, REFUSES)
        if news.over:
            if news.subject in standing:
                await self._tell(Heading.WATCH_OK, subject, OK, notice_body(news, last=False), watch=name)
        elif len(standing) < MOST_REFUSED:
            body = notice_body(news, last=len(standing) == MOST_REFUSED - 1)
            await self._tell(Heading.WATCH_REFUSED, subject, REFUSES, body, watch=name)

    async def list_trust_changed(self, news: TrustNews) -> None:
        """A dataset's lists are not believed any more, or are again."""
        subject = f"{LIST}{news.dataset_id}"
        if not news.stale:
            lasted = "" if news.lasted is None else f" It lasted {span(news.lasted)}."
            body = f"Its lists agree with single answers again, or none is asked for any more.{lasted}"
            await self._tell(Heading.LIST_OK, subject, OK, body, dataset=news.dataset_id)
            return
        body = f"The snapshot {news.snapshot_id} has ended ({news.status}), but a later list still calls it "
        body += f"{one_line(news.listed_as, _LONGEST_WORD)}. Until the lists agree again, all watched snapshots "
        body += "of this dataset are polled one by one, as often as `every` says where the request budget allows it. "
        body += "Every end is told; what is new in a watched dataset is found when a list has it."
        await self._tell(Heading.LIST_STALE, subject, STALE, body, dataset=news.dataset_id)

    async def audited(self, audit: Audit) -> None:
        """The auditor was round; it is told when something is wrong, and when it is right again."""
        if audit.sound:
            if (await self._outbox.last_kinds()).get(AUDIT, OK) != OK:
                await self._tell(Heading.AUDIT_OK, AUDIT, OK, "The auditor finds nothing wrong.")
            return
        findings = [
            f"{count(audit.untold, 'event')} without a delivery to one of its channels" if audit.untold else "",
            f"{count(audit.stuck, 'delivery', 'deliveries')} with neither an end nor a next try" if audit.stuck else "",
            f"{count(audit.lingering, 'delivery', 'deliveries')} sending for too long" if audit.lingering else "",
        ]
        if audit.oldest is not None:
            findings.append(f"The oldest waits since {span(self._clock() - audit.oldest)}.")
        body = "\n".join(finding for finding in findings if finding)
        await self._tell(Heading.AUDIT_FINDING, AUDIT, "finding", body)

    async def faulted(self, fault: Fault) -> None:
        """A unit raised, and failed alone; each kind is told once."""
        about = f"The first one: {fault.subject}: {fault.detail}.\n" if fault.subject else f"{fault.detail}.\n"
        again = "It is tried again with growing pauses. " if fault.pause is not None else ""
        body = (
            f"{about}Nothing else is affected. {again}The log has the traceback (`unit.internal_error`): please report "
        )
        body += "it. Further ones of this kind are in the log and in the metrics only."
        subject = f"{INTERNAL_ERROR}:{fault.kind}"
        await self._tell(
            Heading.INTERNAL_ERROR, subject, INTERNAL_ERROR, body, unit=fault.unit.words, error=fault.error_name
        )

    async def faults_over(self, kinds: Kinds, since: datetime) -> None:
        """Tell which kinds of internal errors have not come up for long.

        Args:
            kinds: when they came up last.
            since: when this process began.
        """
        now = self._clock()
        for subject, kind in (await self._outbox.last_kinds()).items():
            about, _, rest = subject.partition(":")
            unit, _, error = rest.partition(":")
            if about == INTERNAL_ERROR and kind != OK and kinds.is_over(rest, since, now):
                words = Unit(unit).words if unit in list(Unit) else unit
                body = "It has not come up for hours."
                await self._tell(Heading.INTERNAL_OK, subject, OK, body, unit=words, error=error)

    def store_notice(self, news: StoreNews) -> Notice:
        """What is told, past the outbox, of a database that cannot be used now."""
        body = f"{news.detail}.\nPolling goes on. What changes is kept in memory and told afterwards, each once; it is "
        body += "found again by itself if the notifier is restarted meanwhile. No message goes out until then."
        return self._notice(_STORE_TROUBLES[news.trouble], STORE, news.trouble, body)

    async def store_over(self, news: StoreNews, begun: Notice, untold: Sequence[str]) -> None:
        """The database can be written again.

        Args:
            news: that it can.
            begun: what was told past the outbox when it began.
            untold: the channels that could not be told so.
        """
        if await self._outbox.tell(begun, untold):
            self._committed(untold)
        lasted = "" if news.lasted is None else f" It lasted {span(news.lasted)}."
        await self._tell(Heading.STORE_OK, STORE, OK, f"What waited is written, and is told now.{lasted}")

    def last_notice(self, detail: str) -> Notice:
        """What is told, past the outbox, of a database that ends the daemon."""
        body = f"{detail}.\nNothing is watched until the notifier runs again. Nothing is lost that the database holds."
        return self._notice(Heading.STORE_ENDED, STORE, ENDED, body)

    async def store_works(self) -> None:
        """The database has worked for a while; that is news after one that ended the last daemon."""
        if (await self._outbox.last_kinds()).get(STORE, OK) != OK:
            await self._tell(Heading.STORE_OK, STORE, OK, "The notifier runs, and everything is told as usual.")

    async def is_new(self, notice: Notice) -> bool:
        """Note that a notice is told past the outbox; whether the last one of its subject was another."""
        return await self._outbox.tell(notice, ())

    @property
    def channels(self) -> Sequence[str]:
        """Who is told."""
        return self._channels

    async def _tell(
        self, heading: Heading, subject: str, kind: str, body: str, *, avoid: str | None = None, **words: str
    ) -> None:
        notice = self._notice(heading, subject, kind, body, **words)
        told = [channel for channel in self._channels if channel != avoid]
        if await self._outbox.tell(notice, told):
            failpoint("operators.after_notice")
            self._committed(told)

    def _notice(self, heading: Heading, subject: str, kind: str, body: str, **words: str) -> Notice:
        now = self._clock()
        key = f"{subject}\n{kind}\n{now.isoformat()}"
        return Notice(
            id=f"ntc_{hashlib.sha256(key.encode()).hexdigest()[:20]}",
            kind=kind,
            subject=subject,
            title=heading.format(**words),
            body=body,
            at=now,
        )


def _first_of(refused: Sequence[str]) -> str:
    """The first reasons, a line each, and how many more there are."""
    lines = list(refused[:MOST_PROBLEMS])
    if more := len(refused) - len(lines):
        lines.append(f"and {more} more: `notifier config check` shows all of them")
    return "\n".join(lines)


def subjects_of(last_kinds: Mapping[str, str], prefix: str, kind: str) -> set[str]:
    """What stands after the prefix in the subjects whose last notice was of this kind."""
    return {
        subject.removeprefix(prefix)
        for subject, last in last_kinds.items()
        if last == kind and subject.startswith(prefix)
    }
