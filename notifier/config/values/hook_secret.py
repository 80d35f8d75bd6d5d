"""The secret of `hooks:`, the last part of the path that Bright Data posts to."""

import re

from notifier.config.values.text import text
from notifier.config.yaml.interpolation import is_unset

SHORTEST = 24
LONGEST = 200

_CHARACTERS = re.compile(r"[A-Za-z0-9_-]+")
_MAKE_ONE = "make one with `openssl rand -hex 24`"


def secret(value: object) -> str:
    """Validate a secret: characters that a URL takes as they are, and enough of them that it cannot be guessed."""
    if is_unset(value):
        return str(value)
    checked = str(text(value)).strip()
    if not _CHARACTERS.fullmatch(checked):
        raise ValueError(f"a part of a URL is expected here, of letters, digits, `-` and `_` only: {_MAKE_ONE}")
    if len(checked) < SHORTEST:
        raise ValueError(f"shorter than {SHORTEST} characters, and easy to guess: {_MAKE_ONE}")
    if len(checked) > LONGEST:
        raise ValueError(f"longer than {LONGEST} characters: {_MAKE_ONE}")
    return checked
