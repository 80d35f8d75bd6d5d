# ruff: noqa: E501 (in the tables, one row is one rule)
"""Errors of channels, quiet hours and templates, exactly as users read them."""

import zoneinfo
from collections.abc import Callable

import pytest

from notifier.config.values import times

Refusal = Callable[..., list[str]]

SECRET = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
MAKE_ONE = "make one with `openssl rand -base64 32`"
NO_VALUE = "this key has no value: give it one, or remove it"
EMPTY = "empty: give it a value, or remove the key"
EMPTY_LIST = "an empty list: name at least one, or remove the key"
TEXT = "text is expected here, and YAML reads this as "
A_MAPPING = "a mapping (lines of `key: value`) is expected here, not "
BOTH = "`url` and `webhook` are both given: keep one of them, or make two channels"
HTTPS = "an https URL is expected here, as in `https://example.com/hooks/snapshots`"
HTTP = "http:// sends messages unencrypted: write https:// (http:// is for receivers in your own network only, with `allow_private: true`)"
NO_HOST = "the host is missing or invalid: write the URL as `https://example.com/hooks/snapshots`"
NOT_A_URL = "not a URL: write it as `https://example.com/hooks/snapshots`"
NO_USER = "a user or a password is not allowed in this URL: the `secret` signs what is sent"
NOT_A_PACE = "not a pace: write how many messages in a second, a minute or an hour: `1/s`, `20/m` or `5/h`"
PACE_RANGE = "a pace is between 1 and 1000 messages, as in `1/s`, `20/m` or `5/h`"
NOT_A_TIME = 'not a time of the day: write hours and minutes, as in `"22:00"`'
NOT_BASE64 = f"a secret is written in base64: {MAKE_ONE}"
ZONE = "; write its IANA name, as in `Europe/Berlin`"
CHANNEL_KEYS = (
    "url, webhook, secret, allow_private, fallback, fallback_after, pace, quiet, on_uncertain, give_up_after, templates"
)

# Each stands for `...` in `channels:`, `  a: {...}` of an otherwise good file, where it begins in column 7 of line 3.
CHANNEL = [
    # What goes together.
    ("pace: 1/s", "3:6: channels.a: missing: write `url:` with an Apprise URL, or `webhook:` with the address of a signed webhook"),
    ("url: json://x, webhook: https://x", f"3:22: channels.a.webhook: {BOTH}"),
    ("webhook: https://x, url: json://x", f"3:27: channels.a.url: {BOTH}"),
    ("webhook: https://x", f"3:6: channels.a.secret: missing: a webhook is signed with a `secret:`; {MAKE_ONE}"),
    (f"url: json://x, secret: {SECRET}", "3:22: channels.a.secret: only a `webhook:` has a secret: remove it"),
    ("url: json://x, allow_private: false", "3:22: channels.a.allow_private: this is only for a `webhook:`: remove it"),
    (f"webhook: https://x, secret: {SECRET}, templates: {{}}", "3:81: channels.a.templates: a signed webhook always has the same JSON body: remove the templates"),
    ("url: json://x, fallback_after: 1m", "3:22: channels.a.fallback_after: there is no `fallback:` beside it: add one, or remove this"),
    # Unknown keys.
    ("url: json://x, webhok: x", "3:22: channels.a.webhok: unknown key; did you mean 'webhook'?"),
    ("url: json://x, timezone: UTC", "3:22: channels.a.timezone: unknown key here; it belongs under `quiet:`"),
    ("url: json://x, title: x", "3:22: channels.a.title: unknown key here; it belongs under `templates:`"),
    ("url: json://x, keep: 1d", "3:22: channels.a.keep: unknown key here; it belongs to the top level of the file"),
    ("url: json://x, zzz: 1", f"3:22: channels.a.zzz: unknown key; the keys here are {CHANNEL_KEYS}"),
    # Addresses.
    (f"webhook: 5, secret: {SECRET}", f"3:16: channels.a.webhook: {TEXT}a number: put it in quotes"),
    (f"webhook: , secret: {SECRET}", f"3:16: channels.a.webhook: {NO_VALUE}"),
    (f"webhook: example.com, secret: {SECRET}", f"3:16: channels.a.webhook: {HTTPS}"),
    (f"webhook: json://x, secret: {SECRET}", f"3:16: channels.a.webhook: {HTTPS}"),
    (f"webhook: 'https://', secret: {SECRET}", f"3:16: channels.a.webhook: {NO_HOST}"),
    (f"webhook: 'https:///x', secret: {SECRET}", f"3:16: channels.a.webhook: {NO_HOST}"),
    (f"webhook: 'https://a..b/x', secret: {SECRET}", f"3:16: channels.a.webhook: {NO_HOST}"),
    (f"webhook: 'https://[fe80::1%eth0]/x', secret: {SECRET}", f"3:16: channels.a.webhook: {NO_HOST}"),
    (f"webhook: 'https://[::1', secret: {SECRET}", f"3:16: channels.a.webhook: {NOT_A_URL}"),
    (f"webhook: 'https://x:99999/', secret: {SECRET}", f"3:16: channels.a.webhook: {NOT_A_URL}"),
    (f"webhook: https://u:p@x, secret: {SECRET}", f"3:16: channels.a.webhook: {NO_USER}"),
    (f"webhook: https://u@x, secret: {SECRET}", f"3:16: channels.a.webhook: {NO_USER}"),
    (f"webhook: 'https://x/#a', secret: {SECRET}", "3:16: channels.a.webhook: remove the `#` and what follows: it is never sent"),
    (f"webhook: https://x https://y, secret: {SECRET}", "3:16: channels.a.webhook: a URL cannot have a space in it: a webhook has one address, so make two channels for two"),
    (f"webhook: http://x, secret: {SECRET}", f"3:7: channels.a.webhook: {HTTP}"),
    (f"webhook: HTTP://x, secret: {SECRET}, allow_private: false", f"3:7: channels.a.webhook: {HTTP}"),
    (f"webhook: https://10.0.0.1/x, secret: {SECRET}", "3:7: channels.a.webhook: a private address in ***"),
    (f"webhook: http://x, secret: {SECRET}, allow_private: yes", "3:95: channels.a.allow_private: `true` or `false` is expected here, not text"),
    (f"webhook: https://x, secret: {SECRET}, allow_private: 1", "3:96: channels.a.allow_private: `true` or `false` is expected here, not a number"),
    (f"webhook: https://x, secret: {SECRET}, allow_private: ", "3:96: channels.a.allow_private: `true` or `false` is expected here, not nothing"),
    # Secrets.
    ("webhook: https://x, secret: 12", "3:35: channels.a.secret: a list (lines of `- …`, or `[…]`) is expected here, not a number"),
    ("webhook: https://x, secret: [12]", f"3:36: channels.a.secret[0]: {TEXT}a number: put it in quotes"),
    ("webhook: https://x, secret: ", f"3:35: channels.a.secret: {NO_VALUE}"),
    ("webhook: https://x, secret: []", f"3:35: channels.a.secret: {EMPTY_LIST}"),
    ("webhook: https://x, secret: hush!", f"3:35: channels.a.secret: {NOT_BASE64}"),
    ("webhook: https://x, secret: é", f"3:35: channels.a.secret: {NOT_BASE64}"),
    ("webhook: https://x, secret: A-_A", f"3:35: channels.a.secret: {NOT_BASE64}"),
    ("webhook: https://x, secret: AAAAA", f"3:35: channels.a.secret: {NOT_BASE64}"),
    ("webhook: https://x, secret: whsec_", f"3:35: channels.a.secret: this secret has 0 bytes, and Standard Webhooks asks for 24 to 64: {MAKE_ONE}"),
    ("webhook: https://x, secret: QUFB", f"3:35: channels.a.secret: this secret has 3 bytes, and Standard Webhooks asks for 24 to 64: {MAKE_ONE}"),
    (f"webhook: https://x, secret: [{SECRET}, {'QUFB' * 22}]", f"3:82: channels.a.secret[1]: this secret has 66 bytes, and Standard Webhooks asks for 24 to 64: {MAKE_ONE}"),
    # Fallbacks.
    ("url: json://x, fallback: opps", "3:32: channels.a.fallback: there is no channel 'opps'; did you mean 'ops'?"),
    ("url: json://x, fallback: json://y", "3:32: channels.a.fallback: a channel name is expected here, not a URL: add the URL under `channels:`, and write its name here"),
    ("url: json://x, fallback: ", f"3:32: channels.a.fallback: {NO_VALUE}"),
    ("url: json://x, fallback: a", "3:22: channels.a.fallback: a channel cannot be its own fallback: name another one, or remove it"),
    ("url: json://x, fallback: ops, fallback_after: 15", "3:53: channels.a.fallback_after: a duration needs its unit: write `15s`"),
    # The pace.
    ("url: json://x, pace: 5", "3:28: channels.a.pace: a pace needs its unit: write `5/s`, `5/m` or `5/h`"),
    ("url: json://x, pace: 0.5", f"3:28: channels.a.pace: {TEXT}a number: put it in quotes"),
    ("url: json://x, pace: ", f"3:28: channels.a.pace: {NO_VALUE}"),
    ("url: json://x, pace: fast", f"3:28: channels.a.pace: 'fast': {NOT_A_PACE}"),
    ("url: json://x, pace: 1/d", f"3:28: channels.a.pace: '1/d': {NOT_A_PACE}"),
    ("url: json://x, pace: 1 / s", f"3:28: channels.a.pace: '1 / s': {NOT_A_PACE}"),
    ("url: json://x, pace: '${PLAIN}'", f"3:28: channels.a.pace: '${{PLAIN}}': {NOT_A_PACE}"),
    ("url: json://x, pace: 0/s", f"3:28: channels.a.pace: '0/s': {PACE_RANGE}"),
    ("url: json://x, pace: 1001/s", f"3:28: channels.a.pace: '1001/s': {PACE_RANGE}"),
    # What is uncertain, and giving up.
    ("url: json://x, on_uncertain: keep", "3:36: channels.a.on_uncertain: only 'resend' or 'hold' can stand here"),
    ("url: json://x, on_uncertain: ", "3:36: channels.a.on_uncertain: only 'resend' or 'hold' can stand here"),
    ("url: json://x, give_up_after: 3", "3:37: channels.a.give_up_after: a duration needs its unit: write `3s`"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "error"), CHANNEL, ids=[entry.replace(SECRET, "SECRET")[:70] for entry, _ in CHANNEL]
)
def test_an_invalid_channel_is_refused_with_its_place_key_and_fix(refused: Refusal, entry: str, error: str) -> None:
    text = f"api: {{token: t}}\nchannels:\n  a: {{{entry}}}\n  ops: json://localhost\n"
    assert refused(text) == [f"config.yaml:{error}"]


# Each stands for `...` in `{...}`, where it begins in column 29.
QUIET = [
    ("", '28: channels.a.quiet.from: missing: write when the quiet hours begin, as in `from: "22:00"`'),
    ("from: 22:00", '28: channels.a.quiet.to: missing: write when the quiet hours end, as in `to: "07:00"`'),
    ("from: 22, to: 7:00", '35: channels.a.quiet.from: a time of the day is expected here, as in `"22:00"`, not a number'),
    ("from: , to: 7:00", f"35: channels.a.quiet.from: {NO_VALUE}"),
    ("from: 24:00, to: 7:00", '35: channels.a.quiet.from: write the end of the day as the start of the next: `"00:00"`'),
    ("from: 22:00, to: '24:00'", '46: channels.a.quiet.to: write the end of the day as the start of the next: `"00:00"`'),
    ("from: 22:60, to: 7:00", f"35: channels.a.quiet.from: '22:60': {NOT_A_TIME}"),
    ("from: 10pm, to: 7:00", f"35: channels.a.quiet.from: '10pm': {NOT_A_TIME}"),
    ("from: 22:00:00, to: 7:00", f"35: channels.a.quiet.from: '22:00:00': {NOT_A_TIME}"),
    ("from: '${PLAIN}', to: 7:00", f"35: channels.a.quiet.from: '${{PLAIN}}': {NOT_A_TIME}"),
    ("from: 7:00, to: '07:00'", "45: channels.a.quiet.to: quiet hours cannot end when they start: write another time"),
    ("from: 22:00, to: 7:00, timezone: Europe/Berln", "62: channels.a.quiet.timezone: there is no time zone 'Europe/Berln'; did you mean 'Europe/Berlin'?"),
    ("from: 22:00, to: 7:00, timezone: europe/berlin", "62: channels.a.quiet.timezone: there is no time zone 'europe/berlin'; did you mean 'Europe/Berlin'?"),
    ("from: 22:00, to: 7:00, timezone: Europe", f"62: channels.a.quiet.timezone: there is no time zone 'Europe'{ZONE}"),
    ("from: 22:00, to: 7:00, timezone: +01:00", f"62: channels.a.quiet.timezone: there is no time zone '+01:00'{ZONE}"),
    ("from: 22:00, to: 7:00, timezone: localtime", f"62: channels.a.quiet.timezone: there is no time zone 'localtime'{ZONE}"),
    ("from: 22:00, to: 7:00, timezone: /etc/passwd", f"62: channels.a.quiet.timezone: there is no time zone '/etc/passwd'{ZONE}"),
    (r'from: 22:00, to: 7:00, timezone: "a\0b"', "62: channels.a.quiet.timezone: a line break or a control character is in this text: write it on one line"),
    ("from: 22:00, to: 7:00, timezone: 1", f"62: channels.a.quiet.timezone: {TEXT}a number: put it in quotes"),
    ("from: 22:00, to: 7:00, except: []", f"60: channels.a.quiet.except: {EMPTY_LIST}"),
    ("from: 22:00, to: 7:00, except: [a b]", "61: channels.a.quiet.except[0]: the name of an event is one word, as in `ready`: letters, digits, `_`, `:` and `-`"),
    ("from: 22:00, to: 7:00, until: 8:00", "52: channels.a.quiet.until: unknown key; the keys here are from, to, timezone, except"),
    ("from: 22:00, to: 7:00, timezon: UTC", "52: channels.a.quiet.timezon: unknown key; did you mean 'timezone'?"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "error"), QUIET, ids=[entry[:70] for entry, _ in QUIET])
def test_invalid_quiet_hours_are_refused_with_their_place_and_fix(refused: Refusal, entry: str, error: str) -> None:
    text = f"api: {{token: t}}\nchannels: {{a: {{url: json://x,\n  quiet:{' ' * 19}{{{entry}}}}}}}\n"
    wanted = [f"config.yaml:3:{error}"]
    if not entry:
        wanted.append(
            'config.yaml:3:28: channels.a.quiet.to: missing: write when the quiet hours end, as in `to: "07:00"`'
        )
    assert refused(text) == wanted


@pytest.mark.parametrize(("value", "kind"), [("", "nothing"), ("22:00", "text"), ("[a]", "a list")])
def test_quiet_hours_are_a_mapping(refused: Refusal, value: str, kind: str) -> None:
    (line,) = refused(f"api: {{token: t}}\nchannels: {{a: {{url: json://x, quiet: {value}}}}}\n")
    text = NO_VALUE if kind == "nothing" else f"{A_MAPPING}{kind}"
    assert line == f"config.yaml:2:38: channels.a.quiet: {text}"


def test_a_missing_time_zone_table_is_reported_with_its_package(
    refused: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    times._names.cache_clear()
    monkeypatch.setattr(zoneinfo, "available_timezones", set)
    (line,) = refused(
        "api: {token: t}\nchannels: {a: {url: json://x, quiet: {from: 1:00, to: 2:00, timezone: Mars/Base}}}\n"
    )
    times._names.cache_clear()
    assert line.endswith(
        "this machine has no table of time zones: install its package `tzdata`, or `pip install tzdata`, or write `UTC`"
    )


# Each stands for `...` in `templates: ...`, where it begins in column 12 of line 3.
TEMPLATES = [
    ("[a]", f"3:12: templates: {A_MAPPING}a list"),
    ("{ready: hello}", f"3:20: templates.ready: {A_MAPPING}text"),
    ("{ready: }", f"3:20: templates.ready: {A_MAPPING}nothing"),
    ("{ready: {}}", "3:20: templates.ready: a template needs a `title:`, a `body:` or both"),
    ("{ready: {titel: x}}", "3:21: templates.ready.titel: unknown key; did you mean 'title'?"),
    ("{ready: {title: }}", f"3:28: templates.ready.title: {NO_VALUE}"),
    ("{ready: {title: ''}}", f"3:28: templates.ready.title: {EMPTY}"),
    ("{ready: {title: 5}}", f"3:28: templates.ready.title: {TEXT}a number: put it in quotes"),
    (r'{ready: {title: "a\0b"}}', "3:28: templates.ready.title: a control character is in this text: remove it"),
    ("{'a b': {title: x}}", '3:13: templates."a b": the name of an event is one word, as in `ready`: letters, digits, `_`, `:` and `-`'),
    ("{canceled: {title: x}, Cancelled: {title: y}}", "3:35: templates.Cancelled: `canceled` is the same event: keep one of them"),
    ("{ready: {title: x, body: '{% x'}}", "3:37: templates.ready.body: line 1: no such tag in {% x"),
    ("{ready: {title: '${PLAIN} {% x'}}", "3:28: templates.ready.title: line 1: no such tag in ${PLAIN} {% x"),
    ("{ready: {title: '${BAD}'}}", "3:28: templates.ready.title: with its variables interpolated this is not a valid template"),
    ("{ready: {title: '${NONE}'}}", "3:28: templates.ready.title: the environment variable NONE is not set: set it where notifier is started, or give it a default, `${NONE:-default}`"),
    ("\n  ready:\n    body: |\n      one\n      two {% x\n", "5:11: templates.ready.body: line 2: no such tag in two {% x"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "error"), TEMPLATES, ids=[value[:70] for value, _ in TEMPLATES])
def test_invalid_templates_are_refused_with_their_place_and_fix(
    refused: Refusal, root: str, value: str, error: str
) -> None:
    assert refused(f"{root}templates: {value}\n", BAD="{% x") == [f"config.yaml:{error}"]


@pytest.mark.parametrize("text", ["{{ name }}", "{{ name }} is ready", "{% if records %}x{% endif %}"])
def test_an_unquoted_template_is_explained(refused: Refusal, root: str, text: str) -> None:
    lines = refused(f"{root}templates:\n  ready:\n    title: {text}\n")
    assert "quotes" in "\n".join(lines)


def test_the_templates_of_a_channel_are_checked_as_those_of_all(refused: Refusal) -> None:
    text = """\
api: {token: t}
channels:
  a:
    url: json://x
    templates:
      ready: {title: "{% x"}
      READY: {body: x}
      failed: {text: x}
"""
    assert refused(text) == [
        "config.yaml:6:22: channels.a.templates.ready.title: line 1: no such tag in {% x",
        "config.yaml:7:7: channels.a.templates.READY: `ready` is the same event: keep one of them",
        "config.yaml:8:16: channels.a.templates.failed.text: unknown key; the keys here are title, body",
    ]


def test_a_circle_of_fallbacks_is_reported_once_from_its_first_channel(refused: Refusal) -> None:
    text = """\
api: {token: t}
channels:
  start: {url: json://x, fallback: b}
  a: {url: json://x, fallback: b}
  b: {url: json://x, fallback: c}
  c: {url: json://x, fallback: a}
  d: {url: json://x, fallback: e}
  e: {url: json://x, fallback: d}
  f: {url: json://x, fallback: end}
  end: json://x
"""
    assert refused(text) == [
        "config.yaml:4:22: channels.a.fallback: these fallbacks form a circle, a → b → c → a: remove one of them",
        "config.yaml:7:22: channels.d.fallback: these fallbacks form a circle, d → e → d: remove one of them",
    ]


def test_one_invalid_value_hides_no_other_error_of_its_channel(refused: Refusal) -> None:
    text = """\
api: {token: t}
channels:
  a: {webhook: nonsense, fallback: a, pace: x, quiet: {from: 1, to: 2}, give_up_after: 1, fallback_after: 2}
"""
    assert [line.split(": ")[1] for line in refused(text)] == [
        "channels.a.secret",
        "channels.a.webhook",
        "channels.a.fallback",
        "channels.a.pace",
        "channels.a.quiet.from",
        "channels.a.quiet.to",
        "channels.a.give_up_after",
        "channels.a.fallback_after",
    ]


def test_operators_cannot_be_webhooks(refused: Refusal) -> None:
    text = (
        f"api: {{token: t}}\nchannels:\n  a: json://x\n  hook: {{webhook: https://x, secret: {SECRET}}}\n"
        "operators: [a, hook]\n"
    )
    assert refused(text) == [
        "config.yaml:5:16: operators[1]: operators get texts for people, which a webhook does not take: name a channel with a `url:`"
    ]
