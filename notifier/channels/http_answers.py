"""Interprets an HTTP answer and its text: the rules that both kinds of channel share."""

from collections.abc import Callable

LONGEST_DETAIL = 500
"""Characters of an answer that are kept."""

_MOST_SEARCHED = 8 * 1024
_CUT_IN_TWO = 4 * 1024


def is_temporary(status_code: int) -> bool:
    """Returns whether an HTTP status code means that the same request may succeed later."""
    return status_code in (408, 421, 425, 429) or status_code >= 500


def kept_detail(detail: str, redact: Callable[[str], str]) -> str:
    """Returns what is kept of an answer: without secrets, on one line, at most `LONGEST_DETAIL` characters.

    Only the beginning is searched for secrets. Its end, where a secret may be cut in two, is dropped.
    """
    line = redact(detail[:_MOST_SEARCHED])
    if len(detail) > _MOST_SEARCHED:
        line = line[:-_CUT_IN_TWO]
    return " ".join(line.split())[:LONGEST_DETAIL]
