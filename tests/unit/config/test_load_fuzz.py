"""Any content of the files gives a configuration or a refusal, and never another exception."""

import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from notifier.config.load import Checks, load
from notifier.config.load_partial import load_valid_parts
from notifier.config.model import Config
from notifier.core.errors import ConfigurationRefused

ENVIRON = {"A": "apple", "EMPTY": "", "BYTES": "\udcff", "NUL": "a\0b"}


CHECKS = Checks(url=lambda url: None, template=lambda source: "line 1\nno" if "{{" in source else None)


def what_is_right(file: Path) -> Config | None:
    """Return what a command continues with; None if that is nothing."""
    try:
        return load_valid_parts(file, environ=ENVIRON, checks=CHECKS)
    except ConfigurationRefused:
        return None


def load_bytes(main: bytes, included: bytes = b"") -> Config | None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "config.yaml")
        file.write_bytes(main)
        if included:
            Path(folder, "more.yaml").write_bytes(included)
        right = what_is_right(file)
        try:
            loaded = load(file, environ=ENVIRON, checks=CHECKS)
        except ConfigurationRefused as refusal:
            problems = refusal.problems
        else:
            assert right is not None
            assert (right.watches, right.datasets, right.channels) == (loaded.watches, loaded.datasets, loaded.channels)
            return loaded
    assert problems
    for problem in problems:
        assert problem.text
        assert "\n" not in str(problem)
        assert str(problem).encode()
    return None


KEYS = st.sampled_from(
    ["api", "token", "token_file", "base_url", "requests_per_second", "timeout", "state", "http", "operators",
     "channels", "defaults", "watches", "include", "snapshot", "id", "name", "notify", "on", "every", "labels",
     "stalled_after", "url", "dataset", "webhook", "keep", "secret", "allow_private", "fallback", "fallback_after",
     "pace", "quiet", "from", "to", "timezone", "except", "on_uncertain", "give_up_after", "templates", "title", "body",
     "team", "x", "a b", "é", "~", "1", "<<", "'\\0'"]
)  # fmt: skip
SCALARS = st.sampled_from(
    ["team", "json://x/y", "30s", "30", "1.5", "true", "~", "''", "s_1", "'a/b'", "off", "ready", "'${A}'", "'${NONE}'",
     "'${EMPTY}'", "'${BYTES}'", "'${NUL}'", "'${A:-b}'", "'${'", "sqlite:///a.db", "https://x", "'[::1'", "'http://[x'",
     "1/s", "0/m", "'22:00'", "24:00", "Europe/Berlin", "../UTC", "hold", "https://x/y", "http://x", "'https://[::1%1]'",
     "{{", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "whsec_", "canceled", "cancelled",
     "more.yaml", "'*.yaml'", "'**'", "'['", '"\\0"', '"\\n"', "!!python/name:os.system x", "&a x", "*a", ".inf",
     "9e999", "'\\'", "|-\n  x", "0x" + "f" * 99, "9" * 5000]
)  # fmt: skip
FLOW = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(st.tuples(KEYS, inner), max_size=5).map(
            lambda pairs: f"{{{', '.join(f'{key}: {value}' for key, value in pairs)}}}"
        ),
    ),
    max_leaves=12,
)
FILES = st.lists(st.tuples(KEYS, FLOW), max_size=7).map(
    lambda pairs: "".join(f"{key}: {value}\n" for key, value in pairs).encode()
)
GOOD = b"api: {token: t}\nchannels: {team: json://x}\ninclude: more.yaml\n"
CHANNEL = (
    b"api: {token: t}\nchannels:\n  team: {url: json://x, fallback: hook, fallback_after: 1m, pace: 1/s, "
    b"quiet: {from: '22:00', to: '7:00', timezone: Europe/Berlin, except: [failed]}, templates: {ready: {title: x}}}\n"
    b"  hook: {webhook: https://x/y, secret: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=, on_uncertain: hold}\n"
)


@settings(deadline=None)
@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbf")
@example(b"[" * 100_000)
def test_any_bytes_are_loaded_or_refused(content: bytes) -> None:
    load_bytes(content)


@settings(deadline=None)
@given(st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_text_is_loaded_or_refused(content: bytes) -> None:
    load_bytes(content)


@settings(deadline=None)
@example(b"", b"channels: team\nchannels: {api: team, api: team}\n")  # a flaw of a section, and one of an entry in it
@given(FILES, FILES)
def test_any_mapping_of_known_words_is_loaded_or_refused(main: bytes, included: bytes) -> None:
    load_bytes(main, included)
    load_bytes(GOOD, included)


@settings(deadline=None)
@given(st.data())
def test_a_good_file_with_a_part_cut_out_or_put_in_is_loaded_or_refused(data: st.DataObject) -> None:
    good = (
        data.draw(st.sampled_from([GOOD, CHANNEL]))
        + b"defaults: {notify: team, on: [ready], every: 30s}\nwatches:\n  - {snapshot: s_1, labels: {a: b}}\n"
    )
    begin = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(begin, min(begin + 10, len(good))))
    load_bytes(good[:begin] + data.draw(st.binary(max_size=4)) + good[end:], b"watches: []")


@settings(deadline=None)
@given(st.lists(st.tuples(KEYS, FLOW), max_size=6), st.lists(st.tuples(KEYS, FLOW), max_size=6))
def test_any_channel_of_known_words_is_loaded_or_refused(
    one: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    entries = [", ".join(f"{key}: {value}" for key, value in pairs) for pairs in (one, other)]
    channels = f"channels: {{team: {{{entries[0]}}}, x: {{{entries[1]}}}}}\ntemplates: {{ready: {{{entries[0]}}}}}\n"
    load_bytes(b"api: {token: t}\n" + channels.encode())
