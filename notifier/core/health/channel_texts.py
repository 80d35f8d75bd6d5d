"""Why messages to a channel fail, in words for people, and what to do about it: from the reason of an outcome."""

from notifier.core.words import count

_TIMEOUTS = ("connect_timeout", "read_timeout", "send_timeout")

_REASONS = {
    "refused": (
        "nothing listens at its address (connection refused)",
        "Check that the receiver runs, and that the channel's URL has the right host and port",
    ),
    "dns": (
        "the name of its host cannot be resolved",
        "Check the host in the channel's URL, and this machine's DNS",
    ),
    "tls": (
        "the secure connection to it cannot be made",
        "Check the certificate of the receiver, and that the channel's URL has the right scheme and port",
    ),
    "connection": (
        "the connection to it fails",
        "Check that the receiver runs, and that this machine reaches it",
    ),
    "http_401": ("it refuses our login (401)", "Check the URL, token or password of the channel"),
    "http_403": ("it forbids us to send (403)", "Check the token of the channel, and what its account may do"),
    "http_404": (
        "nothing is at its address (404)",
        "Check the channel's URL: the room or webhook may have been removed",
    ),
    "http_410": (
        "what was at its address was removed (410)",
        "Make a new webhook or key at the receiver, and put it into the channel's URL",
    ),
    "http_429": ("it asks for fewer messages (429)", "Wait: sending goes on by itself"),
}

_THEN = "then send a test: `notifier channel test {name}`. Messages for it are kept and sent again"
_OTHERWISE = "Look at the answer above, mend the receiver or the channel's URL"


def why(trouble: str) -> str:
    """Return why a channel is broken as a clause without a full stop.

    Args:
        trouble: the reason of the last outcome in one word, and its detail after ": ", if there was any.
    """
    known = _known(trouble)
    return " ".join(trouble.split()).rstrip(".") if known is None else known[0]


def cure(name: str, trouble: str) -> str:
    """Return what to do about the channel of this name; `trouble` as for `why`."""
    known = _known(trouble)
    if known is not None and known[1].startswith("Wait"):
        return f"{known[1]}. Messages for it are kept and sent again."
    return f"{_OTHERWISE if known is None else known[1]}, {_THEN.format(name=name)}."


def waiting_words(number: int) -> str:
    """Return how many messages wait, as a sentence; empty if none do."""
    return f"{count(number, 'message')} {'waits' if number == 1 else 'wait'}." if number else ""


def _known(trouble: str) -> tuple[str, str] | None:
    """Return why and what to do by the reason's word; None if there are no words for it."""
    reason = trouble.partition(":")[0].strip()
    if reason in _TIMEOUTS:
        return "it does not answer in time", "Check that the receiver runs, and that this machine reaches it"
    status = reason.removeprefix("http_")
    if reason.startswith("http_5") and status.isdigit():
        return f"it has an error of its own ({status})", "Wait, or look at the receiver: sending goes on by itself"
    return _REASONS.get(reason)
