"""Which ids and which addresses the client takes."""

import pytest

from notifier.brightdata.http.paths import path_segment
from notifier.brightdata.http.requests import checked_base_url


@pytest.mark.parametrize("snapshot_id", ["s_m4x7enmven8djfqak", "j_1", "%2e%2e", "é", "a?b#c"])
def test_an_id_of_any_kind_is_quoted_into_one_segment(snapshot_id: str) -> None:
    segment = path_segment(snapshot_id)
    assert segment
    assert not set(segment) & set("/?#")


@pytest.mark.parametrize("snapshot_id", ["", ".", "..", "a/b", "x" * 201, "\ud800"])
def test_what_cannot_be_one_segment_is_refused(snapshot_id: str) -> None:
    assert path_segment(snapshot_id) is None


def test_a_base_url_loses_the_slash_at_its_end() -> None:
    assert checked_base_url("https://api.example.com/proxy/") == "https://api.example.com/proxy"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.com",
        "ftp://example.com",
        "https://",
        "https://user:pw@example.com",
        "https://example.com/?a=b",
        "https://example.com:port",
    ],
)
def test_what_is_no_base_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        checked_base_url(url)
