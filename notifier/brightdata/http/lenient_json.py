"""Reads JSON that is not quite valid: a flaw in one place costs that place, not the whole answer. Pure.

Bright Data passes on text from web pages and users' inputs. So an answer may have a control character or broken UTF-8
in a text, `NaN` for a number, or a number of 5,000 digits, none of which is valid JSON (RFC 8259) for every parser.
"""

import json
import math
import re
from collections.abc import Iterator

_BOM = b"\xef\xbb\xbf"
_LONGEST_NUMBER = 400
"""Digits. Python refuses a number of more than 4,300, and with it the whole document."""

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)
_WHITESPACE = b" \t\r\n"


def json_of(body: bytes) -> object:
    """Returns the value of a body.

    Raises:
        ValueError: it is not even such JSON.
        RecursionError: it is nested too deeply.
    """
    text = body.removeprefix(_BOM).decode("utf-8", "replace")
    return json.loads(text, strict=False, parse_int=_integer)


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else math.inf


def elements_of(body: bytes) -> Iterator[bytes]:
    """Yields the elements of an array, each unparsed: a flaw in one does not affect the others.

    Raises:
        ValueError: it is not an array, or ends within an element; those before it have been yielded.
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
