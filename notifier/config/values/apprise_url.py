"""The Apprise URL of a channel, as far as it can be checked without importing Apprise.

`channels.apprise.url_check` adds what only Apprise knows.
"""

import re
from urllib.parse import unquote_plus

from notifier.config.values.text import text

_SCHEME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*://")
_SECOND_URL = re.compile(r"[\s,;]+[A-Za-z0-9][A-Za-z0-9+.-]*://")
_UNWANTED_OPTIONS = {
    "retry": "notifier tries again by itself, for three days and without blocking",
    "wait": "notifier spaces its tries itself",
    "optional": "it would report a failed delivery as a success",
}


def channel_url(value: object) -> str:
    """Validate an Apprise URL, as far as possible without Apprise."""
    checked = str(text(value)).strip()
    if not _SCHEME.match(checked):
        raise ValueError("an Apprise URL is expected here, as in `slack://…` or `mailtos://…`")
    if _SECOND_URL.search(checked):
        raise ValueError("there are two URLs here: a channel has one, so add a second channel")
    for option in re.split("[&;]", checked.partition("?")[2]):
        if why := _UNWANTED_OPTIONS.get(key := unquote_plus(option.partition("=")[0]).strip().lower()):
            raise ValueError(f"remove `{key}=` from the URL: {why}")
    return checked
