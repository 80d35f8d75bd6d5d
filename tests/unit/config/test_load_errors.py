# ruff: noqa: E501 (in the tables, one row is one rule)
"""An invalid configuration is refused with every error of all files, and no secret."""

import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest
from support.config_error_texts import A_MAPPING, CHANNEL_NAME, EMPTY, NO_CHANNEL, NO_VALUE, TEXT, UNIT

from notifier.config.load import Checks, load
from notifier.config.model import Config
from notifier.core.errors import ConfigurationRefused

Loader = Callable[..., Config]
Refusal = Callable[..., list[str]]

INIT = "; `notifier init` writes one to start from"
NUMBER = "a number is expected here, as in `10`"
NEITHER = "missing: write `url:` with an Apprise URL, or `webhook:` with the address of a signed webhook"
URL = "an Apprise URL is expected here, as in `slack://…` or `mailtos://…`"
BASE_URL = "an http or https URL is expected here, as in `https://api.brightdata.com`"

WHOLE_FILE = [
    ("", f"config.yaml: the file is empty{INIT}"),
    (" \n\n", f"config.yaml: the file is empty{INIT}"),
    ("# nothing\n", f"config.yaml: the file has nothing but comments{INIT}"),
    ("---\n...\n", f"config.yaml: the file has nothing but comments{INIT}"),
    ("- a", "config.yaml:1:1: the file must be a mapping (lines of `key: value`), not a list"),
    ("\nhello", "config.yaml:2:1: the file must be a mapping (lines of `key: value`), not text"),
    ("12", "config.yaml:1:1: the file must be a mapping (lines of `key: value`), not a number"),
    (b"a: b\nname: caf\xe9", "config.yaml:2:10: the byte 0xe9 at offset 14 is not UTF-8: save the file as UTF-8"),
    (b"\xef\xbb\xbf\xff", "config.yaml:1:1: the byte 0xff at offset 3 is not UTF-8: save the file as UTF-8"),
    ("a: b".encode("utf-16"), "config.yaml: the text is UTF-16: save the file as UTF-8"),
    (b"a: \0", "config.yaml:1:4: the control character NUL is not allowed: is this a text file?"),
    ("${X}", "config.yaml:1:1: the file must be a mapping (lines of `key: value`), not text"),
    ("api: x", f"config.yaml:1:6: api: {A_MAPPING}text"),
    ("api: {token: ''}", f"config.yaml:1:14: api.token: {EMPTY}"),
    ("api: {token: }", f"config.yaml:1:14: api.token: {NO_VALUE}"),
    ("api: {token: 12}", f"config.yaml:1:14: api.token: {TEXT}a number: put it in quotes"),
    ("api: {token: a b}", "config.yaml:1:14: api.token: a token has only printable ASCII characters and no spaces: check that it was copied completely"),
    ("api: {token: '${EMPTY}'}", "config.yaml:1:14: api.token: the environment variable EMPTY is empty: give it a value where notifier is started"),
    ("api: {token: t, timeout: 5}", f"config.yaml:1:26: api.timeout: {UNIT}write `5s`"),
    ("api: {token: t, requests_per_second: fast}", f"config.yaml:1:38: api.requests_per_second: {NUMBER}"),
    ("api: {token: t, requests_per_second: true}", f"config.yaml:1:38: api.requests_per_second: {NUMBER}, not true or false"),
    ("api: {token: t, requests_per_second: 0}", "config.yaml:1:38: api.requests_per_second: a number above 0 and up to 1000000 is expected here"),
    ("api: {token: t, requests_per_second: .nan}", "config.yaml:1:38: api.requests_per_second: a number above 0 and up to 1000000 is expected here"),
    ("api: {token: t, requests_per_second: .inf}", "config.yaml:1:38: api.requests_per_second: a number above 0 and up to 1000000 is expected here"),
    ("api: {token: t, base_url: api.brightdata.com}", f"config.yaml:1:27: api.base_url: {BASE_URL}"),
    ("api: {token: t, base_url: 'https://'}", f"config.yaml:1:27: api.base_url: {BASE_URL}"),
    ("api: {token: t, base_url: 'https://[x'}", "config.yaml:1:27: api.base_url: not a URL: write it as `https://api.brightdata.com`"),
    ("api: {token: t, base_url: https://x?}", "config.yaml:1:27: api.base_url: this URL ends with its path: remove the `?` or `#` and what follows"),
    ("api: {token: t, base_url: https://u:p@x}", "config.yaml:1:27: api.base_url: a user or a password is not allowed in this URL: the token goes into `api.token`"),
    ("api: {token: t, base_url: http://example.com}", "config.yaml:1:27: api.base_url: over http:// the token would be sent unencrypted: write https:// (http:// is for loopback only)"),
    ("api: {token: t, base_url: http://127.0.0.1.example.com}", "config.yaml:1:27: api.base_url: over http:// the token would be sent unencrypted: write https:// (http:// is for loopback only)"),
    ("api: {token: t}\noperators: team", "config.yaml:2:12: operators: there is no channel 'team': `channels:` has none yet"),
    ("api: {token: t}\nchannels: [a]", f"config.yaml:2:11: channels: {A_MAPPING}a list"),
    ("api: {token: t}\nchannels: {a b: json://x}", f'config.yaml:2:12: channels."a b": {CHANNEL_NAME}'),
    ("api: {token: t}\nchannels: {slack://TokenA: json://x}", f"config.yaml:2:12: channels.***: {NO_CHANNEL}"),
    ("api: {token: t}\nchannels: {a: }", f"config.yaml:2:15: channels.a: {NO_VALUE}"),
    ("api: {token: t}\nchannels: {a: [json://x]}", f"config.yaml:2:15: channels.a: {A_MAPPING}a list"),
    ("api: {token: t}\nchannels: {a: {}}", f"config.yaml:2:15: channels.a: {NEITHER}"),
    ("api: {token: t}\nchannels: {a: {urll: x}}", [f"config.yaml:2:15: channels.a: {NEITHER}", "config.yaml:2:16: channels.a.urll: unknown key; did you mean 'url'?"]),
    ("api: {token: t}\nchannels: {a: nothing}", f"config.yaml:2:15: channels.a: {URL}"),
    ("api: {token: t}\nchannels: {a: {url: nothing}}", f"config.yaml:2:21: channels.a.url: {URL}"),
    ("api: {token: t}\nchannels: {a: pigeon://hush}", "config.yaml:2:15: channels.a: Apprise does not know ***"),
    ("api: {token: t}\nchannels: {a: 'json://x/?Retry=3'}", "config.yaml:2:15: channels.a: remove `retry=` from the URL: notifier tries again by itself, for three days and without blocking"),
    ("api: {token: t}\nchannels: {a: 'json://x/?a=b&wait=3'}", "config.yaml:2:15: channels.a: remove `wait=` from the URL: notifier spaces its tries itself"),
    ("api: {token: t}\nchannels: {a: 'json://x?optional=yes'}", "config.yaml:2:15: channels.a: remove `optional=` from the URL: it would report a failed delivery as a success"),
    ("api: {token: t}\nchannels: {a: 'json://x, json://y'}", "config.yaml:2:15: channels.a: there are two URLs here: a channel has one, so add a second channel"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "errors"), WHOLE_FILE, ids=[repr(text)[:70] for text, _ in WHOLE_FILE])
def test_an_invalid_file_is_refused_with_all_its_errors(
    refused: Refusal, text: str | bytes, errors: str | list[str]
) -> None:
    assert refused(text) == ([errors] if isinstance(errors, str) else errors)


def test_all_errors_of_a_file_are_reported_in_order(refused: Refusal) -> None:
    text = """\
api: {token: "${NONE}", timeout: 5}
channels:
  team: ${TEAM_URL}
  broken: nonsense
defaults: {notify: [brokn]}
watches:
  - {snapshot: s_1, evry: 1m, every: 30, notify: temm}
  - {snapshot: s_1}
  - {snapshot: s_2, snapshot: s_3}
"""
    assert [line.split(": ")[:2] for line in refused(text)] == [
        ["config.yaml:1:14", "api.token"],
        ["config.yaml:1:34", "api.timeout"],
        ["config.yaml:4:11", "channels.broken"],
        ["config.yaml:5:21", "defaults.notify[0]"],
        ["config.yaml:7:21", "watches[0].evry"],
        ["config.yaml:7:38", "watches[0].every"],
        ["config.yaml:7:50", "watches[0].notify"],
        ["config.yaml:8:16", "watches[1].snapshot"],
        ["config.yaml:9:21", "watches[2].snapshot"],
    ]


@pytest.mark.parametrize(
    ("second", "error"),
    [
        ("{snapshot: s_1, id: other}", "4:14: watches[1].snapshot: this snapshot is already watched at config.yaml:3:22: remove one of the two"),
        ("{snapshot: s_2, id: s_1}", "4:23: watches[1].id: the watch at config.yaml:3:22 has this id already: give one of the two another `id:`"),
    ],
)  # fmt: skip
def test_a_duplicate_watch_names_the_other_place(refused: Refusal, second: str, error: str) -> None:
    text = f"""\
api: {{token: t}}
channels: {{a: json://x}}
watches: [{{snapshot: s_1, notify: a}},
  {second[:-1]}, notify: a}}]
"""
    assert refused(text) == [f"config.yaml:{error}"]


def test_a_duplicate_with_another_error_is_still_reported(refused: Refusal, root: str) -> None:
    text = root + "defaults: {notify: ops}\nwatches: [{snapshot: s_1, every: 5}, {snapshot: s_1, every: 6}]"
    assert len(refused(text)) == 3


def test_fifty_errors_of_a_kind_are_reported_and_the_others_counted(refused: Refusal, root: str) -> None:
    watches = "".join(f"  - {{snapshot: s_{number}, every: {number + 1}}}\n" for number in range(1_000))
    lines = refused(f"{root}defaults: {{notify: temm}}\nwatches:\n{watches}")
    assert len(lines) == 1 + 50 + 1
    assert lines[0].endswith("did you mean 'team'?")
    assert lines[50].startswith("config.yaml:54:29: watches[49].every: ")
    assert lines[51] == "config.yaml: and 950 more of this kind: a duration needs its unit: write `50s`"


SECRETS = ["sk3cr3tPassw0rd", "T0pS3cretToken"]


@pytest.mark.parametrize(
    "text",
    [
        "channels: {a: 'mailtos://user:sk3cr3tPassw0rd@x?retry=T0pS3cretToken'}",
        "channels: {a: 'pigeon://sk3cr3tPassw0rd@T0pS3cretToken'}",
        "channels: {a: 'pigeon://user:${P}@${T}/x'}",
        "channels: {a: ['slack://T0pS3cretToken']}",
        "channels: {'slack://T0pS3cretToken': x}",
        "channels: {a: '${P}'}",
        "channels: {a: {url: ['${P}'], x: '${T}'}}",
        "slack://T0pS3cretToken/x: y",
        "api: {token: ['T0pS3cretToken']}",
        "api: {token: 'T0pS3cretToken x'}",
        "api: {token: t, token_file: T0pS3cretToken}",
        "api: {token_file: T0pS3cretToken}",
        "api: {token: t, timeout: '${P}', base_url: 'https://u:${P}@x'}",
        "defaults: {every: '${P}', on: '${P} ${T}', notify: '${T}'}",
        "state: '${P}'",
        "operators: ['slack://T0pS3cretToken']",
        "watches: [{snapshot: '${P}/x', name: ['${T}'], every: '${T}'}]",
        "include: ['${P}']",
        "http: ${P}",
        "channels: {a: {webhook: 'http://x/T0pS3cretToken', secret: 'T0pS3cretToken'}}",
        "channels: {a: {webhook: 'https://u:${P}@x/${T}', secret: ['${P}', 'whsec_${T}', 5]}}",
        "channels: {a: {webhook: '${P}', secret: {'${P}': x}, pace: '${P}', quiet: {from: '${P}', timezone: '${T}'}}}",
        "channels: {a: {webhook: 'https://10.0.0.1/T0pS3cretToken', secret: '${SECRET}'}}",
        "channels: {a: {webhook: 'https:///${T}', allow_private: '${P}', on_uncertain: '${P}', give_up_after: '${P}'}}",
        "templates: {ready: {title: '{% ${P}', body: 'x\n${T}\n{% ${T}'}, failed: {body: '${BAD}'}}",
        "channels: {a: 'slack://T0pS3cretToken\n",
    ],
)
def test_no_error_shows_a_secret(refused: Refusal, text: str) -> None:
    lines = "\n".join(refused(text, P=SECRETS[0], T=SECRETS[1], BAD=f"{{% {SECRETS[0]}"))
    assert not [secret for secret in SECRETS if secret in lines]


def refusal_of(path: Path) -> list[str]:
    with pytest.raises(ConfigurationRefused) as refusal:
        load(path, environ={}, checks=Checks(url=lambda _: None))
    return [str(problem) for problem in refusal.value.problems]


def test_a_missing_file_says_how_to_get_one(folder: Path) -> None:
    assert refusal_of(Path("none.yaml")) == [f"none.yaml: there is no such file{INIT}"]


def test_a_folder_is_no_file(folder: Path) -> None:
    assert refusal_of(folder) == [f"{folder}: this is a folder: name the file in it"]


def test_an_impossible_file_name_is_refused(folder: Path) -> None:
    assert refusal_of(Path("a\0b")) == ["a?b: no file can have this name"]
    (line,) = refusal_of(Path("a" * 5_000))
    assert "the file cannot be read: " in line


def test_a_file_in_place_of_a_folder_is_refused(folder: Path) -> None:
    (folder / "file").touch()
    (line,) = refusal_of(Path("file/config.yaml"))
    assert line.startswith("file/config.yaml: the file cannot be read: ")


def test_an_unreadable_file_is_reported_with_its_user(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "config.yaml")

    # The tests may run as root, who may read everything.
    monkeypatch.setattr("notifier.config.sources.files.read_regular", denied)
    (line,) = refusal_of(Path("config.yaml"))
    user = pwd.getpwuid(os.geteuid()).pw_name
    assert line == (
        f"config.yaml: the user {user} may not read the file: change its owner, group or mode; `namei -l config.yaml` "
        "also shows those of its folders"
    )


def test_a_huge_file_is_refused_without_reading_all_of_it(folder: Path) -> None:
    with (folder / "config.yaml").open("wb") as file:
        file.truncate(10 * 1024**3)
    assert refusal_of(Path("config.yaml")) == ["config.yaml: larger than 64 MiB: is this the right file?"]


def test_a_file_whose_name_is_not_utf8_is_named_in_a_printable_way(folder: Path) -> None:
    (line,) = refusal_of(Path(os.fsdecode(b"caf\xe9.yaml")))
    assert line.encode().startswith(b"caf\\udce9.yaml: there is no such file")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("watches: [{snapshot: s, notify: ops, download: {to: data}}]", "folder"),
        ("watches: [{snapshot: s, notify: ops, download: {path: data}}]", "folder"),
        ("heartbeat: {address: x}", "url"),
    ],
)
def test_an_unknown_key_is_matched_with_the_missing_one(refused: Refusal, root: str, text: str, meant: str) -> None:
    lines = refused(root + text)
    assert sum(f"unknown key; did you mean '{meant}'?" in line for line in lines) == 1
    assert any(f"{meant}: missing: write" in line for line in lines)


@pytest.mark.parametrize(
    ("text", "place", "shown"),
    [
        ("{snapshot: x, every: ${VAR}}", "3:33", "${VAR}"),
        ("{snapshot: x, every: ${VAR:-secret}, name: y}", "3:33", "${VAR:-…}"),
        ("{snapshot: x, labels: {a: x${VAR}/b}}", "3:39", "${VAR}"),
        ("{snapshot: x,\n  every: ${VAR}}", "4:10", "${VAR}"),
        ("{snapshot: ${VAR}", "3:23", "${VAR}"),
    ],
)
def test_an_unquoted_variable_in_braces_or_brackets_is_explained(
    refused: Refusal, root: str, text: str, place: str, shown: str
) -> None:
    assert refused(f"{root}watches: [ {text}]\n") == [
        f'config.yaml:{place}: not YAML: a variable inside of `{{…}}` or `[…]` needs quotes: write `"{shown}"`'
    ]
    assert "secret" not in shown


def test_swapped_ids_of_snapshots_and_datasets_are_warned_of(loaded: Loader, root: str) -> None:
    config = loaded(
        root + "defaults: {notify: ops}\nwatches:\n- snapshot: gd_l1\n- dataset: s_m4\n- dataset: sd_m4\n"
        "- {snapshot: s_1, name: gd_x}\n- {dataset: gd_2, id: s_2}\n- snapshot: anything\n"
    )
    assert [str(each) for each in config.warnings] == [
        "config.yaml:5:13: watches[0].snapshot: 'gd_l1' looks like the id of a dataset; did you mean `dataset: gd_l1`?",
        "config.yaml:6:12: watches[1].dataset: 's_m4' looks like the id of a snapshot; did you mean `snapshot: s_m4`?",
        "config.yaml:7:12: watches[2].dataset: 'sd_m4' looks like the id of a snapshot; did you mean `snapshot: sd_m4`?",
    ]
