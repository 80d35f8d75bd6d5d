"""Useless hints, which anybody who knows the secret can send without end, are logged at most once a minute."""

from structlog.testing import capture_logs

from notifier.core.outcomes import HintOutcome
from notifier.core.snapshot.hint_queue import HintResult
from notifier.telemetry.hint_log import LOGGED_EVERY_S, HintLog


def test_useless_hints_are_logged_once_a_minute_with_their_number() -> None:
    now = 0.0
    with capture_logs() as lines:
        log = HintLog(lambda: now)
        for _ in range(1_000):
            log.report(HintOutcome(result=HintResult.UNKNOWN, snapshot_id="s_1"))
            log.report(HintOutcome(result=HintResult.REFUSED))
        now = LOGGED_EVERY_S
        log.report(HintOutcome(result=HintResult.UNKNOWN, snapshot_id="s_2"))
    assert [(each["result"], each["count"], each["snapshot"]) for each in lines] == [
        ("unknown", 1, "s_1"),
        ("refused", 1, None),
        ("unknown", 1_000, "s_2"),
    ]


def test_what_is_adopted_is_logged_each_time() -> None:
    with capture_logs() as lines:
        log = HintLog()
        for snapshot_id in ("s_1", "s_2"):
            log.report(HintOutcome(result=HintResult.ADOPTED, snapshot_id=snapshot_id))
            log.report(HintOutcome(result=HintResult.ACCEPTED, snapshot_id=snapshot_id))
    assert [(each["event"], each["log_level"]) for each in lines] == [
        ("hint.adopted", "info"),
        ("hint.taken", "debug"),
    ] * 2
