"""`notifier demo` and `notifier simulate`: run against a simulated Bright Data, without an account."""

from typing import TYPE_CHECKING, Annotated

import typer

from notifier.cli.arguments import checked_id
from notifier.cli.options import JsonOption
from notifier.cli.output import print_json
from notifier.core.errors import NotifierError, UsageError
from notifier.core.words import count

if TYPE_CHECKING:
    import asyncio

_STYLES = {"plain": "", "dim": "dim", "good": "bold green", "bad": "yellow", "news": "bold cyan", "heading": "bold"}


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Run until Ctrl-C, to look around on the page.")] = False,
) -> None:
    """Run the real daemon against a simulated Bright Data; no account needed. Ends within 40 s.

    Its first line is the link of the page.
    """
    import asyncio

    from rich.console import Console

    from notifier.app.demo import DemoOutcome
    from notifier.app.demo import demo as play
    from notifier.telemetry.log import configure
    from notifier.telemetry.redaction import Redactor

    configure(level="error", redactor=Redactor())
    console = Console(highlight=False, soft_wrap=True)

    def say(style: str, text: str) -> None:
        console.print(text, style=_STYLES[style], markup=False, emoji=False)

    async def play_until_signalled() -> DemoOutcome:
        return await play(say=say, stop=_stop_on_signals(), keep=keep)

    if not asyncio.run(play_until_signalled()).right:
        raise typer.Exit(1)


def simulate(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 chooses a free one.")] = 8080,
    seed: Annotated[int, typer.Option(help="The same seed gives the same ids, lives and faults.")] = 0,
    speed: Annotated[float, typer.Option(min=0.001, help="Simulated seconds per second.")] = 1.0,
    snapshots: Annotated[int, typer.Option(min=0, help="The number of snapshots at the start.")] = 10,
    dataset: Annotated[str, typer.Option(help="Their dataset.")] = "gd_simulated",
    token: Annotated[str | None, typer.Option(help="The only bearer token to accept; by default any.")] = None,
    requests_per_second: Annotated[
        float | None, typer.Option(min=0.001, help="Answer 429 to requests above this rate.")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=PROBABILITY", help="The probability of a fault in an answer, such as 429=0.05; see --faults."
        ),
    ] = None,
    notify: Annotated[
        str | None, typer.Option(metavar="URL", help="Post there when a snapshot ends; a trigger may name another one.")
    ] = None,
    notify_fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=PROBABILITY", help="The probability that such a request is lost, doubled, early or late."
        ),
    ] = None,
    faults: Annotated[bool, typer.Option("--faults", help="List the kinds of faults and exit.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Serve a simulated Bright Data until Ctrl-C: progress, trigger, list and results, with faults to choose."""
    import asyncio

    from notifier.brightdata.simulator import Simulator, parse_faults, serve
    from notifier.brightdata.simulator.faults import MEANINGS, parse_chances
    from notifier.brightdata.simulator.notifications import MEANINGS as NOTIFY_MEANINGS
    from notifier.brightdata.simulator.notifications import NotifyFault

    if faults:
        for kind, meaning in MEANINGS.items():
            typer.echo(f"{kind.value:10}  {meaning}")
        typer.echo("Of --notify, for --notify-fault:")
        for notify_kind, meaning in NOTIFY_MEANINGS.items():
            typer.echo(f"{notify_kind.value:10}  {meaning}")
        return
    try:
        checked_id("--dataset", dataset)
        chances = parse_faults(fault or [])
    except ValueError as error:
        raise UsageError(f"--fault: {error}") from error
    try:
        notify_chances = parse_chances(notify_fault or [], NotifyFault)
    except ValueError as error:
        raise UsageError(f"--notify-fault: {error}") from error

    def ready(simulator: Simulator, ids: list[str]) -> None:
        if as_json:
            print_json({"url": simulator.url, "dataset": dataset, "snapshots": ids})
        else:
            typer.echo(f"Simulated Bright Data on {simulator.url}, {count(len(ids), 'snapshot')} of {dataset}:")
            for snapshot_id in ids:
                typer.echo(f"  {snapshot_id}")
            typer.echo("Stop it with Ctrl-C.")

    async def serve_until_signalled() -> None:
        await serve(
            host=host,
            port=port,
            seed=seed,
            speed=speed,
            snapshots=snapshots,
            dataset_id=dataset,
            faults=chances,
            token=token,
            requests_per_second=requests_per_second,
            notify=notify,
            notify_faults=notify_chances,
            ready=ready,
            stop=_stop_on_signals(),
        )

    try:
        asyncio.run(serve_until_signalled())
    except ValueError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise NotifierError(f"cannot listen on {host}:{port}: {error.strerror}") from error


def _stop_on_signals() -> "asyncio.Event":
    """Return an event that SIGTERM or SIGINT sets."""
    import asyncio
    import signal

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
