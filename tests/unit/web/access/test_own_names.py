"""Which names and origins are this daemon's own."""

import pytest

from notifier.web.access.own_names import is_loopback_name, is_same_host, origin_of


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8787", "LOCALHOST", "notifier.localhost:1", "127.0.0.1:8787", "[::1]:8787", None],
)
def test_this_machines_names_for_itself_are_its_own(host: str | None) -> None:
    assert is_loopback_name(host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8787",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "192.168.0.1",
        "[::2]",
        "",
        ":",
    ],
)
def test_any_other_name_is_not(host: str) -> None:
    assert not is_loopback_name(host)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://notifier.example", "https://notifier.example:443"),
        ("https://Notifier.example:443/path", "https://notifier.example:443"),
        ("http://[::1]:8787", "http://::1:8787"),
        ("null", None),
        ("", None),
        ("file://", None),
        ("https://x:port", None),
    ],
)
def test_an_origin_is_compared_by_scheme_host_and_port(url: str, origin: str | None) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://127.0.0.1:8787", "127.0.0.1:8787", True),
        ("https://notifier.example", "notifier.example", True),
        ("https://notifier.example", "notifier.example:443", True),
        ("https://notifier.example", "evil.example", False),
        ("http://127.0.0.1:1", "127.0.0.1:8787", False),
        ("null", "127.0.0.1:8787", False),
        ("http://127.0.0.1:8787", None, False),
    ],
)
def test_a_page_and_its_daemon_have_one_host(origin: str, host: str | None, same: bool) -> None:
    assert is_same_host(origin, host) is same
