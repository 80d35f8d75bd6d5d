"""The daemon as `notifier run` builds it, with a reporter that blocks its event loop once a snapshot becomes ready.

The reporter calls what never returns, as a fault in a library would. The daemon also waits longer than usual for a
database that another process has locked, and asks systemd for more time sooner.
"""

import asyncio
import sys
import time
from datetime import timedelta
from pathlib import Path

from notifier.app.daemon import Daemon, run_until_signalled
from notifier.app.loading.first_config import load_at_start
from notifier.core.outcomes import AnyOutcome, PollOutcome
from notifier.store.sqlite import engine
from notifier.telemetry import systemd
from notifier.telemetry.log import configure
from notifier.telemetry.log_reporter import LogReporter
from notifier.telemetry.redaction import Redactor
from notifier.telemetry.reporter import Reporter


class Blocker(Reporter):
    """Blocks the event loop."""

    def report(self, outcome: AnyOutcome) -> None:
        """A poll ended; after this one nothing else does."""
        if isinstance(outcome, PollOutcome) and any(
            each.event.transition.status == "ready" for each in outcome.committed
        ):
            print('{"event": "test.blocked"}', file=sys.stderr, flush=True)  # noqa: T201
            time.sleep(3600)


def main() -> None:
    """Run it."""
    *usual, _ = engine._WRITER_PRAGMAS
    engine._WRITER_PRAGMAS = (*usual, "PRAGMA busy_timeout=60000")  # type: ignore[assignment]
    systemd.ASK_EVERY = timedelta(seconds=0.1)
    redactor = Redactor()
    configure(level="info", redactor=redactor)
    loaded = asyncio.run(load_at_start(Path("config.yaml"))).loaded
    daemon = Daemon(loaded.config, reporters=[LogReporter(), Blocker()], redactor=redactor, loaded=loaded)
    asyncio.run(run_until_signalled(daemon))


if __name__ == "__main__":
    main()
