"""All periodic work of the daemon, in one table: name, trigger, function, and the unit that fails alone.

What waits for a queue or an event (deliveries, downloads, reloads, background work) is no job: it runs in a task of its
own.
"""

from datetime import timedelta

from notifier.app.components import POLLS, Components
from notifier.app.gc_tuning import keep_what_stays
from notifier.app.job_runner import At, Every, Job, WhenDue
from notifier.app.observability import HEARTBEAT, Observability
from notifier.app.watchdog import Watchdog
from notifier.control.socket_file import ControlSocket
from notifier.core.work_units import Unit

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


def table(
    components: Components, observability: Observability, control: ControlSocket, watchdog: Watchdog
) -> list[Job]:
    """The jobs of a daemon.

    Args:
        components: of the daemon.
        observability: has the heartbeat, the monitor of resources and the measurement of the event loop's lag.
        control: the socket for commands.
        watchdog: reports to the service manager.
    """
    return [
        Job(POLLS, WhenDue(components.schedule.earliest), components.schedule.collect),
        Job("clock", Every(CLOCK_CHECK), components.schedule.check_clock),
        Job("flush", Every(FLUSH_EVERY, first=FLUSH_EVERY), components.polling.flush, Unit.FLUSH),
        Job("expiry_warnings", Every(EXPIRY_EVERY), components.polling.warn_expiring, Unit.EXPIRY),
        Job("probe", Every(PROBE_EVERY, first=PROBE_EVERY), components.probe.probe, Unit.PROBE),
        Job("fallbacks", Every(FALLBACKS_EVERY), components.maintenance.fall_back, Unit.FALLBACK),
        Job("audit", Every(AUDIT_EVERY), components.maintenance.audit, Unit.AUDIT),
        Job("retention", Every(RETENTION_EVERY), components.maintenance.prune, Unit.RETENTION),
        Job("database_files", Every(FILES_EVERY, first=FILES_EVERY), components.store.check_files),
        Job("control_socket", Every(FILES_EVERY, first=FILES_EVERY), control.check),
        Job(HEARTBEAT, Every(lambda: observability.heartbeat.every), observability.heartbeat.beat, Unit.HEARTBEAT),
        Job("exhaustion", Every(EXHAUSTION_EVERY), observability.resources.check, Unit.EXHAUSTION),
        Job("loop_lag", Every(LOOP_LAG_EVERY), observability.loop_lag.measure),
        Job("store_works", At((STORE_WORKS_AFTER,)), components.notices.notify_store_works),
        Job("faults_over", Every(FAULTS_OVER_EVERY, first=STORE_WORKS_AFTER), components.notices.notify_faults_over),
        Job("garbage", At(KEEP_AT), keep_what_stays),
        Job(WATCHDOG, Every(lambda: watchdog.every), watchdog.check, Unit.WATCHDOG),
    ]
