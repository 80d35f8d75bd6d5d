"""A secret is masked in every form in which it travels, whole; and nothing else is."""

import base64
import html
import json
import quopri
import re
from collections.abc import Callable
from email.header import Header
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notifier.core.words import MASK
from notifier.telemetry.redaction import Redactor

SECRET = "canary+/pass &w<ö>rd%41=\"'\\x"

EDGE = st.text(alphabet="abcXYZ019", max_size=6)


def percent(text: str, *, lower: bool = False) -> str:
    """Every byte as an escape."""
    return "".join(f"%{byte:02x}" if lower else f"%{byte:02X}" for byte in text.encode())


def quoted_printable(text: str) -> str:
    return quopri.encodestring(text.encode()).decode()


WHOLE: dict[str, Callable[[str], str]] = {
    "plain": str,
    "percent-encoded": lambda text: quote(text, safe=""),
    "percent-encoded in part": quote,
    "percent-encoded by a form": quote_plus,
    "percent-encoded in small letters": lambda text: re.sub("%..", lambda each: each[0].lower(), quote(text, safe="")),
    "percent-encoded, every byte": percent,
    "percent-encoded, every byte, in small letters": lambda text: percent(text, lower=True),
    "percent-encoded twice": lambda text: quote(quote(text, safe=""), safe=""),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON as PHP writes it": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "JSON, all escaped": lambda text: re.sub("(....)", r"\\u\1", text.encode("utf-16-be").hex()),
    "HTML": html.escape,
    "HTML by numbers": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "HTML by hexadecimal numbers": lambda text: "".join(f"&#x{ord(char):X};" for char in text),
    "HTML of JSON": lambda text: html.escape(json.dumps(text)[1:-1]),
    "percent-encoded in HTML": lambda text: html.escape(quote(text)),
    "percent-encoded JSON": lambda text: quote(json.dumps(text)[1:-1], safe=""),
    "quoted-printable": quoted_printable,
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal in capitals": lambda text: text.encode().hex().upper(),
    "bytes as Python shows them": lambda text: repr(text.encode())[2:-1],
}


@pytest.mark.parametrize("form", WHOLE)
@pytest.mark.parametrize(
    "secret", [SECRET, "canary-7f3a", "日本語のパスワード", "😀😀 key", "with space+plus", "A1b2C3d4"]
)
def test_no_form_of_a_secret_is_left(form: str, secret: str) -> None:
    encoded = WHOLE[form](secret)
    found = Redactor([secret])(f"it said <<{encoded}>> to us")
    assert found == f"it said <<{MASK}>> to us"


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=6, max_size=40),
    st.sampled_from([each for each in WHOLE if "all escaped" not in each]),
)
@example("aaaaaa", "percent-encoded twice")
def test_no_form_of_any_secret_is_left(secret: str, form: str) -> None:
    found = Redactor([secret])(f"\x00{WHOLE[form](secret)}\x00")
    assert found == f"\x00{MASK}\x00"


@given(EDGE, st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=40), EDGE, st.booleans())
def test_base64_around_a_secret_is_masked_as_a_whole_at_every_alignment(
    before: str, secret: str, after: str, urlsafe: bool
) -> None:
    """`user:password` of any user: what is beside the password shifts it by a third of a character each."""
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    encoded = encode(f"{before}:{secret}{after}".encode()).decode()
    assert Redactor([secret])(f'{{"Authorization": "Basic {encoded}"}}') == f'{{"Authorization": "Basic {MASK}"}}'


def test_base64_in_other_forms_is_masked() -> None:
    """With a slash as PHP escapes it, percent-encoded, broken into lines as mail has it, in a header of RFC 2047."""
    secret = "canary???>>>///secret-of-some-length-that-needs-more-than-one-line-of-base64-to-be-told"
    redact = Redactor([secret])
    encoded = base64.b64encode(f"robot:{secret}".encode()).decode()
    lines = base64.encodebytes(f"robot:{secret}".encode()).decode()
    header = Header(f"é {secret}", "utf-8").encode()
    for text in (encoded.replace("/", "\\/"), quote(encoded, safe=""), lines, lines.replace("\n", "\r\n")):
        found = redact(f"<<{text}>>")
        assert MASK in found
        assert not re.search("[A-Za-z0-9+/%]{20,}", found), found
    assert MASK in redact(header)


def test_what_is_no_secret_stays_as_it_is() -> None:
    redact = Redactor([SECRET, "canary-7f3a", "T0KEN"])
    for text in (
        "",
        "canary-7f3",
        "100%25 of 5 &amp; more \\u00e9 =3D\n and =\n a line",
        '{"a": "b\\/c", "n": "Zm9vYmFy"}',
        "%%%zz &#x110000; &#9999999; \\ud83d \\udc00\\ud83d =zz",
        "\ud800 a lone surrogate",
    ):
        assert redact(text) == text


@given(st.text(alphabet="%\\&#x;=u0d8Ac\n1fE amp_", max_size=60))
def test_odd_escapes_change_nothing_and_raise_nothing(text: str) -> None:
    assert Redactor(["canary-7f3a"])(text) == text


def test_many_secrets_cost_a_line_no_more_than_a_few() -> None:
    """The forms are indexed: of 2,000 secrets none is tried on a line that has no part of it."""
    redact = Redactor([f"canary-{number:05}-{number * 7919:x}-secret" for number in range(2_000)])
    line = "delivery.retrying of s_m4x7enmven8djfqak at 2026-11-29T09:15:17Z with nothing to hide"
    assert redact(line) == line
    tried: list[bytes] = []
    for place in range(0, len(line) - 3, 4):
        tried += [form.text for form in redact._forms._by_gram.get(line[place : place + 4].encode(), ())]
    assert len(tried) < 50
    assert redact(f"x canary-01234-{1234 * 7919:x}-secret y") == f"x {MASK} y"
