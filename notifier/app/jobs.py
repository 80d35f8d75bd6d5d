"""All periodic work of the daemon, in one table: name, trigger, function, and the unit that fails alone.

What waits for a queue or an event (deliveries, downloads, reloads, background work) is no job: it runs in a task of its
own.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from notifier.app.components import POLLS, Components
from notifier.app.gc_tuning import keep_what_stays
from notifier.app.job_runner import At, Every, Job, WhenDue
from notifier.app.observability import HEARTBEAT, Observability
from notifier.app.watchdog import Watchdog
from notifier.control.socket_file import ControlSocket
from notifier.core.units import Unit

CLOCK_CHECK = timedelta(seconds=5)
FLUSH_EVERY = timedelta(seconds=2)
FALLBACKS_EVERY = timedelta(seconds=2)
FILES_EVERY = timedelta(seconds=2)
PROBE_EVERY = timedelta(seconds=5)
EXHAUSTION_EVERY = timedelta(seconds=5)
LOOP_LAG_EVERY = timedelta(seconds=5)
"""Often enough for a quantile over minutes; more often it would cost more than it tells."""
AUDIT_EVERY = timedelta(minutes=1)
EXPIRY_EVERY = timedelta(minutes=10)
FAULTS_OVER_EVERY = timedelta(minutes=10)
RETENTION_EVERY = timedelta(hours=1)

STORE_WORKS_AFTER = timedelta(minutes=1)
"""How long a database that ended the last daemon must have worked to be called well again."""

WATCHDOG = "watchdog"
"""The job that reports to the service manager, once the daemon is ready."""

KEEP_AT = (timedelta(0), timedelta(seconds=20), timedelta(minutes=2), timedelta(minutes=20))
"""By then the program is loaded, and the first polls have found what stays."""


def table(parts: Components, outside: Observability, control: ControlSocket, watchdog: Watchdog) -> list[Job]:
    """The jobs of a daemon.

    Args:
        parts: what the jobs keep in order.
        outside: what of the daemon is shown.
        control: the socket for commands.
        watchdog: reports to the service manager.
    """
    since, operators = parts.clock(), parts.operators

    def job(
        name: str, trigger: Every | At | WhenDue, function: Callable[[], Awaitable[None]], unit: Unit | None = None
    ) -> Job:
        return Job(name=name, trigger=trigger, function=function, unit=unit)

    async def tell_that_store_works() -> None:
        parts.errands.notice(operators.store_works)

    async def tell_that_faults_are_over() -> None:
        parts.errands.notice(operators.faults_over, parts.fault_kinds, since)

    return [
        job(POLLS, WhenDue(parts.schedule.earliest), parts.schedule.collect),
        job("clock", Every(CLOCK_CHECK), parts.schedule.check_clock),
        job("flush", Every(FLUSH_EVERY, first=FLUSH_EVERY), parts.polling.flush, Unit.FLUSH),
        job("expiry_warnings", Every(EXPIRY_EVERY), parts.polling.warn_expiring, Unit.EXPIRY),
        job("probe", Every(PROBE_EVERY, first=PROBE_EVERY), parts.probe.probe, Unit.PROBE),
        job("fallbacks", Every(FALLBACKS_EVERY), parts.maintenance.fall_back, Unit.FALLBACK),
        job("audit", Every(AUDIT_EVERY), parts.maintenance.audit, Unit.AUDIT),
        job("retention", Every(RETENTION_EVERY), parts.maintenance.prune, Unit.RETENTION),
        job("database_files", Every(FILES_EVERY, first=FILES_EVERY), parts.store.check_files),
        job("control_socket", Every(FILES_EVERY, first=FILES_EVERY), control.check),
        job(HEARTBEAT, Every(lambda: outside.heartbeat.every), outside.heartbeat.beat, Unit.HEARTBEAT),
        job("exhaustion", Every(EXHAUSTION_EVERY), outside.exhaustion.check, Unit.EXHAUSTION),
        job("loop_lag", Every(LOOP_LAG_EVERY), outside.measure_loop),
        job("store_works", At((STORE_WORKS_AFTER,)), tell_that_store_works),
        job("faults_over", Every(FAULTS_OVER_EVERY, first=STORE_WORKS_AFTER), tell_that_faults_are_over),
        job("garbage", At(KEEP_AT), keep_what_stays),
        job(WATCHDOG, Every(lambda: watchdog.every), watchdog.check, Unit.WATCHDOG),
    ]
