"""Where a sign-in leads afterwards: never away."""

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.web.access.local_path import local_path


@pytest.mark.parametrize("path", ["/", "/watches/s_1", "/deliveries?state=dead&after=x%20y", "/watches/a/b"])
def test_a_path_of_the_daemon_stays(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "address",
    ["", "watches", "//evil.example", "/\\evil.example", "/\t/evil.example", "https://evil.example", "javascript:1",
     "/x\r\nSet-Cookie: a=b", "/" + "x" * 3000],
)  # fmt: skip
def test_anything_else_leads_to_the_first_page(address: str) -> None:
    assert local_path(address) == "/"


@given(st.text(alphabet="/\\\t\r\n.:@evilxample?#%", max_size=20))
def test_no_address_leaves_the_host(address: str) -> None:
    assert urlsplit(urljoin("http://own.example/sign-in", local_path(address))).netloc == "own.example"
