"""Why a channel is broken is said in plain words for the usual reasons, and what to do about it."""

import pytest

from notifier.core.health.channel_texts import cure, waiting_words, why


@pytest.mark.parametrize(
    ("trouble", "said", "to_do"),
    [
        ("refused: NewConnectionError", "nothing listens at its address", "host and port"),
        ("http_401: Verification Failed., error=401.", "it refuses our login (401)", "URL, token or password"),
        ("http_403: Forbidden", "it forbids us to send (403)", "token"),
        ("http_404: no such hook", "nothing is at its address (404)", "may have been removed"),
        ("http_410", "what was at its address was removed (410)", "Make a new webhook or key"),
        ("http_503: upstream", "it has an error of its own (503)", "sending goes on by itself"),
        ("connect_timeout: ConnectTimeoutError", "it does not answer in time", "this machine reaches it"),
        ("send_timeout", "it does not answer in time", "this machine reaches it"),
        ("dns: NameResolutionError", "the name of its host cannot be resolved", "DNS"),
        ("tls: bad certificate", "the secure connection to it cannot be made", "certificate"),
    ],
)
def test_a_usual_reason_has_plain_words_and_a_cure(trouble: str, said: str, to_do: str) -> None:
    assert why(trouble).startswith(said)
    assert to_do in cure("mail", trouble)
    assert "Messages for it are kept and sent again." in cure("mail", trouble)


@pytest.mark.parametrize("trouble", ["odd: a new  answer.", "http_5xx: odd", ""])
def test_another_reason_is_shown_as_it_is_without_a_full_stop(trouble: str) -> None:
    assert why(trouble) == " ".join(trouble.split()).rstrip(".")
    assert cure("mail", trouble).startswith("Look at the answer above")
    assert "`notifier channel test mail`" in cure("mail", trouble)


def test_how_many_messages_wait_is_a_sentence() -> None:
    assert [waiting_words(each) for each in (0, 1, 3)] == ["", "1 message waits.", "3 messages wait."]
