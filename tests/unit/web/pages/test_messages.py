"""An answer to an action is shown for a minute to whoever has its key, and to nobody else."""

from notifier.web.pages.messages import LASTS_S, MOST, Message, Messages


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


MUTED = Message(text="Muted for an hour.")


def test_a_message_is_shown_by_its_key_also_twice() -> None:
    messages = Messages()
    key = messages.keep(MUTED)
    assert messages.get(key) == messages.get(key) == MUTED


def test_an_unknown_key_shows_nothing() -> None:
    messages = Messages()
    messages.keep(MUTED)
    assert [messages.get(key) for key in (None, "", "guess")] == [None] * 3


def test_a_message_is_gone_after_a_minute() -> None:
    seconds = Seconds()
    messages = Messages(clock=seconds)
    key = messages.keep(MUTED)
    seconds.now = LASTS_S
    assert messages.get(key) is None


def test_only_so_many_messages_are_kept() -> None:
    messages = Messages()
    keys = [messages.keep(MUTED) for _ in range(MOST + 1)]
    assert messages.get(keys[0]) is None
    assert messages.get(keys[-1]) == MUTED
