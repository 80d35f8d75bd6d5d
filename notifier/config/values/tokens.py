"""The token of the API, and that of the status page."""

import re

from notifier.config.values.text import text
from notifier.config.yaml.interpolation import is_unset

LONGEST_TOKEN = 4096
SHORTEST_PAGE_TOKEN = 16
_TOKEN = re.compile(r"[\x21-\x7e]+")


def token(value: object) -> str:
    """Validate an API token: printable ASCII without spaces."""
    checked = str(text(value))
    if not _TOKEN.fullmatch(checked):
        raise ValueError(
            "a token has only printable ASCII characters and no spaces: check that it was copied completely"
        )
    if len(checked) > LONGEST_TOKEN:
        raise ValueError(f"longer than {LONGEST_TOKEN} characters, which is too long for a token")
    return checked


def page_token(value: object) -> str:
    """Validate the token for requests to the status page."""
    checked = token(value)
    if len(checked) < SHORTEST_PAGE_TOKEN and not is_unset(value):
        raise ValueError(
            f"shorter than {SHORTEST_PAGE_TOKEN} characters, and easy to guess: make one with `openssl rand -hex 16`"
        )
    return checked
