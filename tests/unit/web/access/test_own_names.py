"""By which names this machine answers without a token."""

import pytest

from notifier.web.access.own_names import is_own_name


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8787", "LOCALHOST", "notifier.localhost:1", "127.0.0.1:8787", "[::1]:8787", None],
)
def test_this_machines_names_for_itself_are_answered(host: str | None) -> None:
    assert is_own_name(host)


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
    assert not is_own_name(host)
