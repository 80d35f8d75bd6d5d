"""Writes outcomes to the log."""

import traceback
from datetime import timedelta
from typing import Any

import structlog

from notifier.core.delivery.model import DeliveryState
from notifier.core.health.api import ApiKind, ApiNews
from notifier.core.health.channel import ChannelVerdict
from notifier.core.health.store import StoreNews
from notifier.core.outcomes import (
    AnyOutcome,
    ChannelChange,
    ClockShift,
    DeliveryOutcome,
    DownloadOutcome,
    DroppedDeliveries,
    HeartbeatKind,
    HeartbeatOutcome,
    HintOutcome,
    HttpListening,
    ListOutcome,
    PollOutcome,
    ReloadOutcome,
    RequestOutcome,
    TemplateFailure,
    UnreadableEntries,
    answer_word,
)
from notifier.core.snapshot.download_job import Fetched, GivenUp, Retrying
from notifier.core.snapshot.model import Observation, Unclear, Watch
from notifier.core.snapshot.rotation import TrustNews
from notifier.core.work_units import UnitFault
from notifier.telemetry.hint_log import HintLog
from notifier.telemetry.reporter import MOST_PROBLEMS, Reporter

_MOST_TRACED = 1_000
"""The most places whose traceback is remembered to be in the log."""


class LogReporter(Reporter):
    """Logs transitions, deliveries and troubles at info and above; a poll that changed nothing at debug."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("notifier")
        self._hints = HintLog()
        self._last_beat: HeartbeatKind | None = None
        self._traced: set[tuple[str, str]] = set()
        self._unreadable_logged: set[tuple[str, str]] = set()

    def report(self, outcome: AnyOutcome) -> None:
        """Log an outcome."""
        match outcome:
            case PollOutcome():
                self._polled(outcome)
            case ListOutcome():
                self._listed(outcome)
            case UnreadableEntries():
                self._unreadable(outcome)
            case RequestOutcome():
                pass  # the log has the poll or the list
            case DeliveryOutcome():
                self._delivered(outcome)
            case DroppedDeliveries():
                self._log.info("delivery.dropped", channel=outcome.channel, reason=outcome.reason, count=outcome.number)
            case TemplateFailure():
                self._log.warning(
                    "template.failed", channel=outcome.channel, event_id=outcome.event_id, reason=outcome.reason
                )
            case ChannelChange():
                self._channel_changed(outcome)
            case DownloadOutcome():
                self._fetched(outcome)
            case ReloadOutcome():
                self._reloaded(outcome)
            case HeartbeatOutcome():
                self._beat(outcome)
            case HintOutcome():
                self._hints.report(outcome)
            case ClockShift():
                self._log.warning("clock.shifted", shift_s=_seconds(outcome.shift))
            case HttpListening():
                self._listening(outcome)
            case ApiNews():
                self._api_changed(outcome)
            case StoreNews():
                self._store_changed(outcome)
            case TrustNews():
                self._list_trust_changed(outcome)
            case UnitFault():
                self._faulted(outcome)

    def _polled(self, outcome: PollOutcome) -> None:
        watch = outcome.watch
        self._log_unclear(watch, outcome.observation)
        if outcome.observation is not None:
            self._log.debug(
                "poll.done",
                watch=watch.id,
                answer=answer_word(outcome.observation),
                lag_s=_seconds(outcome.lag),
                duration_s=_seconds(outcome.duration),
            )
        if outcome.superseded:
            self._log.info("transition.superseded", watch=watch.id, snapshot=watch.snapshot_id)
        for each in outcome.committed:
            transition = each.event.transition
            self._log.info(
                "transition.committed",
                watch=watch.id,
                name=watch.name,
                snapshot=transition.snapshot_id,
                previous=transition.previous,
                status=transition.status,
                names=list(transition.names),
                event_id=each.event.id,
                channels=list(each.channels),
                late_s=_seconds(transition.late_by),
            )

    def _listed(self, outcome: ListOutcome) -> None:
        """Log a poll of a dataset: what it found, or why there was no list."""
        fields: dict[str, Any] = {"dataset": outcome.dataset_id, "duration_s": _seconds(outcome.duration)}
        if outcome.unclear is not None:
            self._log.info("list.unclear", reason=outcome.unclear.reason, detail=outcome.unclear.detail, **fields)
            return
        fields |= {"entries": outcome.entries, "changed": len(outcome.ask), "missing": len(outcome.missing)}
        if outcome.found or outcome.baseline:
            self._log.info("list.found", found=outcome.found, baseline=outcome.baseline, **fields)
        else:
            self._log.debug("list.done", **fields)

    def _list_trust_changed(self, news: TrustNews) -> None:
        """Log that a dataset's lists are behind, or agree again."""
        if news.stale:
            self._log.warning(
                "list.stale",
                dataset=news.dataset_id,
                snapshot=news.snapshot_id,
                status=news.status,
                listed_as=news.listed_as,
            )
        else:
            lasted = None if news.lasted is None else _seconds(news.lasted)
            self._log.info("list.agrees", dataset=news.dataset_id, lasted_s=lasted)

    def _unreadable(self, outcome: UnreadableEntries) -> None:
        """Log unreadable entries, each once: the next list has it again."""
        dataset_id, entries = outcome.dataset_id, outcome.entries
        new = [each for each in entries if (dataset_id, each) not in self._unreadable_logged]
        if not new or len(self._unreadable_logged) >= _MOST_TRACED:
            return
        self._unreadable_logged.update((dataset_id, each) for each in new)
        self._log.warning(
            "list.entry_unreadable", dataset=dataset_id, count=len(new), entries=new[:MOST_PROBLEMS], of=len(entries)
        )

    def _log_unclear(self, watch: Watch, observation: Observation | None) -> None:
        if isinstance(observation, Unclear):
            self._log.info(
                "poll.unclear",
                watch=watch.id,
                reason=observation.reason,
                detail=observation.detail,
                retry_after_s=None if observation.retry_after is None else _seconds(observation.retry_after),
            )

    def _channel_changed(self, change: ChannelChange) -> None:
        if change.verdict is ChannelVerdict.BROKEN:
            outcome = change.outcome
            self._log.error("channel.broken", channel=change.channel, reason=outcome.reason, detail=outcome.detail)
        else:
            self._log.info("channel.healed", channel=change.channel)

    def _api_changed(self, news: ApiNews) -> None:
        """Log the beginning or the end of a trouble of the API."""
        lasted = None if news.lasted is None else _seconds(news.lasted)
        if news.kind is ApiKind.OK:
            self._log.info("api.recovered", was=news.previous, lasted_s=lasted)
        else:
            held = _seconds(news.held_for)
            self._log.warning("api.trouble", kind=news.kind, was=news.previous, detail=news.detail, held_s=held)

    def _store_changed(self, news: StoreNews) -> None:
        """Log that the database cannot be used, or can be used again."""
        if news.over:
            lasted = None if news.lasted is None else _seconds(news.lasted)
            self._log.info("store.recovered", was=news.trouble, lasted_s=lasted)
        else:
            self._log.error("store.trouble", trouble=news.trouble, detail=news.detail)

    def _delivered(self, outcome: DeliveryOutcome) -> None:
        """Log a delivery attempt."""
        delivery, decision = outcome.delivery, outcome.decision
        fields: dict[str, Any] = {
            "channel": delivery.channel,
            "delivery": delivery.id,
            "event_id": delivery.event.id,
            "together": outcome.together,
            "attempt": delivery.attempt,
            "reason": outcome.outcome.reason,
            "duration_s": _seconds(outcome.duration),
        }
        if decision.state is DeliveryState.DELIVERED:
            self._log.info("delivery.delivered", **fields)
            return
        fields["detail"] = outcome.outcome.detail
        if decision.state is DeliveryState.DEAD:
            self._log.error("delivery.dead", **fields)
            return
        fields["next_try"] = None if decision.not_before is None else decision.not_before.isoformat()
        if decision.state is DeliveryState.UNCERTAIN:
            self._log.warning("delivery.uncertain", **fields)
        else:
            self._log.warning("delivery.retrying", **fields)

    def _fetched(self, outcome: DownloadOutcome) -> None:
        """Log an attempt to fetch results."""
        job = outcome.job
        fields: dict[str, Any] = {
            "snapshot": job.event.transition.snapshot_id,
            "event_id": job.event.id,
            "attempt": job.attempt,
            "duration_s": _seconds(outcome.duration),
        }
        match outcome.result:
            case Fetched(path=path, records=records):
                self._log.info("download.fetched", path=path, records=records, **fields)
            case Retrying(until=until, trouble=trouble, detail=detail):
                next_try = until.isoformat()
                self._log.warning("download.retrying", reason=trouble, detail=detail, next_try=next_try, **fields)
            case GivenUp(trouble=trouble, detail=detail):
                self._log.error("download.given_up", reason=trouble, detail=detail, **fields)

    def _reloaded(self, outcome: ReloadOutcome) -> None:
        """Log what a reload changed, or why it was refused."""
        duration_s = _seconds(outcome.duration)
        if outcome.changed is None:
            problems = list(outcome.refused[:MOST_PROBLEMS])
            self._log.error("reload.refused", count=len(outcome.refused), problems=problems, duration_s=duration_s)
            return
        changed = outcome.changed
        self._log.info(
            "reload.done",
            watches_added=len(changed.watches.added),
            watches_removed=len(changed.watches.removed),
            watches_changed=len(changed.watches.changed),
            channels_added=list(changed.channels.added),
            channels_removed=list(changed.channels.removed),
            channels_changed=[each.name for each in changed.channels.changed],
            keys=[each.key for each in changed.keys],
            duration_s=duration_s,
        )
        if changed.restart:
            self._log.warning("reload.needs_restart", keys=list(changed.restart))

    def _beat(self, outcome: HeartbeatOutcome) -> None:
        """Log a heartbeat whose outcome differs from the last one's."""
        if outcome.kind is self._last_beat:
            return
        self._last_beat = outcome.kind
        match outcome.kind:
            case HeartbeatKind.SENT:
                self._log.info("heartbeat.sent")
            case HeartbeatKind.FAILED:
                self._log.warning("heartbeat.failed", detail=outcome.detail)
            case HeartbeatKind.WITHHELD:
                self._log.warning("heartbeat.withheld", detail=outcome.detail)

    def _faulted(self, fault: UnitFault) -> None:
        """Log a unit that raised, with a traceback the first time that it raises at this place."""
        trace = fault.error.__traceback__
        place = "".join(map(str, traceback.format_tb(trace)[-1:]))
        new = (fault.kind, place) not in self._traced
        if new and len(self._traced) < _MOST_TRACED:
            self._traced.add((fault.kind, place))
        self._log.error(
            "unit.internal_error",
            unit=fault.unit,
            subject=fault.subject,
            error=fault.detail,
            failures=fault.failures,
            next_try_s=None if fault.pause is None else _seconds(fault.pause),
            **({"exc_info": fault.error} if new else {}),
        )

    def _listening(self, outcome: HttpListening) -> None:
        if outcome.trouble:
            self._log.error("http.not_listening", address=outcome.address, detail=outcome.trouble)
        elif outcome.address:
            self._log.info("http.listening", address=outcome.address)
        else:
            self._log.debug("http.off")


def _seconds(duration: timedelta) -> float:
    return round(duration.total_seconds(), 3)
