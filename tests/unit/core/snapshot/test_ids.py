"""What can be an id of a snapshot or a dataset, and what is said of what cannot."""

from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.brightdata.http.paths import path_segment
from notifier.core.snapshot.ids import flaw_of_id

ID = "sd_mu3j5zf4i64vu5aoj"


@pytest.mark.parametrize(
    "text", [ID, "s_1", "snap_x", "j_1", "ucd_9", "gd_l1vikfnt1wgvvqz95w", "nullable", "é", "a.b", "x" * 200]
)
def test_any_one_word_can_be_an_id(text: str) -> None:
    assert flaw_of_id(text) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        (" \t", "it is empty"),
        (f'"{ID}"', "`jq -r`"),
        (f"'{ID}'", "quotes around it"),
        (f"“{ID}”", "quotes around it"),
        (f'{ID}"', "quotes around it"),
        ("null", "`jq`"),
        ("None", "field that is not there"),
        ("undefined", "field that is not there"),
        (f"{ID}\r", "Windows line ends"),
        (f"{ID}\r\n", "Windows line ends"),
        (f"{ID}\n", "a line end around it"),
        (f" {ID}", "a space"),
        (f"https://api.brightdata.com/datasets/v3/progress/{ID}", f"this is a URL: its last part is {ID}"),
        (f"https://brightdata.com/cp/data_api?id={ID}&tab=1", f"its last part is {ID}"),
        ("https://brightdata.com/", "give the id in it alone"),
        (f'{{"snapshot_id":"{ID}"}}', f"the id in it is {ID}: `jq -r .snapshot_id`"),
        ("[]", "this is JSON"),
        (f"out/{ID}.json", f"no slash in it: give {ID} alone"),
        ("a/b", "no slash"),
        ("a\\b", "no slash"),
        ("..", "folders"),
        (".", "folders"),
        (f"{ID} {ID}", "several ids as several words"),
        (f"{ID}\N{NO-BREAK SPACE}{ID}", "several words"),
        ("sd_\x00", "control character"),
        ("sd_\x1b[31m", "control character"),
        (f"{ID}\N{ZERO WIDTH SPACE}", "invisible"),
        ("sd_\udcff", "not UTF-8"),
        ("x" * 201, "201 characters"),
        ("sd_…", "cut off"),
        ("sd_mu3...", "cut off"),
    ],
)
def test_what_it_looks_like_is_said(text: str, said: str) -> None:
    flaw = flaw_of_id(text)
    assert flaw is not None
    assert said in flaw
    assert flaw.isprintable()
    assert path_segment(text) is None


def test_what_may_be_a_secret_is_not_repeated() -> None:
    flaw = flaw_of_id(f"https://user:{ID}@example.com/", quoting=False)
    assert flaw is not None
    assert ID not in flaw


@given(st.text(max_size=220))
def test_what_can_be_an_id_is_one_segment_of_a_path_and_one_name_of_a_file(text: str) -> None:
    if flaw_of_id(text) is None:
        assert path_segment(text) == quote(text, safe="")
        assert unquote(quote(text, safe="")) == text
        assert "/" not in text
        assert text not in (".", "..", "")
        assert text.isprintable()
