"""`notifier replay`: shows which notifications the configuration would have sent over the recorded history."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer

from notifier.cli.arguments import earliest
from notifier.cli.options import ConfigOption, JsonOption, configuration
from notifier.cli.output import print_json_list, print_stream
from notifier.core.delivery.message_text import title_of
from notifier.core.delivery.model import Event
from notifier.core.delivery.replay import replayed
from notifier.core.times import iso
from notifier.core.words import count


def replay(
    config: ConfigOption = None,
    since: Annotated[str, typer.Option(help="How far back, such as 7d or 12h.")] = "7d",
    as_json: JsonOption = False,
) -> None:
    """Show the notifications that the configuration would have sent over the recorded history. Sends nothing."""
    from notifier.store.reader import Reader

    begin = earliest(since)
    found = configuration(config)
    transitions, by_channel = Counter[str](), Counter[str]()
    notifications = replayed(
        _counted(Reader(found.database).history(begin), transitions), found.watches, found.datasets
    )
    shown = _counting(notifications, by_channel)
    if as_json:
        print_json_list(_as_data(event, channel) for event, channel in shown)
        return
    rows = ((iso(event.transition.observed_at) or "", channel, title_of(event)) for event, channel in shown)
    print_stream(
        ("at", "channel", "message"), rows, widths=(len(iso(begin) or ""), max(map(len, found.channels), default=0))
    )
    tally = "; ".join(f"{channel}: {number:,}" for channel, number in sorted(by_channel.items())) or "none"
    number = transitions["all"]
    typer.echo(f"{count(number, 'transition')} since {iso(begin)}; notifications: {tally}.", err=True)


def _counted(events: Iterable[Event], counts: Counter[str]) -> Iterator[Event]:
    for event in events:
        counts["all"] += 1
        yield event


def _counting(notifications: Iterable[tuple[Event, str]], counts: Counter[str]) -> Iterator[tuple[Event, str]]:
    for event, channel in notifications:
        counts[channel] += 1
        yield event, channel


def _as_data(event: Event, channel: str) -> dict[str, Any]:
    return {
        "at": event.transition.observed_at,
        "channel": channel,
        "watch": event.watch_id,
        "snapshot": event.transition.snapshot_id,
        "events": list(event.transition.names),
        "event_id": event.id,
        "title": title_of(event),
    }
