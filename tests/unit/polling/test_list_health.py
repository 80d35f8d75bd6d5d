"""When the members of a dataset are polled individually because its lists fail, and when lists lose their trust."""

from datetime import timedelta

from support.fakes import START

from notifier.core.snapshot.rotation import TRUSTED_AGAIN_AFTER
from notifier.polling.list_health import FAILURES_BEFORE_FALLBACK, ListHealth

SECOND = timedelta(seconds=1)
MEMBERS = ["s_1", "s_2", "s_3"]


def failed(times: int) -> ListHealth:
    health = ListHealth()
    for number in range(times):
        health.failed(START + number * SECOND)
    return health


def test_a_few_failures_cause_no_fallback() -> None:
    assert failed(FAILURES_BEFORE_FALLBACK - 1).fall_back(MEMBERS, START) == []


def test_after_three_failures_all_members_fall_back_once_if_polls_are_answered() -> None:
    health = failed(FAILURES_BEFORE_FALLBACK)
    assert health.fall_back(MEMBERS, START) == MEMBERS
    assert health.fall_back(MEMBERS, START) == []


def test_while_no_poll_is_answered_one_member_falls_back() -> None:
    health = failed(FAILURES_BEFORE_FALLBACK)
    assert health.fall_back(MEMBERS, None) == MEMBERS[:1]
    assert health.fall_back(MEMBERS, START - SECOND) == MEMBERS[:1]
    assert health.fall_back(MEMBERS, START + SECOND) == MEMBERS


def test_a_list_that_comes_ends_the_fallback() -> None:
    health = failed(FAILURES_BEFORE_FALLBACK)
    health.fall_back(MEMBERS, START)
    health.came()
    assert health.failures == 0
    assert health.fall_back(MEMBERS, START) == []


def test_trust_is_lost_once_and_regained_after_lists_have_agreed_for_a_while() -> None:
    health = ListHealth()
    assert health.was_behind("s_1", START)
    assert not health.was_behind("s_2", START + SECOND)
    assert health.is_behind_on(["s_1"], START + 2 * SECOND) is None
    before = health.is_behind_on([], START + 2 * SECOND + TRUSTED_AGAIN_AFTER)
    assert before is not None
    assert before.since == START
    assert not health.trust.stale


def test_where_no_list_is_requested_any_more_trust_is_reset() -> None:
    health = ListHealth()
    assert health.reset_trust() is None, "they were trusted"
    health.was_behind("s_1", START)
    assert health.reset_trust() is not None
    assert not health.trust.stale
