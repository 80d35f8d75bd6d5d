"""`notifier run`: the daemon, or one round of it."""

from enum import StrEnum
from typing import Annotated

import typer

from notifier.cli.options import ConfigOption, JsonOption, config_path
from notifier.cli.output import print_json
from notifier.core.words import count


class LogLevel(StrEnum):
    """The lowest level of log lines that is shown."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """The format of log lines."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


def run(
    config: ConfigOption = None,
    once: Annotated[bool, typer.Option("--once", help="Poll every watch once, deliver what is due, and exit.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Do not start with the last configuration if the files have errors.")
    ] = False,
    log_level: Annotated[LogLevel, typer.Option(help="The lowest level of log lines shown.")] = LogLevel.INFO,
    log_format: Annotated[
        LogFormat,
        typer.Option(envvar="NOTIFIER_LOG_FORMAT", help="Log lines as text or as JSON; auto: text on a terminal."),
    ] = LogFormat.AUTO,
    as_json: JsonOption = False,
) -> None:
    """Run the daemon: poll the snapshots and send notifications. Stops in order within 5 s of SIGTERM or Ctrl-C.

    With --once, the exit status is 1 if a poll gave no status, a delivery failed, or the files have errors. The next
    run tries failed deliveries again.

    If the files have errors, the daemon starts with the configuration that it loaded last, which it keeps beside the
    database, and warns. A first start, or one with --strict, ends with all errors and exit status 2.
    """
    import asyncio

    from notifier.app.daemon import Daemon, run_until_signalled
    from notifier.app.loading.first_config import load_at_start
    from notifier.telemetry.log import configure
    from notifier.telemetry.log_reporter import LogReporter
    from notifier.telemetry.redaction import Redactor

    redactor = Redactor()
    configure(
        level=log_level,
        redactor=redactor,
        json=None if log_format is LogFormat.AUTO else log_format is LogFormat.JSON,
    )
    start = asyncio.run(load_at_start(config_path(config), strict=strict))
    loaded = start.loaded
    daemon = Daemon(loaded.config, reporters=[LogReporter()], redactor=redactor, loaded=loaded, refused=start.refused)
    if not once:
        ended = asyncio.Event()
        try:
            asyncio.run(run_until_signalled(daemon, ended))
        except RuntimeError:  # asyncio starts a thread at its end, and the machine may give none
            if not ended.is_set():
                raise
        return
    outcome = asyncio.run(daemon.once())
    if as_json:
        from dataclasses import asdict

        print_json(asdict(outcome))
    else:
        unclear = f", {outcome.unclear:,} of them without an answer" if outcome.unclear else ""
        undelivered = f", {outcome.undelivered:,} not delivered" if outcome.undelivered else ""
        typer.echo(
            f"{count(outcome.polls, 'poll')}{unclear}; {count(outcome.transitions, 'transition')}; "
            f"{count(outcome.delivered, 'message')} delivered{undelivered}"
        )
    if outcome.unclear or outcome.undelivered or start.refused:
        raise typer.Exit(1)
