"""`notifier wait`: waits until snapshots have ended, for scripts and for people."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notifier.cli import completion
from notifier.cli.arguments import checked_ids, duration_option
from notifier.cli.options import ConfigOption, JsonOption, account_config
from notifier.cli.output import json_line, say_held, warn
from notifier.cli.status import STYLES
from notifier.core.delivery.message_text import codes_of, counts_not_given
from notifier.core.snapshot.statuses import names_of
from notifier.core.times import iso
from notifier.core.words import count, span

if TYPE_CHECKING:
    from rich.table import Table

    from notifier.cli.api_session import ApiAccess
    from notifier.core.snapshot.model import Facts
    from notifier.polling.waiter import News, Waited

EVERY = "10s"

TimeoutOption = Annotated[
    str | None,
    typer.Option("--timeout", metavar="DURATION", help="Give up after this long, such as 2h, with exit status 5."),
]
EveryOption = Annotated[
    str, typer.Option("--every", metavar="DURATION", help="The interval between two polls of a snapshot.")
]


def wait(
    snapshots: Annotated[
        list[str],
        typer.Argument(metavar="SNAPSHOT", help="The snapshots to wait for.", autocompletion=completion.snapshot),
    ],
    timeout: TimeoutOption = None,
    every: EveryOption = EVERY,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Wait until snapshots have ended. Needs no daemon, and without a configuration only BRIGHTDATA_API_KEY.

    Exit status: 0 all are ready; else the first that applies: 4 not authorised; 1 any failed, canceled or refused by
    Bright Data; 3 any missing; 5 timed out. 130 after Ctrl-C. With --json, each change and each end is one line.
    """
    from notifier.cli.api_session import access_of

    snapshots = checked_ids("SNAPSHOT", snapshots)
    pause, limit = duration_option("--every", every), duration_option("--timeout", timeout)
    assert pause is not None
    status = wait_for(
        access_of(account_config(config), os.environ, warn),
        snapshots,
        every=pause,
        timeout=limit,
        as_json=as_json,
        config=config,
    )
    if status:
        raise typer.Exit(status)


def wait_for(
    access: "ApiAccess",
    snapshots: Sequence[str],
    *,
    every: timedelta,
    timeout: timedelta | None = None,
    as_json: bool = False,
    config: Path | None = None,
) -> int:
    """Wait, print the progress, and return the exit status."""
    import asyncio

    from notifier.cli.api_session import opened
    from notifier.polling.waiter import Waiter, exit_status

    ids = list(snapshots)
    show = _display(ids, as_json)
    outcomes: list[Waited] = []

    async def until_ended() -> None:
        async with opened(access, say_held) as account:
            waiter = Waiter(observer=account.client, every=every, clock=lambda: datetime.now(UTC), report=show.changed)
            try:
                outcomes.extend(await waiter.wait(ids, timeout))
            except asyncio.CancelledError:
                outcomes.extend(waiter.outcomes())
                raise

    with show:
        try:
            asyncio.run(until_ended())
        except KeyboardInterrupt:
            typer.echo("", err=True)
    for each in outcomes:
        show.ended(each)
    going_on = [each.snapshot_id for each in outcomes if each.ending in ("going_on", "timed_out")]
    if going_on:
        named = f" --config {config}" if config else ""
        typer.echo(
            f"Nothing was changed at Bright Data: {count(len(going_on), 'snapshot')} may still be in progress there. "
            f"To go on waiting: notifier wait{named} {' '.join(going_on)}",
            err=True,
        )
    return exit_status(each.ending for each in outcomes)


class _LineDisplay:
    """Prints a line for each change, for logs and pipes."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...

    def changed(self, news: "News") -> None:
        """Print it."""
        if news.transition is not None:
            self._say(news.snapshot_id, _description(news.state.status, news.state.facts))
        elif news.unclear is not None:
            self._say(news.snapshot_id, f"{news.state.status}; no answer for now ({news.unclear.detail})")
        else:
            self._say(news.snapshot_id, f"{news.state.status}; Bright Data answers again")

    def ended(self, outcome: "Waited") -> None:
        """Print an end that no change has printed."""
        text = {
            "refused": f"Bright Data refuses to answer for it: {outcome.detail}",
            "not_authorised": "Bright Data refuses the token",
            "timed_out": f"timed out, still {outcome.state.status}",
            "going_on": f"still {outcome.state.status}",
        }.get(outcome.ending)
        if text:
            self._say(outcome.snapshot_id, text)

    def _say(self, snapshot_id: str, text: str) -> None:
        typer.echo(f"{iso(datetime.now(UTC))}  {snapshot_id}  {text}")
        sys.stdout.flush()


class _JsonDisplay(_LineDisplay):
    """Prints a JSON object on a line for each change and each end, for programs."""

    def changed(self, news: "News") -> None:
        """Print it."""
        line: dict[str, Any] = {"at": datetime.now(UTC), "snapshot": news.snapshot_id, "status": news.state.status}
        if news.transition is not None:
            line |= {"previous": news.transition.previous, "events": list(news.transition.names)}
        elif news.unclear is not None:
            line |= {"trouble": str(news.unclear.reason), "detail": news.unclear.detail}
        else:
            line |= {"trouble": None}
        json_line(line)

    def ended(self, outcome: "Waited") -> None:
        """Print it."""
        facts = outcome.state.facts
        json_line(
            {
                "snapshot": outcome.snapshot_id,
                "ended": str(outcome.ending),
                "status": outcome.state.status,
                "events": list(names_of(outcome.state.status, facts)),
                "records": facts.records,
                "errors": facts.errors,
                "error_message": facts.error_message,
                "error_codes": dict(facts.error_codes),
                "detail": outcome.detail or None,
                "duration_ms": facts.duration_ms,
            }
        )


class _TableDisplay(_LineDisplay):
    """Updates a table in place, on a terminal."""

    def __init__(self, ids: Sequence[str]) -> None:
        from rich.live import Live

        self._began = datetime.now(UTC)
        self._texts = dict.fromkeys(ids, "unknown")
        self._live = Live(get_renderable=self._table, refresh_per_second=2)

    def __enter__(self) -> None:
        self._live.__enter__()

    def __exit__(self, *_: object) -> None:
        self._live.__exit__(None, None, None)

    def _say(self, snapshot_id: str, text: str) -> None:
        self._texts[snapshot_id] = text
        if not self._live.is_started:
            typer.echo(f"{snapshot_id}: {text}")

    def _table(self) -> "Table":
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        waited = span(timedelta(seconds=int((datetime.now(UTC) - self._began).total_seconds())))
        for snapshot_id, text in self._texts.items():
            word = text.partition(" ")[0].rstrip(",;")
            over = word in ("ready", "failed", "canceled", "cancelled", "missing")
            mark = Text("✔" if word == "ready" else "✘" if over else "…", style=STYLES.get(word, ""))
            table.add_row(mark, snapshot_id, Text(text, style=STYLES.get(word, "")), "" if over else f"waited {waited}")
        return table


def _description(status: str, facts: "Facts") -> str:
    parts = [status]
    if facts.records is not None:
        parts.append(count(facts.records, "record"))
    if facts.errors:
        parts.append(count(facts.errors, "error"))
    if facts.error_codes:
        parts.append(codes_of(facts))
    if _lacks_counts(status, facts):
        parts.append(counts_not_given(facts))
    if facts.duration_ms is not None:
        word = "for" if facts.collection_duration_ms is None else "after"
        parts.append(f"{word} {span(timedelta(milliseconds=facts.duration_ms))}")
    text = ", ".join(parts)
    return f"{text}: {facts.error_message}" if facts.error_message else text


def _lacks_counts(status: str, facts: "Facts") -> bool:
    """Return whether a snapshot is ready without counts that say whether it is complete or empty."""
    known = names_of(status, facts)[-1]
    return known == "ready" or (known == "partial" and facts.records is None and facts.errors is None)


def _display(ids: Sequence[str], as_json: bool) -> _LineDisplay:
    if as_json:
        return _JsonDisplay()
    return _TableDisplay(ids) if sys.stdout.isatty() else _LineDisplay()
