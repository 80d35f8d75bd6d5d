"""An answer that the client has already is not sent again."""

import pytest

from notifier.web.api.etags import etag, unchanged

TAG = etag(b"{}")


def test_a_tag_is_weak_and_depends_on_the_body_alone() -> None:
    assert etag(b"{}") == TAG != etag(b"[]")
    assert TAG.startswith('W/"')


@pytest.mark.parametrize("given", [TAG, TAG.removeprefix("W/"), f'"other", {TAG}', "*", f" {TAG} "])
def test_the_tag_is_found_weak_or_strong_alone_or_among_others(given: str) -> None:
    assert unchanged(given, TAG)


@pytest.mark.parametrize("given", [None, "", '"other"', 'W/"other"', TAG.strip('W/"'), '"', "W/"])
def test_another_tag_or_none_is_a_change(given: str | None) -> None:
    assert not unchanged(given, TAG)
