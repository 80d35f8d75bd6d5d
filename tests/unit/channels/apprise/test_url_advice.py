"""A URL that Apprise refuses is told apart: what it was meant to be, what is missing, which package it needs."""

import re
import tomllib
from pathlib import Path

import pytest
from apprise import Apprise, AppriseAsset
from apprise.plugins.mqtt import NotifyMQTT

from notifier.channels.apprise import url_advice
from notifier.channels.apprise.url_check import check_url

CANARY = "canary7f3acanary7f3a"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"https://hooks.slack.com/services/{CANARY}", "Slack's ends with three parts, T…/B…/…"),
        (f"slack://{CANARY}", "Slack's ends with three parts, T…/B…/…"),
        (f"slak://{CANARY}", "did you mean slack://?"),
        (f"mailtoss://user:{CANARY}@example.com", "did you mean mailtos://?"),
        (f"discord://{CANARY}", "Discord's ends with two parts"),
        (f"https://discord.com/api/webhooks/{CANARY}", "Discord's ends with two parts"),
        ("tgram://", "Telegram's has the bot's token and a chat"),
        ("gotify://", "it looks like gotify://HOST/TOKEN"),
        (f"https://example.com/{CANARY}", "for signed messages `webhook:` instead of `url:`"),
        (f"qqqqzzzz://{CANARY}", "see https://appriseit.com/services/"),
    ],
)
def test_the_advice_says_what_would_be_right_without_quoting_the_url(url: str, said: str) -> None:
    found = check_url(url)
    assert found is not None
    assert said in found
    assert CANARY not in found


def test_a_service_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NotifyMQTT, "enabled", False)
    url_advice._services.cache_clear()
    found = check_url(f"mqtt://user:{CANARY}@broker.example.com/topic")
    url_advice._services.cache_clear()
    assert found is not None
    assert "mqtt:// needs paho-mqtt >= 2.1.0" in found
    assert "`pip install 'notifier[mqtt]'`" in found
    assert CANARY not in found


def test_every_package_that_a_service_needs_is_in_an_extra() -> None:
    """Apprise's own list says which; but for a USB light."""
    project = tomllib.loads((Path(__file__).parents[4] / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]
    for entry in Apprise().details(show_requirements=True, show_disabled=True)["schemas"]:
        service = url_advice._service(entry)
        for package in service.packages:
            name = re.split("[ <>=]", package)[0]
            if name == "hidapi":
                continue
            for scheme in service.schemes:
                offered = extras[url_advice._EXTRAS[scheme]]
                assert name in {re.split("[ <>=]", each)[0] for each in offered}, scheme


def test_every_service_has_words() -> None:
    asset = AppriseAsset()
    for service in url_advice._services(asset):
        for scheme in service.schemes:
            found = url_advice.advice(f"{scheme}://{CANARY}", asset)
            assert f"{scheme}://" in found
            assert CANARY not in found
