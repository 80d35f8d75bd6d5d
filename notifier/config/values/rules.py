"""The rules for single values. Each takes what the YAML has and gives what it means, or raises ValueError with the
cure. Texts never repeat a value that may be a secret: no URL, no token, nothing that came from the environment.
"""

import difflib
import functools
import ipaddress
import re
from datetime import timedelta
from typing import Literal
from urllib.parse import urlsplit

from notifier.config.values import durations
from notifier.config.yaml.interpolation import FromEnvironment
from notifier.core.snapshot.ids import flaw_of_id

LONGEST_TEXT = 200
LONGEST_TOKEN = 4096
SHORTEST_KEEP = timedelta(days=1)
MOST_REQUESTS_PER_SECOND = 1_000_000

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UNPRINTABLE_IN_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_TOKEN = re.compile(r"[\x21-\x7e]+")
_CHANNEL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_EVENT_WORD = re.compile(r"[a-z0-9_:-]{1,100}")
_SCHEME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*://")
_SECOND_URL = re.compile(r"[\s,;]+[A-Za-z][A-Za-z0-9+.-]*://")
_UNWANTED_OPTIONS = {
    "retry": "notifier tries again by itself, for three days and without blocking",
    "wait": "notifier spaces its tries itself",
    "optional": "it would report a failed delivery as a success",
}


def kind(value: object) -> str:
    """What a value of the YAML is, in one or two words."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "a mapping"


def shown(value: str) -> str:
    """The value as an error may quote it: as the file has it, shortened; a URL is not shown."""
    written = value.written if isinstance(value, FromEnvironment) else value
    if "://" in written:
        return "(a URL)"
    printable = _UNPRINTABLE.sub("?", written)
    return f"'{printable[:60]}{'…' if len(printable) > 60 else ''}'"


@functools.lru_cache
def did_you_mean(word: str, known: frozenset[str]) -> str:
    """The known word that is nearest, as the end of a sentence: `; did you mean 'x'?`, or nothing."""
    by_lower = {name.lower(): name for name in sorted(known)}
    near = difflib.get_close_matches(word[:100].lower(), by_lower, n=1, cutoff=0.6)
    return f"; did you mean '{by_lower[near[0]]}'?" if near else ""


def text(value: object) -> str:
    """Text on one line, not empty."""
    checked = lines(value)
    if _UNPRINTABLE.search(checked):
        raise ValueError("a line break or a control character is in this text: write it on one line")
    return checked


def lines(value: object) -> str:
    """Text, not empty."""
    if value is None:
        raise ValueError("this key has no value: give it one, or take it out")
    if isinstance(value, bool | int | float):
        raise ValueError(f"text is expected here, and YAML reads this as {kind(value)}: put it in quotes")
    if not isinstance(value, str):
        raise ValueError(f"text is expected here, not {kind(value)}")
    if not value.strip():
        raise ValueError("empty: give it a value, or take the key out")
    return value


def template(value: object) -> str:
    """The source of a template, as far as it can be judged without Jinja2. It may have many lines."""
    checked = lines(value)
    if _UNPRINTABLE_IN_LINES.search(checked):
        raise ValueError("a control character is in this text: take it out")
    return checked


def true_or_false(value: object) -> bool:
    """A boolean; as a text too, so that it can come from a variable."""
    if isinstance(value, FromEnvironment) and value in ("true", "false"):
        return value == "true"
    if not isinstance(value, bool):
        raise ValueError(f"`true` or `false` is expected here, not {kind(value)}")
    return value


def name(value: object) -> str:
    """A short text for people."""
    checked = str(text(value)).strip()
    if len(checked) > LONGEST_TEXT:
        raise ValueError(f"longer than {LONGEST_TEXT} characters")
    return checked


def snapshot_id(value: object) -> str:
    """An id that can be one segment of a path, as the API's addresses and the status page's need it."""
    checked = str(lines(value))
    if flaw := flaw_of_id(checked, quoting=not isinstance(value, FromEnvironment)):
        raise ValueError(f"this cannot be an id: {flaw}")
    return checked


def duration(value: object) -> timedelta:
    """A duration such as `30s`."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        cure = f"write `{value}s`" if isinstance(value, int) and 0 < value < 10**6 else "write `30s`"
        raise ValueError(f"a duration needs its unit: {cure}")
    checked = text(value)
    try:
        return durations.parse(checked.strip())
    except ValueError as error:
        raise ValueError(f"{shown(checked)}: {error}") from None


def duration_or_off(value: object) -> timedelta | Literal["off"]:
    """A duration such as `24h`, or `off`."""
    if value is False:
        raise ValueError("write `off`, or a duration such as `24h`")
    return "off" if value == "off" else duration(value)


def folder(value: object) -> str:
    """The path of a folder."""
    checked = str(text(value)).strip()
    if "://" in checked:
        raise ValueError("a folder of this machine is expected here, not a URL: write its path")
    if checked.startswith("~"):
        raise ValueError("`~` means nothing here: write the whole path, `/home/…`")
    return checked


def keep(value: object) -> timedelta:
    """How long what has ended is remembered."""
    checked = duration(value)
    if checked < SHORTEST_KEEP:
        raise ValueError(f"too short to look anything up in: the shortest is `{SHORTEST_KEEP.days}d`")
    return checked


def requests_per_second(value: object) -> float:
    """A number above 0; as a text too, so that it can come from a variable."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise ValueError("a number is expected here, as in `10`") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"a number is expected here, as in `10`, not {kind(value)}")
    if not 0 < value <= MOST_REQUESTS_PER_SECOND:  # Nor is NaN in between.
        raise ValueError(f"a number above 0 and up to {MOST_REQUESTS_PER_SECOND} is expected here")
    return float(value)


def token(value: object) -> str:
    """An API token: printable ASCII without spaces."""
    checked = str(text(value))
    if not _TOKEN.fullmatch(checked):
        raise ValueError("a token has only printable ASCII characters and no spaces: is it copied whole and alone?")
    if len(checked) > LONGEST_TOKEN:
        raise ValueError(f"longer than {LONGEST_TOKEN} characters, which no token is")
    return checked


def base_url(value: object) -> str:
    """The address of the API, without a slash at its end."""
    checked = str(text(value))
    try:
        parts = urlsplit(checked)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("not a URL: write it as `https://api.brightdata.com`") from None
    if parts.scheme not in ("http", "https") or not host or any(char.isspace() for char in checked):
        raise ValueError("an http or https URL is expected here, as in `https://api.brightdata.com`")
    if "@" in parts.netloc:
        raise ValueError("a user or a password cannot stand in this URL: the token goes into `api.token`")
    if "?" in checked or "#" in checked:
        raise ValueError("this URL ends with its path: take out the `?` or `#` and what follows")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError("over http:// the token would travel in clear: write https:// (http:// is for loopback only)")
    return checked.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def state(value: object) -> str:
    """The path of the SQLite file in `sqlite:///PATH`."""
    checked = str(text(value))
    if checked.startswith(("postgresql://", "postgres://", "postgresql+")):
        raise ValueError("PostgreSQL is not supported yet: write `sqlite:///notifier.db`")
    if not checked.startswith("sqlite:///"):
        raise ValueError("write `sqlite:///notifier.db` (relative to this file) or `sqlite:////var/lib/…` (absolute)")
    path = checked.removeprefix("sqlite:///")
    if path == ":memory:" or path.startswith("file:"):
        raise ValueError("the state must outlive a restart: name a file, as in `sqlite:///notifier.db`")
    if not path or path.endswith(("/", "/.", "/..")) or path in (".", ".."):
        raise ValueError("the name of the file is missing: write `sqlite:///notifier.db`")
    if "?" in path or "#" in path:
        raise ValueError("options cannot stand here: write only the path of the file")
    if path.startswith("~"):
        raise ValueError("`~` means nothing here: write the whole path, `sqlite:////home/…`")
    return path


def channel_name(value: object) -> str:
    """The name of a channel."""
    checked = str(text(value))
    if "://" in checked:
        raise ValueError("a URL cannot stand here: give it a name under `channels:` and write that name")
    if not _CHANNEL_NAME.fullmatch(checked):
        raise ValueError("the name of a channel has only letters, digits, `_`, `.` and `-` (at most 100)")
    return checked


def event_word(value: object) -> str:
    """The name of an event, in lower case. Any word may be one: the API's statuses are not a closed list."""
    checked = str(text(value)).lower()
    if not _EVENT_WORD.fullmatch(checked):
        raise ValueError("the name of an event is one word, as in `ready`: letters, digits, `_`, `:` and `-`")
    return checked


def channel_url(value: object) -> str:
    """An Apprise URL, as far as it can be judged without Apprise."""
    checked = str(text(value)).strip()
    if not _SCHEME.match(checked):
        raise ValueError("an Apprise URL is expected here, as in `slack://…` or `mailtos://…`")
    if _SECOND_URL.search(checked):
        raise ValueError("there are two URLs here: a channel has one, so make two channels")
    for option in re.split("[&;]", checked.partition("?")[2]):
        if why := _UNWANTED_OPTIONS.get(key := option.partition("=")[0].strip().lower()):
            raise ValueError(f"take `{key}=` out of the URL: {why}")
    return checked
