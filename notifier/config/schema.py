"""The schema of the YAML: its sections and keys, each with its validator of `values`.

The models have the values of the files, with the defaults of single keys; `build` makes the frozen `Config` from them.
`checks` has the rules across several values. The docstrings of the models are the descriptions in the JSON Schema.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

from notifier.config.values import (
    api,
    apprise_url,
    durations,
    heartbeat,
    listen,
    names,
    paths,
    public_url,
    rates,
    text,
    times,
    tokens,
    webhook,
)
from notifier.config.yaml.interpolation import FromEnvironment
from notifier.core.delivery.channel_policy import ChannelPolicy
from notifier.core.snapshot.model import EXPIRING_BEFORE, RESULTS_KEPT
from notifier.core.suggestions import did_you_mean

_POLICY = ChannelPolicy()


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


def _checked_url(value: object, info: ValidationInfo) -> str:
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


def _other_than_start(value: time, info: ValidationInfo) -> time:
    if value == info.data.get("start"):
        raise ValueError("quiet hours cannot end when they start: write another time")
    return value


def _given(value: object) -> object:
    if value is None:
        raise ValueError("this key has no value: give it one, or remove it")
    return value


def _one_as_list(value: object) -> object:
    return [value] if isinstance(value, str) else _given(value)


def _nothing_as_list(value: object) -> object:
    return [] if value is None else _one_as_list(value)


def _nothing_as_mapping(value: object) -> object:
    return {} if value is None else value


def _only_a_folder(value: object) -> object:
    return {"folder": value} if isinstance(value, str) else _given(value)


def _only_an_address(value: object) -> object:
    return value if isinstance(value, dict | list) else {"listen": _given(value)}


def _only_a_url(value: object) -> object:
    return {"url": value} if isinstance(value, str) else _given(value)


def _short_form(value: object) -> object:
    return {"url": value} if value is None or isinstance(value, str) else value


# A validator is outside of `| None`, so that it sees a key without a value (null) and can refuse it.
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
OptionalNotify = Annotated[list[KnownChannel] | None, Field(min_length=1), BeforeValidator(_one_as_list)]
On = Annotated[list[EventWord], Field(min_length=1), BeforeValidator(_one_as_list)]
OptionalOn = Annotated[list[EventWord] | None, Field(min_length=1), BeforeValidator(_one_as_list)]
OptionalWebhook = Annotated[str | None, BeforeValidator(webhook.address)]
Secret = Annotated[str, BeforeValidator(webhook.secret)]
OptionalSecrets = Annotated[list[Secret] | None, Field(min_length=1), BeforeValidator(_one_as_list)]
TimeOfDay = Annotated[time, BeforeValidator(times.time_of_day)]
ListenAddress = Annotated[str, BeforeValidator(listen.address)]
OptionalPageToken = Annotated[str | None, BeforeValidator(tokens.page_token)]
OptionalPublicUrl = Annotated[str | None, BeforeValidator(public_url.public_url)]
PingUrl = Annotated[str, BeforeValidator(heartbeat.address)]
PingEvery = Annotated[timedelta, BeforeValidator(heartbeat.every)]
OptionalTemplate = Annotated[str | None, BeforeValidator(_checked_template)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ApiSection(_Section):
    """`api:`"""

    token: OptionalToken = None
    token_file: OptionalText = None
    base_url: Annotated[str, BeforeValidator(api.base_url)] = "https://api.brightdata.com"
    requests_per_second: Annotated[float, BeforeValidator(api.requests_per_second)] = 10.0
    timeout: Duration = timedelta(seconds=10)
    batch: Literal["auto", "never"] = "auto"


class QuietSection(_Section):
    """A channel's `quiet:`."""

    start: TimeOfDay = Field(alias="from")
    end: Annotated[TimeOfDay, AfterValidator(_other_than_start)] = Field(alias="to")
    timezone: Annotated[str, BeforeValidator(times.zone_name)] = "UTC"
    exceptions: OptionalOn = Field(default=None, alias="except")


class TemplateSection(_Section):
    """One entry of `templates:`."""

    title: OptionalTemplate = None
    body: OptionalTemplate = None

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if self.title is None and self.body is None:
            raise ValueError("a template needs a `title:`, a `body:` or both")
        return self


Templates = Annotated[dict[EventWord, TemplateSection], BeforeValidator(_nothing_as_mapping)]


class ChannelSection(_Section):
    """One entry of `channels:`, in its long form; a text alone is its URL."""

    url: Annotated[str | None, BeforeValidator(_checked_url)] = None
    webhook: OptionalWebhook = None
    secret: OptionalSecrets = None
    allow_private: Annotated[bool, BeforeValidator(text.true_or_false)] = False
    fallback: OptionalChannel = None
    fallback_after: Duration = _POLICY.fallback_after
    pace: Annotated[timedelta | None, BeforeValidator(rates.pace)] = None
    quiet: Annotated[QuietSection | None, BeforeValidator(_given)] = None
    on_uncertain: Literal["resend", "hold"] = _POLICY.on_uncertain.value
    give_up_after: Duration = _POLICY.give_up_after
    templates: Templates = {}


class DefaultsSection(_Section):
    """`defaults:`, the default options of watches."""

    every: Duration = timedelta(seconds=30)
    notify: OptionalNotify = None
    on: On = ["ready", "failed", "canceled", "stalled", "missing"]
    stalled_after: DurationOrOff = timedelta(hours=24)
    results_kept: Duration = RESULTS_KEPT
    expiring_before: Duration = EXPIRING_BEFORE


class DownloadSection(_Section):
    """A watch's `download:`, in its long form; a text alone is the folder."""

    folder: Annotated[str, BeforeValidator(paths.folder)]
    format: Literal["json", "ndjson", "jsonl", "csv"] = "json"


class WatchSection(_Section):
    """One entry of `watches:`: a `snapshot:` or a `dataset:`."""

    snapshot: OptionalId = None
    dataset: OptionalId = None
    id: OptionalId = None
    name: OptionalName = None
    notify: OptionalNotify = None
    on: OptionalOn = None
    every: OptionalDuration = None
    stalled_after: OptionalDurationOrOff = None
    results_kept: OptionalDuration = None
    expiring_before: OptionalDuration = None
    download: Annotated[DownloadSection | None, BeforeValidator(_only_a_folder)] = None
    labels: Annotated[dict[Name, Name], BeforeValidator(_nothing_as_mapping)] = {}


class HttpSection(_Section):
    """`http:`, in its long form; a text alone is the address."""

    listen: ListenAddress = listen.DEFAULT
    token: OptionalPageToken = None
    public_url: OptionalPublicUrl = None

    @model_validator(mode="after")
    def _is_guarded(self) -> Self:
        if self.token is None and self.listen != listen.OFF and not listen.is_loopback(listen.parse(self.listen)[0]):
            raise ValueError(
                "other machines can reach this address: write it under `listen:`, with `token: ${NOTIFIER_HTTP_TOKEN}` "
                f"beside it, or listen on `{listen.DEFAULT}`"
            )
        return self


class HeartbeatSection(_Section):
    """`heartbeat:`, in its long form; a text alone is the URL."""

    url: PingUrl
    every: PingEvery = timedelta(minutes=1)


Watches = Annotated[list[WatchSection], BeforeValidator(_nothing_as_list)]
Channels = Annotated[
    dict[
        Annotated[str, BeforeValidator(names.channel_name)],
        Annotated[ChannelSection, BeforeValidator(_short_form)],
    ],
    BeforeValidator(_nothing_as_mapping),
]


class MainFile(_Section):
    """The main file."""

    api: Annotated[ApiSection, BeforeValidator(_nothing_as_mapping)] = ApiSection()
    state: Annotated[str, BeforeValidator(paths.state)] = "notifier.db"
    http: Annotated[HttpSection, BeforeValidator(_only_an_address)] = HttpSection()
    heartbeat: Annotated[HeartbeatSection | None, BeforeValidator(_only_a_url)] = None
    operators: Annotated[list[KnownChannel], BeforeValidator(_nothing_as_list)] = []
    channels: Channels = {}
    templates: Templates = {}
    defaults: Annotated[DefaultsSection, BeforeValidator(_nothing_as_mapping)] = DefaultsSection()
    watches: Watches = []
    keep: Annotated[timedelta, BeforeValidator(durations.keep)] = timedelta(days=90)
    include: Annotated[list[Text], BeforeValidator(_nothing_as_list)] = []


class IncludedFile(_Section):
    """A file that `include:` names."""

    watches: Watches = []
