"""An Apprise URL that can be a channel is accepted, and any other refused with the reason and without quoting it."""

import pytest

from notifier.channels.apprise.channel import AppriseChannel
from notifier.channels.apprise.url_check import check_url

CANARY = "canary7f3acanary7f3a"


class TestCheckUrl:
    @pytest.mark.parametrize(
        "url",
        [
            "json://localhost/hook",
            "JSON://localhost/hook",
            "mailto://user:password@example.com",
            "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
            "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
            "json://localhost/?rto=1",
        ],
    )
    def test_a_good_url_is_accepted(self, url: str) -> None:
        assert check_url(url) is None
        AppriseChannel(name="hook", url=url, redact=lambda text: text)

    @pytest.mark.parametrize(
        ("url", "why"),
        [
            (f"slak://{CANARY}", "Apprise knows no service 'slak'"),
            (f"slack://{CANARY}", "Apprise refuses this slack:// URL"),
            ("slack://", "Apprise refuses this slack:// URL"),
        ],
    )
    def test_a_bad_url_is_refused_without_quoting_it(self, url: str, why: str) -> None:
        found = check_url(url)
        assert found is not None
        assert found.startswith(why)
        assert CANARY not in found


def test_a_url_that_leaves_no_room_for_a_message_is_refused() -> None:
    crowd = "/".join(f"@somebody{number:03}" for number in range(60))
    assert check_url("mastodon://token@example.com/@somebody") is None
    assert (check_url(f"mastodon://token@example.com/{crowd}") or "").startswith("it leaves no room for a message")
