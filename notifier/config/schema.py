"""The schema of the YAML: its sections and keys, each with its type of `fields`.

The models have the values of the files, with the defaults of single keys; `build` makes the frozen `Config` from them.
`checks` has the rules across several values. The docstrings of the models are the descriptions in the JSON Schema.
"""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from notifier.config.fields import (
    Duration,
    DurationOrOff,
    EventWord,
    HookSecrets,
    KnownChannel,
    Labels,
    ListenAddress,
    On,
    OptionalChannel,
    OptionalDuration,
    OptionalDurationOrOff,
    OptionalId,
    OptionalName,
    OptionalNotify,
    OptionalOn,
    OptionalPageToken,
    OptionalPublicUrl,
    OptionalSecrets,
    OptionalTemplate,
    OptionalText,
    OptionalToken,
    OptionalWebhook,
    PingEvery,
    PingUrl,
    Text,
    TimeOfDay,
    checked_url,
    given,
    nothing_as_list,
    nothing_as_mapping,
    only_a_folder,
    only_a_url,
    only_an_address,
    other_than_start,
    short_form,
)
from notifier.config.values import api, durations, listen, names, paths, rates, text, times
from notifier.core.delivery.channel_policy import ChannelPolicy
from notifier.core.snapshot.model import EXPIRING_BEFORE, RESULTS_KEPT

_POLICY = ChannelPolicy()


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
    end: Annotated[TimeOfDay, AfterValidator(other_than_start)] = Field(alias="to")
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


Templates = Annotated[dict[EventWord, TemplateSection], BeforeValidator(nothing_as_mapping)]


class ChannelSection(_Section):
    """One entry of `channels:`, in its long form; a text alone is its URL."""

    url: Annotated[str | None, BeforeValidator(checked_url)] = None
    webhook: OptionalWebhook = None
    secret: OptionalSecrets = None
    allow_private: Annotated[bool, BeforeValidator(text.true_or_false)] = False
    fallback: OptionalChannel = None
    fallback_after: Duration = _POLICY.fallback_after
    pace: Annotated[timedelta | None, BeforeValidator(rates.pace)] = None
    quiet: Annotated[QuietSection | None, BeforeValidator(given)] = None
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


OptionalDownload = Annotated[DownloadSection | None, BeforeValidator(only_a_folder)]


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
    download: OptionalDownload = None
    labels: Labels = {}


class HooksSection(_Section):
    """`hooks:`, and the options of the snapshots that they name and nobody watches."""

    secret: HookSecrets
    adopt: Annotated[bool, BeforeValidator(text.true_or_false)] = False
    notify: OptionalNotify = None
    on: OptionalOn = None
    every: OptionalDuration = None
    stalled_after: OptionalDurationOrOff = None
    results_kept: OptionalDuration = None
    expiring_before: OptionalDuration = None
    download: OptionalDownload = None
    labels: Labels = {}


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


Watches = Annotated[list[WatchSection], BeforeValidator(nothing_as_list)]
Channels = Annotated[
    dict[
        Annotated[str, BeforeValidator(names.channel_name)],
        Annotated[ChannelSection, BeforeValidator(short_form)],
    ],
    BeforeValidator(nothing_as_mapping),
]


class MainFile(_Section):
    """The main file."""

    api: Annotated[ApiSection, BeforeValidator(nothing_as_mapping)] = ApiSection()
    state: Annotated[str, BeforeValidator(paths.state)] = "notifier.db"
    http: Annotated[HttpSection, BeforeValidator(only_an_address)] = HttpSection()
    hooks: Annotated[HooksSection | None, BeforeValidator(given)] = None
    heartbeat: Annotated[HeartbeatSection | None, BeforeValidator(only_a_url)] = None
    operators: Annotated[list[KnownChannel], BeforeValidator(nothing_as_list)] = []
    channels: Channels = {}
    templates: Templates = {}
    defaults: Annotated[DefaultsSection, BeforeValidator(nothing_as_mapping)] = DefaultsSection()
    watches: Watches = []
    keep: Annotated[timedelta, BeforeValidator(durations.keep)] = timedelta(days=90)
    include: Annotated[list[Text], BeforeValidator(nothing_as_list)] = []


class IncludedFile(_Section):
    """A file that `include:` names."""

    watches: Watches = []
