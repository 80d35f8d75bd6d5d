"""The rule for ids of snapshots and datasets, in one place: commands, the YAML and the API's answers follow it.

An id is one segment of a URL's path and one name of a file. No prefix is demanded: Bright Data has `s_`, `sd_`,
`snap_`, `j_` and others, and may add more.
"""

import re

LONGEST_ID = 200

_QUOTES = "\"'`\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}\
\N{RIGHT SINGLE QUOTATION MARK}"
_USUAL = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_ID}}}")
_NOTHING = frozenset({"null", "none", "nil", "undefined", "nan"})
_ID_IN_TEXT = re.compile(r"(?<![A-Za-z0-9_])(?:s|sd|gd|snap|j|z|r|ucd)_[A-Za-z0-9]{4,60}(?![A-Za-z0-9_])")


def flaw_of_id(text: str, *, quoting: bool = True) -> str | None:
    """Why a text cannot be an id, as a clause with the cure; None if it can be one.

    Args:
        text: what was given for an id.
        quoting: whether the clause may repeat the id that is found inside the text. It may not where the text can
            hold a secret.
    """
    if _USUAL.fullmatch(text) and text.lower() not in _NOTHING:
        return None
    if not text.strip():
        return "it is empty: is the variable set that it came from?"
    if text != text.strip():
        return _around(text)
    if text[0] in _QUOTES or text[-1] in _QUOTES:
        return "there are quotes around it: write it without; `jq -r` prints it so"
    if text.lower() in _NOTHING:
        return f"`{text}` is what `jq` and scripts print for a field that is not there: look at the answer itself"
    inside = _ID_IN_TEXT.findall(text)[-1:] if quoting else []
    if text[0] in "{[":
        found = f", and the id in it is {inside[0]}" if inside else ""
        return f"this is JSON{found}: `jq -r .snapshot_id` prints the id alone"
    if "://" in text:
        return f"this is a URL: its last part is {inside[0]}" if inside else "this is a URL: give the id in it alone"
    if "/" in text or "\\" in text:
        return "an id has no slash in it" + (f": give {inside[0]} alone" if inside else "")
    if text in (".", ".."):
        return "`.` and `..` are folders, not ids"
    if len(text) > LONGEST_ID:
        return f"it has {len(text):,} characters, and an id has at most {LONGEST_ID}"
    if any(char.isspace() for char in text):
        return "an id has no space or line end in it: give several ids as several words"
    if any("\ud800" <= char <= "\udfff" for char in text):
        return "it has bytes in it that are not UTF-8"
    if not text.isprintable():
        return "it has a control character or an invisible one in it: type it again"
    if text.endswith(("\N{HORIZONTAL ELLIPSIS}", "...")):
        return "it was cut off: it ends with an ellipsis"
    return None


def _around(text: str) -> str:
    if text.endswith(("\r", "\r\n")):
        return r"a carriage return stands at its end, from a file with Windows line ends: `tr -d '\r'` takes it out"
    return "there is a space or a line end around it: write it without"
