"""Finds secrets in a text in all forms in which a service repeats them.

A service repeats a secret as it was sent: a password in the base64 of `user:password`, a path percent-encoded, or
either in the JSON, HTML or quoted-printable of an error page. Two methods find all of these:

- Forms that do not depend on the characters beside the secret are searched for directly: the secret itself, its
  hexadecimal digits, and those characters of its base64 that are the same whatever precedes and follows it.
- A text with escapes is also searched with them resolved, nested up to three deep, so that it does not matter which
  characters are escaped.

Searching a text looks at every fourth byte, whatever the number of secrets: each form is indexed by the four-byte
grams of a window of seven, one for each possible alignment.
"""

import base64
import html
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

_GRAM = 4
_WINDOW = 2 * _GRAM - 1
_SHORTEST = 4
"""Bytes of the shortest secret whose encoded forms are searched for; those of a shorter one would match everywhere."""

_DEPTH = 3
_MOST_READINGS = 16

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_="
_COMMON = b"abcdefghijklmnopqrstuvwxyz :/.-"
_TO_URLSAFE = bytes.maketrans(b"+/", b"-_")


@dataclass(frozen=True, slots=True)
class _Form:
    """Bytes to search for. With `in_base64` all base64 around them is masked: it has the rest of the secret."""

    text: bytes
    in_base64: bool = False


class SecretForms:
    """An index of the forms of many secrets."""

    def __init__(self) -> None:
        self._by_gram: dict[bytes, set[_Form]] = defaultdict(set)
        self._short: set[_Form] = set()

    def add(self, secret: str) -> None:
        """Add a secret."""
        for form in _forms_of(secret):
            if len(form.text) < _WINDOW:
                self._short.add(form)
                continue
            window = _telling_window(form.text)
            for start in range(_GRAM):
                self._by_gram[window[start : start + _GRAM]].add(form)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where secrets are: spans of the text's UTF-8, in order, without overlaps."""
        found: list[tuple[int, int]] = []
        for reading in _readings(text.encode("utf-8", "surrogatepass")):
            found += (reading.source(start, end) for start, end in self._in(reading.data))
        return _merged(found)

    def _in(self, data: bytes) -> Iterator[tuple[int, int]]:
        forms = set(self._short)
        grams = {data[place : place + _GRAM] for place in range(0, len(data) - _GRAM + 1, _GRAM)}
        for gram in grams & self._by_gram.keys():
            forms |= self._by_gram[gram]
        for form in forms:
            place = data.find(form.text)
            while place >= 0:
                end = place + len(form.text)
                yield _run(data, place, end) if form.in_base64 else (place, end)
                place = data.find(form.text, place + 1)


def _forms_of(secret: str) -> Iterator[_Form]:
    plain = secret.encode("utf-8", "surrogatepass")
    yield _Form(plain)
    if len(plain) < _SHORTEST:
        return
    for space in "+_":  # as in an HTML form, and as in a header by RFC 2047
        yield _Form(secret.replace(" ", space).encode("utf-8", "surrogatepass"))
    yield _Form(secret.lower().encode("utf-8", "surrogatepass"))  # a host name comes back in lower case
    codings = {plain}
    if not secret.isascii():
        codings.add(secret.encode("latin-1", "ignore") if _is_latin1(secret) else plain)
    for coded in codings:
        yield _Form(coded)
        yield _Form(coded.hex().encode())
        yield _Form(coded.hex().upper().encode())
        for before in range(3):
            encoded = base64.b64encode(bytes(before) + coded)
            core = encoded[(8 * before + 5) // 6 : 8 * (before + len(coded)) // 6]
            if len(core) >= _SHORTEST:
                yield _Form(core, in_base64=True)
                yield _Form(core.translate(_TO_URLSAFE), in_base64=True)


def _is_latin1(text: str) -> bool:
    return all(ord(char) < 256 for char in text)


def _telling_window(form: bytes) -> bytes:
    """Return the part to index a form by: the one with the most bytes that are rare in words and addresses."""
    last = len(form) - _WINDOW
    windows = {form[start : start + _WINDOW] for start in (last, last // 2, last // 4, 0)}
    return max(windows, key=lambda window: (len(window.translate(None, _COMMON)), window))


def _run(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Return the span of all base64 around a part of it."""
    while start > 0 and data[start - 1] in _BASE64:
        start -= 1
    while end < len(data) and data[end] in _BASE64:
        end += 1
    return start, end


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


@dataclass(frozen=True, slots=True)
class _Reading:
    """A text with some escapes resolved; `starts` and `ends` map each byte to its place in the text."""

    data: bytes
    starts: list[int] | None = None
    ends: list[int] | None = None

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the text that a span of the reading comes from."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


def _hexadecimal(escape: bytes) -> bytes:
    return bytes([int(escape[-2:], 16)])


def _json(escape: bytes) -> bytes:
    match chr(escape[1]):
        case "x":
            return bytes([int(escape[2:], 16)])
        case "u" | "U":
            units = [int(each, 16) for each in re.split(rb"\\[uU]", escape) if each]
            if len(units) == 2:
                units = [0x10000 + ((units[0] - 0xD800) << 10) + (units[1] - 0xDC00)]
            return chr(min(units[0], 0x10FFFF)).encode("utf-8", "surrogatepass")
        case other:
            return {"b": b"\b", "f": b"\f", "n": b"\n", "r": b"\r", "t": b"\t"}.get(other, other.encode("latin-1"))


def _html(escape: bytes) -> bytes:
    return html.unescape(escape.decode("ascii")).encode("utf-8", "surrogatepass")


_SURROGATES = rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"

_ESCAPES: tuple[tuple[re.Pattern[bytes], Callable[[bytes], bytes]], ...] = (
    (re.compile(rb"%[0-9a-fA-F]{2}"), _hexadecimal),
    (
        re.compile(_SURROGATES + rb"|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\x[0-9a-fA-F]{2}|\\[\\/\"'bfnrt]"),
        _json,
    ),
    (re.compile(rb"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"), _html),
    # Quoted-printable, and folded lines of it and of base64, in headers as in RFC 2047.
    (re.compile(rb"=[0-9a-fA-F]{2}"), _hexadecimal),
    (
        re.compile(rb"\?=\s+=\?[\w-]{1,40}\?[bBqQ]\?|=\r?\n|(?<=[A-Za-z0-9+/=]{4})\r?\n[ \t]?(?=[A-Za-z0-9+/=])"),
        lambda _: b"",
    ),
)

_ANY_ESCAPE = re.compile(rb"%[0-9a-fA-F]{2}|\\.|&[#A-Za-z]|=[0-9a-fA-F\r\n]|\n", re.DOTALL)


def _readings(data: bytes) -> Iterator[_Reading]:
    """Yield the text as it is, and with its escapes resolved, one kind at a time, up to three deep."""
    layer = [_Reading(data)]
    yield layer[0]
    if not _ANY_ESCAPE.search(data):
        return
    seen = {data}
    for _ in range(_DEPTH):
        deeper = []
        for reading in layer:
            for pattern, resolve in _ESCAPES:
                resolved = _resolved(reading, pattern, resolve)
                if resolved is None or resolved.data in seen or len(seen) > _MOST_READINGS:
                    continue
                seen.add(resolved.data)
                deeper.append(resolved)
                yield resolved
        layer = deeper


def _resolved(reading: _Reading, pattern: re.Pattern[bytes], resolve: Callable[[bytes], bytes]) -> _Reading | None:
    """Return the reading with these escapes resolved; None if it has none."""
    escapes = [*pattern.finditer(reading.data)]
    if not escapes:
        return None
    data, starts, ends = bytearray(), list[int](), list[int]()
    edges = [0, *(edge for each in escapes for edge in each.span()), len(reading.data)]
    for index, (start, end) in enumerate(pairwise(edges)):
        if start == end:
            continue
        if index % 2:  # an escape
            new = resolve(reading.data[start:end])
            first, last = reading.source(start, end)
            starts += [first] * len(new)
            ends += [last] * len(new)
        else:
            new = reading.data[start:end]
            starts += range(start, end) if reading.starts is None else reading.starts[start:end]
            ends += range(start + 1, end + 1) if reading.ends is None else reading.ends[start:end]
        data += new
    return _Reading(bytes(data), starts, ends)
