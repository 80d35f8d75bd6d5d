# ruff: noqa: E501 (in the tables, one row is one rule)
"""An invalid line is refused with its place, its key, and what to write."""

from collections.abc import Callable

import pytest
from support.config_error_texts import A_MAPPING, CHANNEL_NAME, EMPTY, NO_CHANNEL, NO_VALUE, TEXT, UNIT

Refusal = Callable[..., list[str]]

DURATION = "write whole numbers with their units, the largest first, as in `30s`, `5m`, `1h30m`, `2d`"
A_LIST = "a list (lines of `- …`, or `[…]`) is expected here, not "
EMPTY_LIST = "an empty list: name at least one, or remove the key"
KEYS = "api, state, http, hooks, heartbeat, operators, channels, templates, defaults, watches, keep, include"
SQLITE = "write `sqlite:///notifier.db` (relative to this file) or `sqlite:////var/lib/…` (absolute)"
ONE_LINE = "a line break or a control character is in this text: write it on one line"
EVENT = "the name of an event is one word, as in `ready`: letters, digits, `_`, `:` and `-`"
WATCH_KEYS = (
    "snapshot, dataset, id, name, notify, on, every, stalled_after, results_kept, expiring_before, download, labels"
)
NEITHER_KIND = "nothing to watch: write `snapshot:` with the id of one, or `dataset:` for every snapshot of a dataset"
BOTH_KINDS = "a watch has either a `snapshot:` or a `dataset:`: make two watches of this one"
ADDRESS = 'as in `127.0.0.1:8787` or `"[::1]:8787"`'
UNGUARDED = (
    "other machines can reach this address: write it under `listen:`, with `token: ${NOTIFIER_HTTP_TOKEN}` "
    "beside it, or listen on `127.0.0.1:8787`"
)
PING = "an http or https URL is expected here, as in `https://hc-ping.com/…`"

THIRD_LINE = [
    # Unknown keys.
    ("chanels: {}", "3:1: chanels: unknown key; did you mean 'channels'?"),
    ("token: x", "3:1: token: unknown key here; it belongs under `api:`"),
    ("zzz: 1", f"3:1: zzz: unknown key; the keys here are {KEYS}"),
    ("watches: [{snapshot: s, notify: ops, download: {to: data, folder: x}}]", "3:49: watches[0].download.to: unknown key; the keys here are folder, format"),
    ("watches: [{snapshot: s, notify: ops, download: {folder: x, every: 1m}}]", "3:60: watches[0].download.every: unknown key here; it belongs beside `download:`"),
    ("heartbeat: {url: https://x/y, folder: 1}", "3:31: heartbeat.folder: unknown key; the keys here are url, every"),
    ("watches: [{snapshot: s, notify: ops, evry: 1m}]", "3:38: watches[0].evry: unknown key; did you mean 'every'?"),
    ("watches: [{snapshot: s, notify: ops, qqq: 1}]", f"3:38: watches[0].qqq: unknown key; the keys here are {WATCH_KEYS}"),
    ("defaults: {channels: x}", "3:12: defaults.channels: unknown key here; it belongs to the top level of the file"),
    ("json://secret/x: 1", f"3:1: ***: unknown key; the keys here are {KEYS}"),
    # Shapes.
    ("watches: {a: b}", f"3:10: watches: {A_LIST}a mapping"),
    ("watches: 5", f"3:10: watches: {A_LIST}a number"),
    ("watches: [s_1]", f"3:11: watches[0]: {A_MAPPING}text"),
    ("watches: [[s_1]]", f"3:11: watches[0]: {A_MAPPING}a list"),
    ("watches: [~]", f"3:11: watches[0]: {A_MAPPING}nothing"),
    ("defaults: [a]", f"3:11: defaults: {A_MAPPING}a list"),
    ("operators: {a: b}", f"3:12: operators: {A_LIST}a mapping"),
    ("include: [[a]]", "3:11: include[0]: text is expected here, not a list"),
    ("include: 5", f"3:10: include: {A_LIST}a number"),
    # Snapshots and ids.
    ("watches: [{notify: ops}]", f"3:11: watches[0]: {NEITHER_KIND}"),
    ("watches: [{notify: ops, snapshot: s, dataset: gd}]", f"3:47: watches[0].dataset: {BOTH_KINDS}"),
    ("watches: [{notify: ops, dataset: a/b}]", "3:34: watches[0].dataset: this cannot be an id: an id has no slash in it"),
    ("watches: [{notify: ops, dataset: gd}, {notify: ops, dataset: gd}]", "3:62: watches[1].dataset: this dataset is already watched at config.yaml:3:34: remove one of the two"),
    ("watches: [{notify: ops, dataset: gd}, {notify: ops, snapshot: gd}]", "3:63: watches[1].snapshot: the watch at config.yaml:3:34 has this id already: give one of the two another `id:`"),
    ("watches: [{notify: ops, snapshot: }]", f"3:35: watches[0].snapshot: {NO_VALUE}"),
    ("watches: [{notify: ops, snapshot: 12}]", f"3:35: watches[0].snapshot: {TEXT}a number: put it in quotes"),
    ("watches: [{notify: ops, snapshot: true}]", f"3:35: watches[0].snapshot: {TEXT}true or false: put it in quotes"),
    ("watches: [{notify: ops, snapshot: ' '}]", f"3:35: watches[0].snapshot: {EMPTY}"),
    ("watches: [{notify: ops, snapshot: a b}]", "3:35: watches[0].snapshot: this cannot be an id: an id has no space or line end in it: give several ids as several words"),
    ("watches: [{notify: ops, snapshot: a/b}]", "3:35: watches[0].snapshot: this cannot be an id: an id has no slash in it"),
    ("watches: [{notify: ops, snapshot: ..}]", "3:35: watches[0].snapshot: this cannot be an id: `.` and `..` are folders, not ids"),
    (r'watches: [{notify: ops, snapshot: "a\nb"}]', "3:35: watches[0].snapshot: this cannot be an id: an id has no space or line end in it: give several ids as several words"),
    (f"watches: [{{notify: ops, snapshot: {'a' * 201}}}]", "3:35: watches[0].snapshot: this cannot be an id: it has 201 characters, and an id has at most 200"),
    ("watches: [{notify: ops, snapshot: s, id: 7}]", f"3:42: watches[0].id: {TEXT}a number: put it in quotes"),
    ("watches: [{notify: ops, snapshot: s, id: }]", f"3:42: watches[0].id: {NO_VALUE}"),
    # Names and labels.
    (r'watches: [{notify: ops, snapshot: s, name: "a\tb"}]', f"3:44: watches[0].name: {ONE_LINE}"),
    ("watches: [{notify: ops, snapshot: s, name: [a]}]", "3:44: watches[0].name: text is expected here, not a list"),
    (f"watches: [{{notify: ops, snapshot: s, name: {'a' * 201}}}]", "3:44: watches[0].name: longer than 200 characters"),
    ("watches: [{notify: ops, snapshot: s, labels: {year: 2026}}]", f"3:53: watches[0].labels.year: {TEXT}a number: put it in quotes"),
    ("watches: [{notify: ops, snapshot: s, labels: [a]}]", f"3:46: watches[0].labels: {A_MAPPING}a list"),
    ("watches: [{notify: ops, snapshot: s, labels: {' ': a}}]", f'3:47: watches[0].labels." ": {EMPTY}'),
    # Durations.
    ("defaults: {every: 30}", f"3:19: defaults.every: {UNIT}write `30s`"),
    ("defaults: {every: 1.5}", f"3:19: defaults.every: {UNIT}write `30s`"),
    ("defaults: {every: '30'}", f"3:19: defaults.every: '30': {UNIT}write `30s`, `5m`, `6h` or `2d`"),
    ("defaults: {every: 500ms}", f"3:19: defaults.every: '500ms': not a duration: {DURATION}"),
    ("defaults: {every: 0s}", "3:19: defaults.every: '0s': a duration must be longer than 0: the shortest is `1s`"),
    ("defaults: {stalled_after: 9999d}", "3:27: defaults.stalled_after: '9999d': too long: the longest duration is `3650d`"),
    ("defaults: {every: yes}", f"3:19: defaults.every: 'yes': not a duration: {DURATION}"),
    ("defaults: {every: true}", f"3:19: defaults.every: {TEXT}true or false: put it in quotes"),
    ("defaults: {every: }", f"3:19: defaults.every: {NO_VALUE}"),
    ("defaults: {every: '${PLAIN}'}", f"3:19: defaults.every: '${{PLAIN}}': not a duration: {DURATION}"),
    ("defaults: {stalled_after: false}", "3:27: defaults.stalled_after: write `off`, or a duration such as `24h`"),
    ("defaults: {results_kept: 16}", f"3:26: defaults.results_kept: {UNIT}write `16s`"),
    # Downloads.
    ("watches: [{snapshot: s, notify: ops, download: }]", f"3:48: watches[0].download: {NO_VALUE}"),
    ("watches: [{snapshot: s, notify: ops, download: {format: csv}}]", "3:48: watches[0].download.folder: missing: write the folder for the results, as in `folder: results`"),
    ("watches: [{snapshot: s, notify: ops, download: {folder: r, format: xml}}]", "3:68: watches[0].download.format: only 'json', 'ndjson', 'jsonl' or 'csv' can stand here"),
    ("watches: [{snapshot: s, notify: ops, download: ~/r}]", "3:48: watches[0].download: `~` is not expanded here: write the whole path, `/home/…`"),
    # Channels, and who is told.
    ("operators: [temm]", "3:13: operators[0]: there is no channel 'temm'; did you mean 'team'?"),
    ("operators: temm", "3:12: operators: there is no channel 'temm'; did you mean 'team'?"),
    ("operators: [mail]", "3:13: operators[0]: there is no channel 'mail'; there are ops, team"),
    ("operators: ['${PLAIN}']", "3:13: operators[0]: there is no channel '${PLAIN}'; there are ops, team"),
    ("operators: [slack://token]", f"3:13: operators[0]: {NO_CHANNEL}"),
    ("operators: [1]", f"3:13: operators[0]: {TEXT}a number: put it in quotes"),
    ("operators: [a b]", f"3:13: operators[0]: {CHANNEL_NAME}"),
    ("defaults: {notify: []}", f"3:20: defaults.notify: {EMPTY_LIST}"),
    ("defaults: {notify: }", f"3:20: defaults.notify: {NO_VALUE}"),
    ("watches: [{snapshot: s, notify: []}]", f"3:33: watches[0].notify: {EMPTY_LIST}"),
    ("watches: [{snapshot: s}]", "3:11: watches[0]: this watch notifies no channel: add `notify: [CHANNEL]` here, or `notify:` under `defaults:` for all watches"),
    # Events.
    ("defaults: {on: []}", f"3:16: defaults.on: {EMPTY_LIST}"),
    ("defaults: {on: [a b]}", f"3:17: defaults.on[0]: {EVENT}"),
    ("defaults: {on: [ready, 404]}", f"3:24: defaults.on[1]: {TEXT}a number: put it in quotes"),
    ("defaults: {on: true}", f"3:16: defaults.on: {A_LIST}true or false"),
    # The state.
    ("state: postgresql://db/notifier", "3:8: state: PostgreSQL is not supported yet: write `sqlite:///notifier.db`"),
    ("state: notifier.db", f"3:8: state: {SQLITE}"),
    ("state: sqlite://notifier.db", f"3:8: state: {SQLITE}"),
    ("state: 'sqlite:///'", "3:8: state: the name of the file is missing: write `sqlite:///notifier.db`"),
    ("state: sqlite:///data/", "3:8: state: the name of the file is missing: write `sqlite:///notifier.db`"),
    ("state: 'sqlite:///:memory:'", "3:8: state: the state must outlive a restart: name a file, as in `sqlite:///notifier.db`"),
    ("state: sqlite:///a.db?mode=ro", "3:8: state: options are not allowed here: write only the path of the file"),
    ("state: sqlite:///~/a.db", "3:8: state: `~` is not expanded here: write the whole path, `sqlite:////home/…`"),
    # Variables.
    ("defaults: {every: '${NONE}'}", "3:19: defaults.every: the environment variable NONE is not set: set it where notifier is started, or give it a default, `${NONE:-default}`"),
    ("defaults: {every: '${NONE'}", "3:19: defaults.every: `${` without its `}`: write `${NAME}`, or `$${` for a plain `${`"),
    # What is kept.
    ("keep: 90", f"3:7: keep: {UNIT}write `90s`"),
    ("keep: 23h", "3:7: keep: too short: the shortest is `1d`"),
    ("keep:", f"3:6: keep: {NO_VALUE}"),
    # HTTP.
    ("http: 8787", "3:7: http: an address is expected before the port: write `127.0.0.1:8787`"),
    ("http: false", "3:7: http: write `off`, or an address such as `127.0.0.1:8787`"),
    ("http:", f"3:6: http: {NO_VALUE}"),
    ("http: localhost", f"3:7: http: an address and a port are expected here, {ADDRESS}, or `off`"),
    ("http: '::1:8787'", f"3:7: http: an address and a port are expected here, {ADDRESS}, or `off`"),
    ("http: example.com:80", f"3:7: http: an IP address or `localhost` is expected before the port, {ADDRESS}"),
    ("http: '[127.0.0.1]:80'", f"3:7: http: an IP address or `localhost` is expected before the port, {ADDRESS}"),
    ("http: 127.0.0.1:65536", "3:7: http: a port is a number up to 65535"),
    ("http: 0.0.0.0:8787", f"3:7: http: {UNGUARDED}"),
    ("http: {listen: '[::]:80'}", f"3:7: http: {UNGUARDED}"),
    ("http: {listen: '[::]:80', token: abc}", "3:34: http.token: shorter than 16 characters, and easy to guess: make one with `openssl rand -hex 16`"),
    ("http: {port: 80}", "3:8: http.port: unknown key; the keys here are listen, token, public_url"),
    ("http: {public_url: example.com}", "3:20: http.public_url: an http or https URL is expected here, as in `https://notifier.example.com`"),
    ("http: {public_url: 'https://u:p@x'}", "3:20: http.public_url: a user or a password is not allowed in this URL"),
    ("http: {public_url: 'https://x/?a'}", "3:20: http.public_url: this URL ends with its path: remove the `?` or `#` and what follows"),
    ("http: {public_url: 'https://[x'}", "3:20: http.public_url: not a URL: write it as `https://notifier.example.com`"),
    ("hooks:", f"3:7: hooks: {NO_VALUE}"),
    ("hooks: {adopt: false}", "3:8: hooks.secret: missing: write the last part of the address that Bright Data posts to, as in `secret: ${NOTIFIER_HOOKS_SECRET}`; make one with `openssl rand -hex 24`"),
    ("hooks: {secret: short}", "3:17: hooks.secret: shorter than 24 characters, and easy to guess: make one with `openssl rand -hex 24`"),
    ("hooks: {secret: 'a/b?c'}", "3:17: hooks.secret: a part of a URL is expected here, of letters, digits, `-` and `_` only: make one with `openssl rand -hex 24`"),
    ("hooks: {secret: []}", "3:17: hooks.secret: an empty list: name at least one, or remove the key"),
    ("heartbeat: hc-ping.com/x", f"3:12: heartbeat: {PING}"),
    ("heartbeat: off", f"3:12: heartbeat: {PING}"),
    ("heartbeat: {url: 'https://u:p@x/y'}", "3:18: heartbeat.url: a user or a password is not allowed in this URL"),
    ("heartbeat: {url: https://x, every: 1s}", "3:36: heartbeat.every: too often for such a service: the shortest interval is `10s`"),
    ("heartbeat: {every: 1m}", "3:12: heartbeat.url: missing: write the address that is asked, as in `url: ${HEARTBEAT_URL}`"),
    # YAML.
    ("a: b: c", "3:5: not YAML: a `:` where no key can stand: check the indentation, and quote text with `: `"),
    ("api: {}", "3:1: api: this key is already on line 1: keep one of them"),
    ("404: x", "3:1: a key must be text: put it in quotes"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "error"), THIRD_LINE, ids=[line[:60] for line, _ in THIRD_LINE])
def test_an_invalid_line_is_refused_with_its_place_key_and_fix(
    refused: Refusal, root: str, line: str, error: str
) -> None:
    assert refused(root + line + "\n") == [f"config.yaml:{error}"]
