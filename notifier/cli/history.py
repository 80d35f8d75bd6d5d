"""`notifier replay`: which notifications a configuration would have sent over the recorded history."""

from collections import Counter
from typing import Annotated

import typer

from notifier.cli.common import ConfigOption, JsonOption, configuration, earliest, iso, print_json, print_table
from notifier.core.message import title_of
from notifier.core.replay import replayed
from notifier.core.words import count


def replay(
    config: ConfigOption = None,
    since: Annotated[str, typer.Option(help="How far back, such as 7d or 12h.")] = "7d",
    as_json: JsonOption = False,
) -> None:
    """Show which notifications the configuration would have sent over the recorded history. It sends nothing."""
    from notifier.store.reader import Reader

    begin = earliest(since)
    found = configuration(config)
    events = Reader(found.database).history(begin)
    told = list(replayed(events, found.watches, found.datasets))
    if as_json:
        print_json(
            [
                {
                    "at": event.transition.observed_at,
                    "channel": channel,
                    "watch": event.watch_id,
                    "snapshot": event.transition.snapshot_id,
                    "events": list(event.transition.names),
                    "event_id": event.id,
                    "title": title_of(event),
                }
                for event, channel in told
            ]
        )
        return
    if told:
        print_table(
            ("at", "channel", "message"),
            ((iso(event.transition.observed_at) or "", channel, title_of(event)) for event, channel in told),
        )
    by_channel = Counter(channel for _, channel in told)
    tally = "; ".join(f"{channel}: {number:,}" for channel, number in sorted(by_channel.items())) or "nobody"
    typer.echo(f"{count(len(events), 'transition')} since {iso(begin)}; would be told: {tally}.", err=True)
