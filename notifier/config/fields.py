"""The types of the values in the YAML: each is what the file says, with its validator of `values`.

A validator is outside of `| None`, so that it sees a key without a value (null) and can refuse it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo

from notifier.config.values import (
    apprise_url,
    durations,
    heartbeat,
    hook_secret,
    listen,
    names,
    public_url,
    text,
    times,
    tokens,
    webhook,
)
from notifier.config.yaml.interpolation import FromEnvironment
from notifier.core.suggestions import did_you_mean


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """The context of a validation: the names of the channels (None: unknown), and the checks of URLs and templates."""

    channels: frozenset[str] | None
    check_url: Callable[[str], str | None]
    check_template: Callable[[str], str | None]


def _known_channel(value: object, info: ValidationInfo) -> str:
    name = names.channel_name(value)
    context = info.context
    assert isinstance(context, Context)
    if context.channels is None or name in context.channels:
        return name
    assert isinstance(value, str)
    missing = f"there is no channel {text.shown(value)}"
    if not context.channels:
        raise ValueError(f"{missing}: `channels:` has none yet")
    hint = did_you_mean(name, context.channels) or f"; there are {_some(context.channels)}"
    raise ValueError(f"{missing}{hint}")


def _some(names: frozenset[str]) -> str:
    first = sorted(names)[:10]
    return ", ".join(first) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def checked_url(value: object, info: ValidationInfo) -> str:
    """Validate the Apprise URL of a channel."""
    url = apprise_url.channel_url(value)
    context = info.context
    assert isinstance(context, Context)
    if reason := context.check_url(url):
        raise ValueError(reason)
    return url


def _checked_template(value: object, info: ValidationInfo) -> str:
    source = text.template(value)
    context = info.context
    assert isinstance(context, Context)
    if context.check_template(source) is None:
        return source
    # The reason is about the text in the file: it may quote the text, and variables may be secrets.
    written = value.written if isinstance(value, FromEnvironment) else source
    reason = context.check_template(written) or "with its variables interpolated this is not a valid template"
    raise ValueError(" ".join(reason.split()))


def other_than_start(value: time, info: ValidationInfo) -> time:
    """Refuse quiet hours that end when they start."""
    if value == info.data.get("start"):
        raise ValueError("quiet hours cannot end when they start: write another time")
    return value


def given(value: object) -> object:
    """Refuse a key without a value."""
    if value is None:
        raise ValueError("this key has no value: give it one, or remove it")
    return value


def one_as_list(value: object) -> object:
    """Take a text as a list of one, and refuse a key without a value."""
    return [value] if isinstance(value, str) else given(value)


def nothing_as_list(value: object) -> object:
    """Take no value as an empty list, and a text as a list of one."""
    return [] if value is None else one_as_list(value)


def nothing_as_mapping(value: object) -> object:
    """Take no value as an empty mapping."""
    return {} if value is None else value


def only_a_folder(value: object) -> object:
    """Take a text as `folder:`."""
    return {"folder": value} if isinstance(value, str) else given(value)


def only_an_address(value: object) -> object:
    """Take a text as `listen:`."""
    return value if isinstance(value, dict | list) else {"listen": given(value)}


def only_a_url(value: object) -> object:
    """Take a text as `url:`."""
    return {"url": value} if isinstance(value, str) else given(value)


def short_form(value: object) -> object:
    """Take a text, or nothing, as `url:`."""
    return {"url": value} if value is None or isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(text.text)]
OptionalText = Annotated[str | None, BeforeValidator(text.text)]
Name = Annotated[str, BeforeValidator(text.name)]
OptionalName = Annotated[str | None, BeforeValidator(text.name)]
OptionalToken = Annotated[str | None, BeforeValidator(tokens.token)]
OptionalId = Annotated[str | None, BeforeValidator(names.snapshot_id)]
Duration = Annotated[timedelta, BeforeValidator(durations.duration)]
OptionalDuration = Annotated[timedelta | None, BeforeValidator(durations.duration)]
Off = Literal["off"]
DurationOrOff = Annotated[timedelta | Off, BeforeValidator(durations.duration_or_off)]
OptionalDurationOrOff = Annotated[timedelta | Off | None, BeforeValidator(durations.duration_or_off)]
KnownChannel = Annotated[str, BeforeValidator(_known_channel)]
OptionalChannel = Annotated[str | None, BeforeValidator(_known_channel)]
EventWord = Annotated[str, BeforeValidator(names.event_word)]
OptionalNotify = Annotated[list[KnownChannel] | None, Field(min_length=1), BeforeValidator(one_as_list)]
On = Annotated[list[EventWord], Field(min_length=1), BeforeValidator(one_as_list)]
OptionalOn = Annotated[list[EventWord] | None, Field(min_length=1), BeforeValidator(one_as_list)]
OptionalWebhook = Annotated[str | None, BeforeValidator(webhook.address)]
Secret = Annotated[str, BeforeValidator(webhook.secret)]
HookSecret = Annotated[str, BeforeValidator(hook_secret.secret)]
HookSecrets = Annotated[list[HookSecret], Field(min_length=1), BeforeValidator(one_as_list)]
OptionalSecrets = Annotated[list[Secret] | None, Field(min_length=1), BeforeValidator(one_as_list)]
TimeOfDay = Annotated[time, BeforeValidator(times.time_of_day)]
ListenAddress = Annotated[str, BeforeValidator(listen.address)]
OptionalPageToken = Annotated[str | None, BeforeValidator(tokens.page_token)]
OptionalPublicUrl = Annotated[str | None, BeforeValidator(public_url.public_url)]
PingUrl = Annotated[str, BeforeValidator(heartbeat.address)]
PingEvery = Annotated[timedelta, BeforeValidator(heartbeat.every)]
OptionalTemplate = Annotated[str | None, BeforeValidator(_checked_template)]
Labels = Annotated[dict[Name, Name], BeforeValidator(nothing_as_mapping)]
