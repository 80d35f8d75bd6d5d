"""The part of the store for downloads: one beside the event of a ready snapshot, settled together with its notices."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from notifier.core.delivery.model import DeliveryState, Event, Notice
from notifier.core.delivery.retry_pauses import LONGEST_RETRY
from notifier.core.snapshot.download_job import HELD_FOR, DownloadJob, Fetched, GivenUp, Result, Retrying
from notifier.store.attempts import new_delivery
from notifier.store.database import Database
from notifier.store.mapping import FETCHED, GIVEN_UP, WAITING, event_from_row
from notifier.store.tables import deliveries, downloads, events, notices
from notifier.store.transaction import transaction

_NOTIFIED = (DeliveryState.SENDING, DeliveryState.DELIVERED, DeliveryState.RETRYING, DeliveryState.UNCERTAIN)
"""The states of deliveries whose message was made without the file."""


def add(connection: Connection, event: Event, *, folder: str, format: str) -> None:  # noqa: A002
    """Add a download in the transaction that commits its event; the deliveries wait for the file, up to `HELD_FOR`."""
    now = event.transition.observed_at
    connection.execute(
        insert(downloads).values(
            event_id=event.id,
            folder=folder,
            format=format,
            state=WAITING,
            attempt=0,
            not_before=now,
            created_at=now,
            reason="",
            detail="",
        )
    )
    connection.execute(
        update(deliveries)
        .where(deliveries.c.event_id == event.id, deliveries.c.state == DeliveryState.PENDING)
        .values(not_before=now + HELD_FOR, wanted_at=now + HELD_FOR)
    )


class Downloads:
    """The downloads of the daemon's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @transaction
    def due(self, connection: Connection, now: datetime, most: int, besides: Collection[str]) -> Sequence[DownloadJob]:
        """Return the downloads that are due, the oldest first, without those of these events."""
        query = (
            select(
                downloads.c.folder,
                downloads.c.format,
                (downloads.c.attempt + 1).label("number"),
                downloads.c.created_at,
                *events.c,
            )
            .join_from(downloads, events, downloads.c.event_id == events.c.id)
            .where(
                downloads.c.state == WAITING, downloads.c.not_before <= now, downloads.c.event_id.not_in(list(besides))
            )
            .order_by(downloads.c.not_before)
            .limit(most)
        )
        rows = connection.execute(query).mappings().all()
        return [
            DownloadJob(
                event=event_from_row(row),
                folder=row["folder"],
                format=row["format"],
                attempt=row["number"],
                created_at=row["created_at"],
            )
            for row in rows
        ]

    @transaction
    def next_due(self, connection: Connection, besides: Collection[str]) -> datetime | None:
        """Return when the next one is due; None if none waits."""
        query = select(func.min(downloads.c.not_before)).where(
            downloads.c.state == WAITING, downloads.c.event_id.not_in(list(besides))
        )
        found: datetime | None = connection.execute(query).scalar_one()
        return found

    @transaction
    def reschedule_after_clock_change(self, connection: Connection, now: datetime) -> int:
        """Make downloads due that a wrong clock has put off for longer than any pause; return their number."""
        too_far = downloads.c.not_before > now + LONGEST_RETRY
        moved = connection.execute(
            update(downloads).where(downloads.c.state == WAITING, too_far).values(not_before=now)
        )
        return moved.rowcount

    @transaction
    def settle(
        self,
        connection: Connection,
        job: DownloadJob,
        result: Result,
        now: datetime,
        late: Notice | None,
        events_only: Collection[str] = (),
    ) -> Collection[str]:
        """Record the result of an attempt, with the notice about it: see `downloads.worker`."""
        noted = connection.execute(
            update(downloads)
            .where(
                downloads.c.event_id == job.event.id,
                downloads.c.state == WAITING,
                downloads.c.attempt == job.attempt - 1,
            )
            .values(attempt=job.attempt, **_columns(result, now))
        )
        if noted.rowcount != 1 or isinstance(result, Retrying):
            return ()
        released = self._release(connection, job.event.id, now)
        notified = self._notify_late(connection, job.event.id, late, events_only)
        return {*released, *notified}

    @staticmethod
    def _release(connection: Connection, event_id: str, now: datetime) -> list[str]:
        """Release deliveries that wait for the file, and for nothing else (such as the end of quiet hours)."""
        released = connection.execute(
            update(deliveries)
            .where(
                deliveries.c.event_id == event_id,
                deliveries.c.state == DeliveryState.PENDING,
                deliveries.c.attempt == 0,
                deliveries.c.not_before > now,
                deliveries.c.reason == "",
            )
            .values(not_before=now, wanted_at=now)
            .returning(deliveries.c.channel)
        )
        return list(released.scalars())

    @staticmethod
    def _notify_late(
        connection: Connection, event_id: str, late: Notice | None, events_only: Collection[str]
    ) -> list[str]:
        query = select(deliveries.c.channel).where(
            deliveries.c.event_id == event_id,
            deliveries.c.state.in_(_NOTIFIED),
            deliveries.c.channel.not_in(list(events_only)),
        )
        channels = list(connection.execute(query).scalars())
        if late is None or not channels:
            return []
        row = {name: getattr(late, name) for name in ("id", "kind", "subject", "title", "body", "at")}
        connection.execute(insert(notices).values(row))
        connection.execute(insert(deliveries), [new_delivery(late, channel) for channel in channels])
        return channels


def _columns(result: Result, now: datetime) -> dict[str, object]:
    match result:
        case Fetched(path=path, records=records):
            return {"state": FETCHED, "not_before": None, "settled_at": now, "path": path, "records": records}
        case Retrying(until=until, trouble=trouble, detail=detail):
            return {"not_before": until, "reason": str(trouble), "detail": detail}
        case GivenUp(trouble=trouble, detail=detail):
            return {
                "state": GIVEN_UP,
                "not_before": None,
                "settled_at": now,
                "reason": str(trouble),
                "detail": detail,
            }
