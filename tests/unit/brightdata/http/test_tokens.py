"""Where the token comes from, and that it shows nowhere."""

import pytest

from notifier.brightdata.http.tokens import FileToken, StaticToken, TokenUnusable, usable


def test_a_static_token_stays_the_same_when_it_is_refused() -> None:
    token = StaticToken(" canary-1 \n")
    token.refused()
    assert token.current() == "canary-1"


def test_a_file_token_is_read_once_and_again_after_it_was_refused() -> None:
    contents = ["canary-1\n", "canary-2\n"]
    token = FileToken(lambda: contents.pop(0))
    assert [token.current(), token.current()] == ["canary-1", "canary-1"]
    token.refused()
    assert token.current() == "canary-2"


def test_a_file_that_cannot_be_read_is_tried_again_the_next_time() -> None:
    answers: list[str | OSError] = [FileNotFoundError("gone"), "canary-1"]

    def read() -> str:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    token = FileToken(read)
    with pytest.raises(FileNotFoundError):
        token.current()
    assert token.current() == "canary-1"


@pytest.mark.parametrize("text", ["", " \n", "canary\r\nHost: x", "canary 1", "canary\x00", "canäry"])
def test_what_no_header_may_carry_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(TokenUnusable) as refused:
        usable(text)
    assert "canary" not in str(refused.value)


def test_a_token_shows_in_no_repr() -> None:
    token = FileToken(lambda: "canary-1")
    token.current()
    assert "canary" not in repr(token) + repr(StaticToken("canary-1"))
