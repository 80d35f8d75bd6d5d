"""Reads JSON that is not quite right: what is odd in one place costs that place, not the whole answer. Pure.

Bright Data passes on what web pages and users' inputs said, so that an answer may have a control character or broken
UTF-8 in a text, `NaN` for a number, or a number of 5,000 digits. None of that is JSON (RFC 8259) that everybody reads.
"""

import json
import math
import re
from collections.abc import Iterator

_BOM = b"\xef\xbb\xbf"
_LONGEST_NUMBER = 400
"""Digits. Python refuses to read more than 4,300, and with them all that stands around."""

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)
_WHITESPACE = b" \t\r\n"


def json_of(body: bytes) -> object:
    """The value that a body has, as far as it can be read.

    Raises:
        ValueError: it is no JSON even so.
        RecursionError: it is nested too deeply.
    """
    text = body.removeprefix(_BOM).decode("utf-8", "replace")
    return json.loads(text, strict=False, parse_int=_integer)


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else math.inf


def elements_of(body: bytes) -> Iterator[bytes]:
    """The elements of an array, each unread: whatever one of them has inside, the others are found.

    Raises:
        ValueError: it is no array, or ends within an element; what came before has been yielded.
    """
    body = body.removeprefix(_BOM).strip(_WHITESPACE)
    if not body.startswith(b"["):
        raise ValueError("not an array")
    depth, start = 0, 1
    for token in _TOKEN.finditer(body):
        match token.group():
            case b"[" | b"{":
                depth += 1
            case b"]" | b"}":
                depth -= 1
                if depth == 0:
                    if token.end() != len(body):
                        raise ValueError("something follows the array")
                    if element := body[start : token.start()].strip(_WHITESPACE):
                        yield element
                    return
            case b"," if depth == 1:
                yield body[start : token.start()].strip(_WHITESPACE)
                start = token.end()
    raise ValueError("the array does not end")
