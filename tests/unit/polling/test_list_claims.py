"""What lists claim of snapshots, until polls confirm or refute it."""

from datetime import timedelta

from support.fakes import START

from notifier.polling.list_claims import Claims

SECOND = timedelta(seconds=1)


def claimed(word: str) -> Claims:
    claims = Claims()
    claims.make({"s_1": word}, START, {"s_1": None})
    return claims


def test_a_claim_that_a_later_list_repeats_keeps_its_time() -> None:
    claims = claimed("ready")
    claims.make({"s_1": "Ready"}, START + SECOND, {"s_1": START})
    claim = claims.of("s_1")
    assert claim is not None
    assert (claim.word, claim.listed_at, claim.seen_at) == ("ready", START, None)


def test_another_word_replaces_a_claim() -> None:
    claims = claimed("ready")
    claims.make({"s_1": "failed"}, START + SECOND, {"s_1": START})
    claim = claims.of("s_1")
    assert claim is not None
    assert (claim.word, claim.listed_at, claim.seen_at) == ("failed", START + SECOND, START)


def test_a_rejected_word_is_remembered_until_a_list_agrees_with_the_known_status() -> None:
    claims = claimed("Digesting")
    claims.reject("s_1")
    assert "s_1" not in claims
    assert claims.rejected_word("s_1") == "digesting"
    claims.agree("s_1", ended=False)
    assert claims.rejected_word("s_1") is None


def test_a_list_that_agrees_settles_the_claim_unless_the_snapshot_has_ended() -> None:
    claims = claimed("running")
    claims.agree("s_1", ended=True)
    assert "s_1" in claims
    claims.agree("s_1", ended=False)
    assert "s_1" not in claims


def test_rejected_words_of_snapshots_that_lists_have_no_more_are_forgotten() -> None:
    claims = claimed("digesting")
    claims.reject("s_1")
    claims.keep_rejected({"s_2"})
    assert claims.rejected_word("s_1") is None
