"""The entries of a watch are found in the files, and the values of a new one are checked before it is written."""

from pathlib import Path

import pytest

from notifier.config.edit.watch_entries import find_entries
from notifier.config.edit.watch_file import NewWatch, entry_errors


def test_an_entry_is_alone_in_an_included_file_without_other_content(tmp_path: Path) -> None:
    main = tmp_path / "config.yaml"
    main.write_text("watches:\n  - {snapshot: s_main}\ninclude: [w/*.yaml]\n")
    (tmp_path / "w").mkdir()
    (tmp_path / "w/one.yaml").write_text("# mine\nwatches:\n  - {snapshot: s_one, id: first}\n")
    (tmp_path / "w/two.yaml").write_text("watches:\n  - {snapshot: s_two}\n  - {dataset: gd_three}\n")
    found = {id_: find_entries(main, {}, id_) for id_ in ("s_main", "first", "s_one", "s_two", "gd_three")}
    assert {id_: [(each.path.name, each.line, each.index, each.alone) for each in of] for id_, of in found.items()} == {
        "s_main": [("config.yaml", 2, 0, False)],
        "first": [("one.yaml", 3, 0, True)],
        "s_one": [],
        "s_two": [("two.yaml", 2, 0, False)],
        "gd_three": [("two.yaml", 3, 1, False)],
    }


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (NewWatch(snapshot_id="s_1", notify=["taem"]), "did you mean 'team'"),
        (NewWatch(snapshot_id="s_1", every="30"), "every: "),
        (NewWatch(dataset_id="gd 1"), "dataset: "),
    ],
)
def test_an_invalid_value_is_reported_before_writing(entry: NewWatch, said: str) -> None:
    assert said in "\n".join(entry_errors(entry, frozenset({"team"})))


def test_a_valid_entry_has_no_errors() -> None:
    assert entry_errors(NewWatch(dataset_id="gd_1", every="1m", on=["failed"], labels={"a": "b"}), frozenset()) == []
