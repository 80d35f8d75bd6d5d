"""Each message says how bad it is; a digest is as bad as its worst."""

import pytest
from support.deliveries import event_about
from support.fakes import notice

from notifier.core.delivery.digest import digest
from notifier.core.delivery.message_text import message
from notifier.core.delivery.model import Severity
from notifier.core.delivery.severity import severity_of
from notifier.core.snapshot.model import Facts

CLEAN, PARTIAL, EMPTY = Facts(records=10, errors=0), Facts(records=10, errors=1), Facts(records=0, errors=0)


@pytest.mark.parametrize(
    ("status", "facts", "severity"),
    [
        ("ready", CLEAN, "success"),
        ("ready", PARTIAL, "warning"),
        ("ready", EMPTY, "warning"),
        ("stalled", CLEAN, "warning"),
        ("expiring", CLEAN, "warning"),
        ("canceled", CLEAN, "warning"),
        ("failed", CLEAN, "failure"),
        ("missing", CLEAN, "failure"),
        ("starting", CLEAN, "info"),
        ("running", CLEAN, "info"),
        ("a new word", CLEAN, "info"),
    ],
)
def test_an_event_has_the_severity_of_what_it_means(status: str, facts: Facts, severity: str) -> None:
    assert message(event_about("s_1", status, facts=facts)).severity == severity


@pytest.mark.parametrize(
    ("kind", "subject", "severity"),
    [
        ("unauthorised", "api", "failure"),
        ("unreachable", "api", "warning"),
        ("rate_limited", "api", "warning"),
        ("ok", "api", "success"),
        ("broken", "channel:mail", "failure"),
        ("healed", "channel:mail", "success"),
        ("2026-11-23T12:00:00+00:00", "dead:mail", "failure"),
        ("refused", "reload", "warning"),
        ("ended", "store", "failure"),
        ("a kind of tomorrow", "anything", "warning"),
    ],
)
def test_a_notice_of_a_trouble_warns_or_fails_and_its_end_is_a_success(kind: str, subject: str, severity: str) -> None:
    assert message(notice(kind, subject=subject)).severity == severity


def test_a_digest_has_its_worst() -> None:
    ready, running, partial = (
        event_about("s_1", facts=CLEAN),
        event_about("s_2", "running"),
        event_about("s_3", facts=PARTIAL),
    )
    failed = event_about("s_4", "failed")
    assert severity_of([running, ready]) == Severity.SUCCESS
    assert severity_of([ready, partial, running]) == Severity.WARNING
    assert severity_of([ready, failed, notice("ok"), partial]) == Severity.FAILURE
    assert digest([ready, failed], lambda message: True).severity == Severity.FAILURE
