"""Resolves plain YAML scalars by the core schema of YAML 1.2.

PyYAML implements 1.1, where the key `on` is a boolean, `22:00` the number 1320 and `no` false. Editors and users expect
1.2 (https://yaml.org/spec/1.2.2/#103-core-schema): only `true` and `false` are booleans, and there are no times. So
PyYAML parses the syntax only, and its resolvers are not used.
"""

import re

Value = str | int | float | bool | None

_CONSTANTS: dict[str, Value] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **{sign + word: float(f"{sign}inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
}
_NUMERIC_START = frozenset("+-.0123456789")
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_LONGEST_NUMBER = 100
"""Longer numbers are text: no option is that long, and Python refuses to parse very long integers."""


def resolve(text: str) -> Value:
    """Return the value of a plain scalar, which has no quotes."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in _NUMERIC_START or len(text) > _LONGEST_NUMBER:
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text) or _HEX.fullmatch(text):
        return int(text, 0)
    return float(text) if _FLOAT.fullmatch(text) else text
