"""A program that runs daemons to be killed: it imports everything once, and forks a daemon for each request.

A start of the real command costs a second of CPU, nearly all of it for imports; a fork costs some milliseconds. What
runs in the fork is the daemon's own composition root, as `notifier run` builds it, on a real database and real
sockets; it dies by a real SIGKILL. The fork happens while there is one thread and no event loop.

Requests come as lines of JSON on standard input, each answered by one on standard output when its daemon has ended.
"""

import asyncio
import json
import os
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine

from acceptance.fork_preload import preload
from notifier import failpoints
from notifier.app import jobs
from notifier.app.daemon import Daemon
from notifier.app.loading.load import load_config
from notifier.channels.webhook.channel import WebhookChannel
from notifier.config.model import Config
from notifier.core.delivery.channel_policy import OnUncertain
from notifier.core.outcomes import AnyOutcome, DeliveryOutcome, PollOutcome
from notifier.core.snapshot.statuses import ENDS, canonical
from notifier.delivery.maintenance import LONGEST_SEND
from notifier.store import retention
from notifier.store.store import Store
from notifier.telemetry.log import configure
from notifier.telemetry.log_reporter import LogReporter
from notifier.telemetry.redaction import Redactor
from notifier.telemetry.reporter import Reporter

DONE, NOT_QUIET, UNSOUND, FAILED = 0, 3, 4, 5
"""The exit statuses of a daemon that was not killed."""

QUIET_WITHIN_S = 20.0
_GLANCE_S = 0.01
_JUMP_AFTER_S = 0.02

_READING = "file:{}?mode=ro"
_BUSY = """
select count(*) from deliveries where state = 'sending'
    or (state in ('pending', 'retrying', 'uncertain') and not_before <= :now)
"""
_UNTOLD_TO_FALLBACK = """
select count(*) from deliveries late where channel = :channel
    and state in ('pending', 'sending', 'retrying', 'uncertain') and wanted_at <= :now - :after
    and not exists (select 1 from deliveries told where told.channel = :to and told.event_id = late.event_id)
"""
_WATCHED = "select snapshot_id, status from snapshots"
_NOTICES = "select count(*) < :least from notices"
_BROKEN = """
select count(*) from notices told where kind = 'broken'
    and not exists (select 1 from notices newer where newer.subject = told.subject and newer.at > told.at)
"""
_OLD = "select count(*) from events where observed_at < :now - :keep"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What a daemon is to do.

    It works in `folder`, by the config.yaml there, `ahead_s` seconds after the real time; its clock jumps by
    `jump_s` at each attempt. It dies at the `countdown`th coming to `failpoint`, or after `seconds`, or ends by itself
    when all is done that can be done now. `once` makes it `notifier run --once`. To be done is also the end of all
    that is old, if it `forgets`, and that many `notices` to the operators. `batch` is how many events are removed
    together, `webhook_timeout_s` how long an attempt of a webhook may take. The `last` one of a case leaves no channel
    broken, and ends with an audit.
    """

    folder: str
    failpoint: str = ""
    countdown: int = 1
    seconds: float | None = None
    once: bool = False
    ahead_s: float = 0
    jump_s: float = 0
    forgets: bool = False
    notices: int = 0
    webhook_timeout_s: float | None = None
    batch: int = retention.BATCH
    last: bool = False


@dataclass(kw_only=True)
class QuietWatch(Reporter):
    """A reporter that knows when there is nothing more to do, and moves the clock."""

    config: Config
    request: Request
    jump: Callable[[timedelta], None]
    polled: set[str] = field(default_factory=set)
    to_jump: int = 0

    def report(self, outcome: AnyOutcome) -> None:
        """A poll or an attempt to deliver ended."""
        if isinstance(outcome, PollOutcome):
            self.polled.add(outcome.watch.id)
        elif isinstance(outcome, DeliveryOutcome) and self.request.jump_s:
            # A little later: by then the channel has set its next turn, which the jump is to pass over, too.
            self.to_jump += 1
            asyncio.get_running_loop().call_later(_JUMP_AFTER_S, self._jump)

    def _jump(self) -> None:
        self.to_jump -= 1
        self.jump(timedelta(seconds=self.request.jump_s))

    async def quiet(self) -> bool:
        """Wait until everything was polled and told; whether that came in time."""
        glances = 0
        for _ in range(int(QUIET_WITHIN_S / _GLANCE_S)):
            glances = 0 if self._busy() else glances + 1
            # What the database knows is reported some turns of the loop later, and a report may bring a jump.
            if glances == (3 if self.request.jump_s else 1):
                return True
            await asyncio.sleep(_GLANCE_S)
        return False

    def _busy(self) -> bool:
        if self.to_jump:
            return True
        connection = sqlite3.connect(_READING.format(self.config.database), uri=True)
        try:
            connection.execute("begin")  # one state of the database for all that is asked
            ended = {row[0] for row in connection.execute(_WATCHED) if canonical(row[1]) in ENDS}
            if any(watch.id not in self.polled | ended for watch in self.config.watches):
                return True
            now = int(datetime.now(UTC).timestamp() * 1e6)
            queries: list[tuple[str, dict[str, object]]] = [
                (_BUSY, {"now": now}),
                (_NOTICES, {"least": self.request.notices}),
            ]
            if self.request.last:
                queries.append((_BROKEN, {}))
            for channel in self.config.channels.values():
                policy = channel.policy
                if policy.fallback is not None:
                    after = policy.fallback_after // timedelta(microseconds=1)
                    values = {"channel": channel.name, "to": policy.fallback, "now": now, "after": after}
                    queries.append((_UNTOLD_TO_FALLBACK, values))
            if self.request.forgets:
                keep = self.config.keep // timedelta(microseconds=1)
                queries.append((_OLD, {"now": now, "keep": keep}))
            return any(connection.execute(query, values).fetchone()[0] for query, values in queries)
        finally:
            connection.close()


def serve() -> None:
    """Answer requests until there are no more."""
    preload()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    print("ready", flush=True)  # noqa: T201
    for line in sys.stdin:
        request = Request(**json.loads(line))
        child = os.fork()
        if child == 0:
            _become_daemon(request)
        print(_end_of(child, request.seconds), flush=True)  # noqa: T201


def _end_of(child: int, seconds: float | None) -> int:
    """Wait for the daemon's end, or bring it about; its exit status, negative for a signal."""
    if seconds is not None and signal.sigtimedwait({signal.SIGCHLD}, seconds) is None:
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    while signal.sigtimedwait({signal.SIGCHLD}, 0) is not None:
        pass  # the signal of this child is not to be taken for that of the next
    return status


def _become_daemon(request: Request) -> None:
    status = FAILED
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        output = os.open(Path(request.folder) / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for number in (1, 2):
            os.dup2(output, number)
        os.chdir(request.folder)
        status = _live(request)
    except BaseException:  # noqa: BLE001 - nothing of a child may come back into the loop of the server
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _live(request: Request) -> int:
    now = datetime.now(UTC) + timedelta(seconds=request.ahead_s)
    with time_machine.travel(now, tick=True) as traveller:
        if request.webhook_timeout_s is not None:
            defaults = WebhookChannel.__init__.__kwdefaults__ or {}
            defaults["timeout"] = timedelta(seconds=request.webhook_timeout_s)
        redactor = Redactor()
        configure(level="info", redactor=redactor)
        config = load_config(Path("config.yaml").resolve())
        quiet_watch = QuietWatch(config=config, request=request, jump=traveller.shift)
        daemon = Daemon(config, reporters=[LogReporter(), quiet_watch], redactor=redactor, jitter=lambda: 0.0)
        retention.BATCH = request.batch
        jobs.CLOCK_CHECK = timedelta(milliseconds=20)  # a jump ends what is waited for, and need not be waited for
        failpoints.arm(request.failpoint, request.countdown)
        if request.once:
            asyncio.run(daemon.once())
        elif not asyncio.run(_run(daemon, quiet_watch)):
            return NOT_QUIET
        return DONE if not request.last or asyncio.run(_sound(config)) else UNSOUND


async def _run(daemon: Daemon, quiet_watch: QuietWatch) -> bool:
    stop, ready = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(daemon.run(stop, ready.set))
        await ready.wait()
        quiet = await quiet_watch.quiet()
        if not quiet:
            for task in asyncio.all_tasks():
                task.print_stack()
        stop.set()
    return quiet


async def _sound(config: Config) -> bool:
    """What the auditor says."""
    again = [name for name, each in config.channels.items() if each.policy.on_uncertain is OnUncertain.RESEND]
    async with Store(config.database) as store:
        audit = await store.maintenance.audit(now=datetime.now(UTC), longest_send=LONGEST_SEND, resending=again)
    print(json.dumps({"event": "audit", **{key: str(value) for key, value in asdict(audit).items()}}))  # noqa: T201
    sys.stdout.flush()
    return audit.sound


if __name__ == "__main__":
    serve()
