"""An incremental load gives the result of a full one, and only saves time."""

from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.config.incremental import ConfigPart, ConfigParts, KnownFiles, combine, reserved_names
from notifier.config.load import Checks, load_parts
from notifier.config.model import Config
from notifier.config.yaml import parser
from notifier.core.errors import ConfigurationRefused
from unit.config.conftest import CHECKS, ENVIRON

MAIN = 'api: {{token: t0ken}}\nchannels: {channels}\ndefaults: {defaults}\ninclude: ["*.yml"]\n'

channels = st.sampled_from(['{team: "json://a"}', '{team: "json://b"}', '{team: "json://a", ops: "json://c"}'])
defaults = st.sampled_from(["{notify: [team]}", "{notify: team, every: 1m}", "{}", "{notify: [nobody]}"])
entries = st.builds(
    "- {{{}: {}, {}}}\n".format,
    st.sampled_from(["snapshot", "snapshot", "dataset"]),
    st.sampled_from("abcdefgh"),
    st.sampled_from(
        [
            "name: x",
            "on: [faild]",
            "download: out",
            "id: a",
            "id: c",
            "notify: [ops]",
            "notify: [team]",
            "evry: 5s",
            'name: "${PLAIN}"',
        ]
    ),
)
texts = st.one_of(
    st.lists(entries, max_size=3).map(lambda some: "watches:\n" + "".join(some)), st.sampled_from(["", "watches: ["])
)
folders = st.builds(
    lambda main, files: {"config.yaml": main, **files},
    st.builds(lambda channels, defaults: MAIN.format(channels=channels, defaults=defaults), channels, defaults),
    st.dictionaries(st.sampled_from(["1.yml", "2.yml", "3.yml", "4.yml"]), texts),
)


def put(folder: Path, files: dict[str, str]) -> None:
    for old in folder.iterdir():
        old.unlink()
    for name, text in files.items():
        (folder / name).write_text(text)


def read(folder: Path, known: KnownFiles) -> ConfigParts | list[str]:
    try:
        return load_parts(folder / "config.yaml", environ=ENVIRON, checks=CHECKS, known=known)
    except ConfigurationRefused as refusal:
        return [str(problem) for problem in refusal.problems]


def known_of(parts: ConfigParts, before: dict[Path, ConfigPart]) -> KnownFiles:
    files = [before[part.path] if part.watches is None else part for part in parts.files[1:]]
    return KnownFiles(
        rules=parts.rules,
        digests={str(part.path): part.digest for part in files},
        names={
            str(part.path): " ".join(chain.from_iterable(map(reserved_names, part.watches or ()))) for part in files
        },
    )


def config_of(parts: ConfigParts, before: dict[Path, ConfigPart]) -> Config:
    return combine(parts.frame, (before[part.path] if part.watches is None else part for part in parts.files))


@given(edits=st.lists(folders, min_size=2, max_size=4))
def test_an_incremental_load_equals_a_full_load(
    edits: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("x")
    known, before = KnownFiles(), dict[Path, ConfigPart]()
    for files in edits:
        put(folder, files)
        got, expected = read(folder, known), read(folder, KnownFiles())
        if isinstance(got, ConfigParts) and isinstance(expected, ConfigParts):
            assert config_of(got, before) == config_of(expected, {})
            known = known_of(got, before)
            before |= {part.path: part for part in got.files if part.watches is not None}
        else:
            assert got == expected


def test_only_changed_files_are_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main = MAIN.format(channels='{team: "json://a"}', defaults="{notify: [team]}")
    files = {"config.yaml": main, **{f"{name}.yml": f"watches: [{{snapshot: {name}}}]\n" for name in "abc"}}
    put(tmp_path, files)
    first = read(tmp_path, KnownFiles())
    assert isinstance(first, ConfigParts)
    parsed: list[str] = []
    parse = parser.parse

    def noting(text: str) -> object:
        parsed.append(text)
        return parse(text)

    monkeypatch.setattr(parser, "parse", noting)
    (tmp_path / "b.yml").write_text("watches: [{snapshot: b, name: B}]\n")
    second = read(tmp_path, known_of(first, {}))
    assert isinstance(second, ConfigParts)
    assert parsed == [main, "watches: [{snapshot: b, name: B}]\n"]
    assert [part.watches is None for part in second.files] == [False, True, False, True]


def test_the_warnings_of_unchanged_files_are_kept(tmp_path: Path) -> None:
    main = MAIN.format(channels='{team: "json://a"}', defaults="{notify: [team]}")
    put(tmp_path, {"config.yaml": main, **{f"{n}.yml": f"watches: [{{snapshot: {n}, on: faild}}]\n" for n in "ab"}})
    first = read(tmp_path, KnownFiles())
    assert isinstance(first, ConfigParts)
    before = {part.path: part for part in first.files}
    (tmp_path / "b.yml").write_text("watches: [{dataset: b, on: failed}]\n")
    second = read(tmp_path, known_of(first, {}))
    assert isinstance(second, ConfigParts)
    assert [Path(each.file).name for each in config_of(first, {}).warnings] == ["a.yml", "b.yml"]
    assert [Path(each.file).name for each in config_of(second, before).warnings] == ["a.yml"]


@pytest.mark.parametrize(
    ("channels", "defaults"),
    [('{team: "json://a", ops: "json://c"}', "{notify: [team]}"), ('{team: "json://a"}', "{notify: team, every: 1m}")],
)
def test_other_defaults_or_channel_names_parse_every_file_again(channels: str, defaults: str, tmp_path: Path) -> None:
    main = MAIN.format(channels='{team: "json://a"}', defaults="{notify: [team]}")
    put(tmp_path, {"config.yaml": main, "a.yml": "watches: [{snapshot: a}]\n"})
    first = read(tmp_path, KnownFiles())
    assert isinstance(first, ConfigParts)
    (tmp_path / "config.yaml").write_text(MAIN.format(channels=channels, defaults=defaults))
    second = read(tmp_path, known_of(first, {}))
    assert isinstance(second, ConfigParts)
    assert second.files[1].watches is not None


def test_only_new_urls_are_checked(tmp_path: Path) -> None:
    tried: list[str] = []
    checks = Checks(url=lambda url: tried.append(url))
    put(tmp_path, {"config.yaml": MAIN.format(channels='{a: "json://a", b: "json://b"}', defaults="{notify: [a]}")})
    load_parts(tmp_path / "config.yaml", environ=ENVIRON, checks=checks, known=KnownFiles(urls=frozenset({"json://a"})))
    assert tried == ["json://b"]
