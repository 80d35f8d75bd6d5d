"""Prints the description of the API for docs/openapi.json: `python -m notifier.web.api.published`."""

import json
import sys
from typing import cast

from notifier.web.api.application import routes
from notifier.web.api.openapi import document
from notifier.web.sources import WebSources

_NONE = cast(WebSources, None)
"""Routes ask their sources only when they answer."""


def published() -> str:
    """Return the description as it is where a token is asked for."""
    return json.dumps(document(routes(_NONE).routes, secured=True), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(published())
