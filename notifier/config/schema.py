"""The shape of the YAML: its sections and keys, each bound to its rule in `values`.

The models hold what the files say, with the defaults of single keys; `build` makes the frozen `Config` of them.
What needs to know of more than one value is in `crosscheck`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from notifier.config import values


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What values are checked against: the names of the channels (None: unknown), and Apprise's opinion of a URL."""

    channels: frozenset[str] | None
    check_url: Callable[[str], str | None]


def _known_channel(value: object, info: ValidationInfo) -> str:
    name = values.channel_name(value)
    context = info.context
    assert isinstance(context, Context)
    if context.channels is None or name in context.channels:
        return name
    assert isinstance(value, str)
    missing = f"there is no channel {values.shown(value)}"
    if not context.channels:
        raise ValueError(f"{missing}: `channels:` has none yet")
    hint = values.did_you_mean(name, context.channels) or f"; there are {_some(context.channels)}"
    raise ValueError(f"{missing}{hint}")


def _some(names: frozenset[str]) -> str:
    first = sorted(names)[:10]
    return ", ".join(first) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _checked_url(value: object, info: ValidationInfo) -> str:
    url = values.channel_url(value)
    context = info.context
    assert isinstance(context, Context)
    if reason := context.check_url(url):
        raise ValueError(reason)
    return url


def _one_as_list(value: object) -> object:
    if value is None:
        raise ValueError("this key has no value: give it one, or take it out")
    return [value] if isinstance(value, str) else value


def _nothing_as_list(value: object) -> object:
    return [] if value is None else _one_as_list(value)


def _nothing_as_mapping(value: object) -> object:
    return {} if value is None else value


def _short_form(value: object) -> object:
    return {"url": value} if value is None or isinstance(value, str) else value


# A rule stands outside of `| None`, so that it sees a key without a value (null) and can say so.
Text = Annotated[str, BeforeValidator(values.text)]
OptionalText = Annotated[str | None, BeforeValidator(values.text)]
Name = Annotated[str, BeforeValidator(values.name)]
OptionalName = Annotated[str | None, BeforeValidator(values.name)]
OptionalToken = Annotated[str | None, BeforeValidator(values.token)]
SnapshotId = Annotated[str, BeforeValidator(values.snapshot_id)]
OptionalId = Annotated[str | None, BeforeValidator(values.snapshot_id)]
Duration = Annotated[timedelta, BeforeValidator(values.duration)]
OptionalDuration = Annotated[timedelta | None, BeforeValidator(values.duration)]
KnownChannel = Annotated[str, BeforeValidator(_known_channel)]
EventWord = Annotated[str, BeforeValidator(values.event_word)]
OptionalNotify = Annotated[list[KnownChannel] | None, Field(min_length=1), BeforeValidator(_one_as_list)]
On = Annotated[list[EventWord], Field(min_length=1), BeforeValidator(_one_as_list)]
OptionalOn = Annotated[list[EventWord] | None, Field(min_length=1), BeforeValidator(_one_as_list)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ApiSection(_Section):
    """`api:`"""

    token: OptionalToken = None
    token_file: OptionalText = None
    base_url: Annotated[str, BeforeValidator(values.base_url)] = "https://api.brightdata.com"
    requests_per_second: Annotated[float, BeforeValidator(values.requests_per_second)] = 10.0
    timeout: Duration = timedelta(seconds=10)


class ChannelSection(_Section):
    """One entry of `channels:`, in its long form; a text alone is its URL."""

    url: Annotated[str, BeforeValidator(_checked_url)]


class DefaultsSection(_Section):
    """`defaults:`: what a watch has when it does not say otherwise."""

    every: Duration = timedelta(seconds=30)
    notify: OptionalNotify = None
    on: On = ["ready", "failed", "canceled", "stalled", "missing"]
    stalled_after: Duration = timedelta(hours=24)


class WatchSection(_Section):
    """One entry of `watches:`."""

    snapshot: SnapshotId
    id: OptionalId = None
    name: OptionalName = None
    notify: OptionalNotify = None
    on: OptionalOn = None
    every: OptionalDuration = None
    stalled_after: OptionalDuration = None
    labels: Annotated[dict[Name, Name], BeforeValidator(_nothing_as_mapping)] = {}


Watches = Annotated[list[WatchSection], BeforeValidator(_nothing_as_list)]
Channels = Annotated[
    dict[
        Annotated[str, BeforeValidator(values.channel_name)],
        Annotated[ChannelSection, BeforeValidator(_short_form)],
    ],
    BeforeValidator(_nothing_as_mapping),
]


class MainFile(_Section):
    """The main file."""

    api: Annotated[ApiSection, BeforeValidator(_nothing_as_mapping)] = ApiSection()
    state: Annotated[str, BeforeValidator(values.state)] = "notifier.db"
    http: Literal["off"] = "off"
    operators: Annotated[list[KnownChannel], BeforeValidator(_nothing_as_list)] = []
    channels: Channels = {}
    defaults: Annotated[DefaultsSection, BeforeValidator(_nothing_as_mapping)] = DefaultsSection()
    watches: Watches = []
    include: Annotated[list[Text], BeforeValidator(_nothing_as_list)] = []


class IncludedFile(_Section):
    """A file that `include:` names."""

    watches: Watches = []
