"""The forms in which a secret travels, and where they stand in a text.

A far side that repeats what it was sent repeats it as it came: a password in the base64 of `user:password`, a path
percent-encoded, in the JSON, HTML or quoted-printable of an error page. Two ways lead to all of these. What does not
depend on what stands beside the secret is looked for as it is: the secret itself, its hexadecimal digits, and those
characters of its base64 that are the same whatever precedes and follows it. And where a text has escapes, it is read
once more with them resolved, up to three times one in another; so it does not matter which characters are escaped.

A text costs a look at every fourth place, whatever the number of secrets: each form is indexed by the four bytes of
each of its possible alignments within a window of seven.
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
"""Bytes of a secret whose encoded forms are looked for; those of less would be found everywhere."""

_DEPTH = 3
_MOST_READINGS = 16

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_="
_COMMON = b"abcdefghijklmnopqrstuvwxyz :/.-"
_TO_URLSAFE = bytes.maketrans(b"+/", b"-_")


@dataclass(frozen=True, slots=True)
class _Form:
    """What is looked for; `in_base64`: all of the base64 around it is masked, because it has the rest of the secret."""

    text: bytes
    in_base64: bool = False


class SecretForms:
    """The forms of many secrets, to be found in a text."""

    def __init__(self) -> None:
        self._by_gram: dict[bytes, set[_Form]] = defaultdict(set)
        self._short: set[_Form] = set()

    def add(self, secret: str) -> None:
        """Look for this one, too."""
        for form in _forms_of(secret):
            if len(form.text) < _WINDOW:
                self._short.add(form)
                continue
            window = _telling_window(form.text)
            for start in range(_GRAM):
                self._by_gram[window[start : start + _GRAM]].add(form)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where secrets stand: parts of the text's UTF-8, in order, that do not overlap."""
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
    for space in "+_":  # a form's, and that of a header by RFC 2047
        yield _Form(secret.replace(" ", space).encode("utf-8", "surrogatepass"))
    yield _Form(secret.lower().encode("utf-8", "surrogatepass"))  # a host's name comes back in small letters
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
    """The part to index a form by: the one with the most that is rare in words and addresses."""
    last = len(form) - _WINDOW
    windows = {form[start : start + _WINDOW] for start in (last, last // 2, last // 4, 0)}
    return max(windows, key=lambda window: (len(window.translate(None, _COMMON)), window))


def _run(data: bytes, start: int, end: int) -> tuple[int, int]:
    """All of the base64 around a part of it."""
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
    """A text with some of its escapes resolved: `starts` and `ends` say which part of the text each byte was."""

    data: bytes
    starts: list[int] | None = None
    ends: list[int] | None = None

    def source(self, start: int, end: int) -> tuple[int, int]:
        """The part of the text that a part of the reading was."""
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
    # Quoted-printable and base64, where lines may be broken, in headers as RFC 2047 does it.
    (re.compile(rb"=[0-9a-fA-F]{2}"), _hexadecimal),
    (
        re.compile(rb"\?=\s+=\?[\w-]{1,40}\?[bBqQ]\?|=\r?\n|(?<=[A-Za-z0-9+/=]{4})\r?\n[ \t]?(?=[A-Za-z0-9+/=])"),
        lambda _: b"",
    ),
)

_ANY_ESCAPE = re.compile(rb"%[0-9a-fA-F]{2}|\\.|&[#A-Za-z]|=[0-9a-fA-F\r\n]|\n", re.DOTALL)


def _readings(data: bytes) -> Iterator[_Reading]:
    """The text as it is, and with its escapes resolved, each kind by itself, up to three deep."""
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
    """The reading with these escapes resolved; None if there are none."""
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
