"""Tells the operators of the notifier's own troubles: each once, and its end once, never through what is broken."""

import hashlib
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from notifier.core.delivery.model import Notice, Outcome
from notifier.core.health.api import ApiKind, ApiNews
from notifier.core.health.channel import ChannelVerdict
from notifier.core.health.conditions import (
    API,
    AUDIT,
    CHANNEL,
    FAULT,
    HTTP,
    LAST,
    LIST,
    MACHINE,
    REFUSED,
    RELOAD,
    STORE,
    kind_of,
    names_of,
)
from notifier.core.health.store import StoreNews
from notifier.core.snapshot.refusals import RefusalNews
from notifier.core.snapshot.rotation import TrustNews
from notifier.core.snapshot.statuses import canonical
from notifier.core.words import one_line
from notifier.core.work_units import INTERNAL_ERROR, Kinds, UnitFault
from notifier.delivery import notice_texts as texts
from notifier.delivery.notice_texts import LONGEST_WORD, NoticeText
from notifier.failpoints import failpoint
from notifier.store.conditions import Conditions
from notifier.store.maintenance import Audit, DeadDeliveries
from notifier.store.outbox import Outbox

STATUS = "status:"
"""The subject of a notice about an unknown status, followed by the word."""

OK = "ok"
"""The kind of a notice of the end of a condition."""

MOST_REFUSED = 20
"""The most refused watches that have a notice at a time."""

MOST_WORDS = 20
"""The most unknown status words with a notice: an API that makes up new words all the time has other troubles."""


class OperatorNotices:
    """Sets and clears conditions, and commits their notices to the channels that `operators:` names."""

    def __init__(
        self,
        *,
        channels: Sequence[str],
        outbox: Outbox,
        conditions: Conditions,
        clock: Callable[[], datetime],
        committed: Callable[[Collection[str]], None],
        token_source: str = "`api:`",
    ) -> None:
        """
        Args:
            channels: the channels of the operators.
            outbox: where notices without an end are committed.
            conditions: what is in trouble, with its notices.
            clock: the time, UTC.
            committed: called after a commit with the channels that have something to deliver.
            token_source: where the API's token stands, for people.
        """
        self._token_source = token_source
        self._channels = tuple(channels)
        self._outbox = outbox
        self._conditions = conditions
        self._clock = clock
        self._committed = committed

    @property
    def channels(self) -> Sequence[str]:
        """The channels of the operators."""
        return self._channels

    def configure(self, channels: Sequence[str], token_source: str) -> None:
        """Tell these channels from now on."""
        self._channels = tuple(channels)
        self._token_source = token_source

    async def reloaded(self, refused: Sequence[str]) -> None:
        """The configuration was read again: `refused` are its errors, none if it runs now."""
        if not refused:
            await self._end(RELOAD, texts.reload_ok())
        elif (
            kind_of(await self._conditions.standing(RELOAD), RELOAD) != LAST
        ):  # then there is a notice of the errors already
            await self._begin(RELOAD, "refused", texts.reload_refused(refused))

    async def started_with_last(self, refused: Sequence[str], read_at: datetime) -> None:
        """The notifier started with the configuration that it accepted last, read at that time."""
        await self._begin(RELOAD, LAST, texts.started_with_last(refused, read_at))

    async def listening(self, address: str, trouble: str) -> None:
        """The daemon listens at the address; or it cannot, for the reason in `trouble`; or (no address) is not to."""
        if trouble:
            await self._begin(HTTP, "failed", texts.http_failed(address, trouble))
        else:
            await self._end(HTTP, texts.http_ok(address))

    async def machine_changed(self, shortage: str) -> None:
        """The machine has run out of something; or (no shortage) it has enough of everything."""
        if shortage:
            await self._begin(MACHINE, "short", texts.machine_short(shortage))
        else:
            await self._end(MACHINE, texts.machine_ok())

    async def channel_changed(self, channel: str, verdict: ChannelVerdict, outcome: Outcome) -> None:
        """A channel broke, or works again."""
        subject = CHANNEL + channel
        if verdict is ChannelVerdict.BROKEN:
            await self._begin(subject, verdict, texts.channel_broken(channel, outcome), avoid=channel)
        else:
            await self._end(subject, texts.channel_healed(channel), kind=verdict, avoid=channel)

    async def api_changed(self, news: ApiNews) -> None:
        """A trouble of the API began, or ended."""
        text = texts.api_changed(news, self._token_source)
        if news.kind is ApiKind.OK:
            await self._end(API, text)
        else:
            await self._begin(API, news.kind, text)

    async def died(self, deaths: DeadDeliveries) -> None:
        """Deliveries to a channel were given up."""
        # Each finding has a notice: its kind is the time up to which it counts.
        notice = self._notice(deaths.subject, deaths.until.isoformat(), texts.deliveries_dead(deaths))
        await self._notify(notice, avoid=deaths.channel)

    async def unknown_word(self, status: str, snapshot_id: str) -> None:
        """The API said a status that this version does not know: each word has one notice, for ever.

        Args:
            status: the word, as the snapshot's state has it.
            snapshot_id: whose status it is.
        """
        word = one_line(status, LONGEST_WORD)
        subject = STATUS + canonical(word)
        notified = await self._outbox.notified_subjects(STATUS)
        if subject not in notified and len(notified) < MOST_WORDS:
            text = texts.status_unknown(word, snapshot_id, last=len(notified) == MOST_WORDS - 1)
            await self._notify(self._notice(subject, "unknown", text))

    async def refusal_changed(self, news: RefusalNews) -> None:
        """Bright Data refuses for good to answer for a watch, or answers for it again."""
        subject = REFUSED + news.subject
        if news.over:
            await self._end(subject, texts.watch_ok(news))
            return
        known = names_of(await self._conditions.standing(REFUSED), REFUSED)
        if len(known) < MOST_REFUSED:
            text = texts.watch_refused(news, last=len(known) == MOST_REFUSED - 1)
            await self._begin(subject, "refuses", text)

    async def list_trust_changed(self, news: TrustNews) -> None:
        """A dataset's lists are not believed any more, or are again."""
        subject = LIST + news.dataset_id
        if news.stale:
            await self._begin(subject, "stale", texts.list_stale(news))
        else:
            await self._end(subject, texts.list_ok(news))

    async def audited(self, audit: Audit) -> None:
        """The outbox was audited, and is sound or not."""
        if audit.sound:
            await self._end(AUDIT, texts.audit_ok())
        else:
            await self._begin(AUDIT, "finding", texts.audit_finding(audit, self._clock()))

    async def faulted(self, fault: UnitFault) -> None:
        """A unit raised, and failed alone; each kind has one notice."""
        await self._begin(FAULT + fault.kind, INTERNAL_ERROR, texts.internal_error(fault))

    async def faults_over(self, kinds: Kinds, since: datetime) -> None:
        """Tell which kinds of internal errors have not come up for long.

        Args:
            kinds: when they came up last.
            since: when this process began.
        """
        now = self._clock()
        for kind in names_of(await self._conditions.standing(FAULT), FAULT):
            if kinds.is_over(kind, since, now):
                await self._end(FAULT + kind, texts.internal_error_over(kind))

    def store_notice(self, news: StoreNews) -> Notice:
        """Return the notice of a database that cannot be used now; it cannot be committed."""
        return self._notice(STORE, news.trouble, texts.store_trouble(news))

    async def store_over(self, news: StoreNews, begun: Notice, unreached: Sequence[str]) -> None:
        """The database can be written again.

        Args:
            news: that it can.
            begun: the notice that was sent without the outbox when the trouble began.
            unreached: the channels that did not get it.
        """
        if await self._conditions.begin(begun, "", unreached):
            self._committed(unreached)
        await self._end(STORE, texts.store_over(news))

    def last_notice(self, detail: str) -> Notice:
        """Return the notice of a database that ends the daemon."""
        return self._notice(STORE, "ended", texts.store_ended(detail))

    async def is_new(self, notice: Notice, detail: str) -> bool:
        """Set the condition of a notice that is sent without the outbox; whether it is new."""
        return await self._conditions.begin(notice, detail, ())

    async def store_works(self) -> None:
        """The database has worked for a while; this is news if it ended an earlier daemon."""
        await self._end(STORE, texts.store_works())

    async def _begin(self, subject: str, kind: str, text: NoticeText, *, avoid: str | None = None) -> None:
        channels = self._without(avoid)
        if await self._conditions.begin(self._notice(subject, kind, text), text.detail, channels):
            self._wake(channels)

    async def _end(self, subject: str, text: NoticeText, *, kind: str = OK, avoid: str | None = None) -> None:
        channels = self._without(avoid)
        if await self._conditions.end(self._notice(subject, kind, text), channels):
            self._wake(channels)

    async def _notify(self, notice: Notice, *, avoid: str | None = None) -> None:
        channels = self._without(avoid)
        if await self._outbox.add_notice(notice, channels):
            self._wake(channels)

    def _without(self, avoid: str | None) -> list[str]:
        return [channel for channel in self._channels if channel != avoid]

    def _wake(self, channels: Collection[str]) -> None:
        failpoint("operators.after_notice")
        self._committed(channels)

    def _notice(self, subject: str, kind: str, text: NoticeText) -> Notice:
        now = self._clock()
        key = f"{subject}\n{kind}\n{now.isoformat()}"
        return Notice(
            id=f"ntc_{hashlib.sha256(key.encode()).hexdigest()[:20]}",
            kind=kind,
            subject=subject,
            title=text.title,
            body=text.body,
            at=now,
        )
