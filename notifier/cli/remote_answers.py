"""What commands ask a notifier on another machine, in the shapes that they get from the one on this machine."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from notifier.cli.arguments import no_channel, no_watch, quoted
from notifier.control.http_client import HttpClient, NoSuchThing, segment
from notifier.core.action_results import MuteResult, RetryResult, TestResult, UnmuteResult
from notifier.core.errors import NotifierError
from notifier.core.health.resources import HealthResource
from notifier.core.resource_pages import DatasetPage, DeliverableResource, WatchResource
from notifier.core.resources import ChannelResource, DatasetResource, DeliveryResource, EventResource, SnapshotResource
from notifier.core.snapshot.model import ADOPTED
from notifier.core.snapshot.statuses import Phase, phase_of
from notifier.core.times import iso
from notifier.core.watch_resources import WatchSettingsResource

_MOST_ALIKE = 1_000
"""Deliveries among which the ids are that begin in the same way."""


def everything(client: HttpClient) -> list[SnapshotResource | DatasetResource]:
    """Return every watch as it is now: the snapshots, each dataset with what it found in progress, what was adopted."""
    own: dict[str, SnapshotResource] = {}
    found: dict[str, list[SnapshotResource]] = {}
    for each in client.pages("snapshots", SnapshotResource, sort="name"):
        parent, parted, _ = each.watch.partition("/")
        if not parted:
            own[each.watch] = each
        elif phase_of(each.status) is not Phase.ENDED:
            found.setdefault(parent, []).append(each)
    datasets = {each.watch: each for each in client.pages("datasets", DatasetResource)}
    entries: list[SnapshotResource | DatasetResource] = []
    for watch in watches(client):
        entries += [each for each in (own.get(watch.watch), datasets.get(watch.watch)) if each is not None]
        entries += found.get(watch.watch, [])
    return entries + found.get(ADOPTED, [])


def watches(client: HttpClient) -> list[WatchSettingsResource]:
    """Return the watches as they are configured."""
    return list(client.pages("watches", WatchSettingsResource))


def watch_id(client: HttpClient, watch: str) -> str:
    """Return the id of the watch with this id, snapshot, dataset or name.

    Raises:
        UsageError: there is none, or there are several.
    """
    matching = [each.watch for each in client.pages("watches", WatchSettingsResource, called=watch)]
    parent = watch.partition("/")[0]
    if parent == ADOPTED:
        matching.append(watch)
    elif not matching and "/" in watch:
        matching = [
            watch
            for each in client.pages("watches", WatchSettingsResource, called=parent)
            if each.watch == parent and each.dataset is not None
        ]
    if len(matching) == 1:
        return matching[0]
    known = (name for each in watches(client) for name in (each.watch, each.snapshot, each.dataset, each.name) if name)
    raise no_watch(watch, len(matching), known)


def watch(client: HttpClient, wanted: str) -> WatchResource | DatasetPage:
    """Return the watch with this id, with its history.

    Raises:
        NotifierError: nothing is known of it.
    """
    try:
        return client.get(f"watches/{segment(wanted)}", WatchResource)
    except NoSuchThing as error:
        if "/" in wanted:
            parent, _, snapshot = wanted.partition("/")
            raise NotifierError(f"the watch {parent} has not found a snapshot {quoted(snapshot)}") from error
    return client.get(f"datasets/{segment(wanted)}", DatasetPage)


def events(client: HttpClient, wanted: str, most: int) -> list[EventResource]:
    """Return the last events of a watch, the newest first."""
    return list(client.pages("events", EventResource, most=most, watch=wanted))


def mute(client: HttpClient, wanted: str, until: datetime | None) -> MuteResult:
    """Mute a watch."""
    return client.post(f"watches/{segment(wanted)}/mute", MuteResult, {"until": iso(until)} if until else {})


def unmute(client: HttpClient, wanted: str) -> UnmuteResult:
    """Unmute a watch."""
    return client.post(f"watches/{segment(wanted)}/unmute", UnmuteResult)


def deliveries(client: HttpClient, most: int, **filters: Any) -> list[DeliveryResource]:
    """Return deliveries, the newest first."""
    return list(client.pages("deliveries", DeliveryResource, most=most, **filters))


def delivery(client: HttpClient, number: int) -> DeliveryResource:
    """Return one delivery.

    Raises:
        NotifierError: there is none of that number.
    """
    try:
        return client.get(f"deliveries/{number}", DeliveryResource)
    except NoSuchThing as error:
        raise NotifierError(f"there is no delivery {number}; `notifier delivery list` shows all") from error


def deliverable(client: HttpClient, beginning: str) -> DeliverableResource:
    """Return the event or the notice with this id, or with the only id that begins so.

    Raises:
        NotifierError: there is none, or there are several.
    """
    found = sorted({each.event_id for each in deliveries(client, _MOST_ALIKE, event=beginning)})
    if len(found) > 1 and beginning not in found:
        raise NotifierError(f"several events begin with {beginning}: {', '.join(found[:5])}")
    wanted = found[0] if len(found) == 1 else beginning
    try:
        return client.get(f"events/{segment(wanted)}", DeliverableResource)
    except NoSuchThing as error:
        raise NotifierError(f"there is no event {beginning}; `notifier delivery list` shows all deliveries") from error


def retry(client: HttpClient, ids: Sequence[int], channel: str | None, since: datetime | None) -> RetryResult:
    """Send deliveries again: these, or all dead ones of a channel since a time."""
    if not ids:
        check_channel(client, channel)
        return client.post("deliveries/retry-dead", RetryResult, {"channel": channel, "since": iso(since)})
    try:
        return client.post("deliveries/retry", RetryResult, {"ids": list(ids)})
    except NoSuchThing as error:
        raise NotifierError(str(error).replace("/api/v1/deliveries lists all", KNOWN_DELIVERIES)) from error


KNOWN_DELIVERIES = "`notifier delivery list` shows all"


def channels(client: HttpClient) -> list[ChannelResource]:
    """Return the channels."""
    return list(client.pages("channels", ChannelResource))


def check_channel(client: HttpClient, channel: str | None) -> None:
    """Check that there is a channel of this name, or was once.

    Raises:
        UsageError: there never was.
    """
    if channel is None:
        return
    known = [each.channel for each in channels(client)]
    if channel not in known and not deliveries(client, 1, channel=channel):
        raise no_channel(channel, known)


def test_channel(client: HttpClient, channel: str, event: str | None, watch_called: str | None) -> TestResult:
    """Send a test message."""
    watch_of_it = None if watch_called is None else watch_id(client, watch_called)
    body = {name: value for name, value in (("event", event), ("watch", watch_of_it)) if value is not None}
    try:
        return client.post(f"channels/{segment(channel)}/test", TestResult, body)
    except NoSuchThing as error:
        raise no_channel(channel, [each.channel for each in channels(client)]) from error


def health(client: HttpClient) -> HealthResource:
    """Return how the notifier does."""
    return client.get("health", HealthResource)
