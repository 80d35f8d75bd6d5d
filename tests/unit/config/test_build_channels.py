"""A channel's section gives its destination, its policy and its templates."""

from collections.abc import Callable
from datetime import UTC, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.config.model import Channel, Config, Template
from notifier.config.values import rates
from notifier.core.delivery.channel_policy import ChannelPolicy, OnUncertain, Quiet

Loader = Callable[..., Config]

SECRET = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def test_the_short_and_the_minimal_long_form_have_every_default(loaded: Loader, root: str) -> None:
    config = loaded("api: {token: t}\nchannels: {a: json://x, b: {url: json://y}}\n")
    assert dict(config.channels) == {"a": Channel(name="a", url="json://x"), "b": Channel(name="b", url="json://y")}
    assert config.channels["a"].policy == ChannelPolicy()
    assert config.keep == timedelta(days=90)


def test_every_key_of_a_channel_becomes_its_policy(loaded: Loader) -> None:
    config = loaded("""\
api: {token: t}
keep: 1d
channels:
  ops: json://x
  a:
    url: json://x
    fallback: ops
    fallback_after: 1h
    pace: 20/m
    quiet: {from: "22:00", to: 7:05, timezone: America/New_York, except: [Failed, empty, failed]}
    on_uncertain: hold
    give_up_after: 1d
""")
    assert config.keep == timedelta(days=1)
    assert config.channels["a"].policy == ChannelPolicy(
        pace=timedelta(seconds=3),
        stretches=False,
        quiet=Quiet(start=time(22), end=time(7, 5), zone=ZoneInfo("America/New_York"), exceptions=("failed", "empty")),
        fallback="ops",
        fallback_after=timedelta(hours=1),
        on_uncertain=OnUncertain.HOLD,
        give_up_after=timedelta(days=1),
    )


def test_quiet_hours_are_in_utc_by_default(loaded: Loader) -> None:
    config = loaded("api: {token: t}\nchannels: {a: {url: json://x, quiet: {from: 00:00, to: 06:00}}}\n")
    assert config.channels["a"].policy.quiet == Quiet(start=time(0), end=time(6), zone=UTC)


def test_a_webhook_is_never_merged_and_its_secrets_have_one_spelling(loaded: Loader) -> None:
    config = loaded(f"""\
api: {{token: t}}
channels:
  one: {{webhook: https://example.com/x, secret: {SECRET}}}
  bare: {{webhook: https://example.com/x, secret: {SECRET.rstrip("=")}}}
  two: {{allow_private: true, pace: 1/s, webhook: 'http://[::1]:80/x',
    secret: [{"QUFB" * 8}, whsec_{SECRET}, {SECRET}]}}
""")
    one, bare, two = config.channels.values()
    assert one.url is None
    assert one.policy == ChannelPolicy(merges=False, stretches=False, pace=timedelta(milliseconds=100))
    assert one.webhook is not None
    assert one.webhook.secrets == (f"whsec_{SECRET}",)
    assert bare.webhook == one.webhook
    assert two.webhook is not None
    assert (two.webhook.url, two.webhook.allow_private) == ("http://[::1]:80/x", True)
    assert two.webhook.secrets == (f"whsec_{'QUFB' * 8}", f"whsec_{SECRET}")
    assert two.policy.pace == timedelta(seconds=1)
    assert not two.policy.stretches


def test_variables_work_in_a_webhook(loaded: Loader) -> None:
    text = (
        "api: {token: t}\nchannels: {a: {webhook: 'https://${HOST}/x', secret: '${SECRET}', allow_private: '${YES}'}}\n"
    )
    webhook = loaded(text, HOST="example.com", YES="true").channels["a"].webhook
    assert webhook is not None
    assert (webhook.url, webhook.allow_private) == ("https://example.com/x", True)
    assert type(webhook.url) is str


def test_own_templates_come_before_general_ones_and_webhooks_have_none(loaded: Loader) -> None:
    config = loaded(f"""\
api: {{token: t}}
templates:
  ready: {{title: general title, body: general body}}
  cancelled: {{title: general title}}
channels:
  plain: json://x
  own:
    url: json://x
    templates:
      Ready: {{title: own title}}
      canceled: {{body: own body}}
      stalled: {{body: own body}}
  hook: {{webhook: https://x.example, secret: {SECRET}}}
""")
    general = {
        "ready": Template(title="general title", body="general body"),
        "canceled": Template(title="general title"),
    }
    assert config.channels["plain"].templates == general
    assert config.channels["own"].templates == {
        "ready": Template(title="own title", body="general body"),
        "canceled": Template(title="general title", body="own body"),
        "stalled": Template(body="own body"),
    }
    assert config.channels["hook"].templates == {}


def test_variables_in_templates_are_interpolated_and_jinja2_is_kept(loaded: Loader, root: str) -> None:
    config = loaded(
        f"{root}templates:\n  ready:\n    title: '{{{{ name }}}} ${{PLAIN}}$${{x}}${{EMPTY}}'\n"
        "    body: |\n      {# one #}\n      {{ records }}\n"
    )
    assert config.channels["team"].templates["ready"] == Template(
        title="{{ name }} plain${x}", body="{# one #}\n{{ records }}\n"
    )


def test_templates_whose_lines_are_all_commented_out_are_none(loaded: Loader) -> None:
    config = loaded("api: {token: t}\ntemplates:\n  # none\nchannels:\n  a:\n    url: json://x\n    templates:\n")
    assert config.channels["a"].templates == {}


@pytest.mark.parametrize(
    ("text", "pause"),
    [("1/s", timedelta(seconds=1)), ("20/m", timedelta(seconds=3)), ("5/h", timedelta(minutes=12)),
     ("7/s", timedelta(microseconds=142857)), ("1000/h", timedelta(seconds=3.6))],
)  # fmt: skip
def test_a_pace_is_the_least_time_between_two_messages(text: str, pause: timedelta) -> None:
    assert rates.parse(text) == pause


@given(st.integers(1, rates.FASTEST), st.sampled_from("smh"))
def test_every_pace_reads_back_as_itself(number: int, unit: str) -> None:
    pause = rates.parse(f"{number}/{unit}")
    assert rates.parse(rates.format_pace(pause)) == pause
