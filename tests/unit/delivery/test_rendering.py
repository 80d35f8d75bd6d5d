"""Messages are rendered again in the words in which they are sent, whatever became of their channel."""

import json
from pathlib import Path

from support.fakes import event, notice
from support.web import empty_config

from notifier.config.model import Channel, Template, Webhook
from notifier.core.delivery.message_text import message
from notifier.delivery.rendering import plain, renderer_of

READY = event("ready", name="Nightly")
CHANNELS = {
    "chat": Channel(name="chat", url="json://127.0.0.1:9", templates={"ready": Template(title="{{ name }} is done")}),
    "hook": Channel(name="hook", webhook=Webhook(url="https://example.com/", secrets=("whsec_AAAA",))),
    "odd": Channel(name="odd", url="no-such-service://"),
}


def rendered(channel: str, *told: object) -> tuple[str | None, str]:
    from dataclasses import replace

    config = replace(empty_config(Path("config.yaml")), channels=CHANNELS)
    text = renderer_of(config)(channel, list(told) or [READY])  # type: ignore[arg-type]
    return text.title, text.body


def test_one_event_follows_the_template_of_its_channel() -> None:
    assert rendered("chat")[0] == "Nightly is done"


def test_several_go_as_a_digest_and_a_notice_without_a_template() -> None:
    title, body = rendered("chat", READY, event("failed", name="Hourly"))
    assert title is not None
    assert "2" in title
    assert all(name in body for name in ("Nightly", "Hourly"))
    assert rendered("chat", notice())[0] is not None


def test_a_webhook_gets_its_payload_and_no_title() -> None:
    title, body = rendered("hook")
    assert title is None
    assert json.loads(body)["data"]["event_id"] == READY.id


def test_a_channel_that_is_gone_or_odd_has_the_plain_message() -> None:
    assert rendered("gone") == (plain(READY).title, plain(READY).body)
    assert rendered("odd")[0] == message(READY).title
