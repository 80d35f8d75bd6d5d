"""Names, reasons and labels are literal: they mention nobody, do not format and do not link, at any service.

Each service is checked by the raw text of its request, by the markup that its documentation describes, and by what a
person reads.
"""

import re
from collections.abc import Mapping
from html import unescape

import pytest
import requests
from support.deliveries import event_about
from support.fakes import transition, watch
from support.message_services import LINES, SERVICES, Requests

from notifier.channels.apprise.channel import AppriseChannel
from notifier.channels.templates.render import Renderer
from notifier.config.model import Template
from notifier.core.delivery.message_text import message
from notifier.core.delivery.model import Deliverable, Event, OutcomeKind
from notifier.core.delivery.routing import event_of
from notifier.core.snapshot.model import Facts
from notifier.delivery.senders import MessageSender

WORDS = [
    *("@everyone", "@here", "@channel", "@all", "@room", "@**all**", "@_**all**", "@*team*", "{@participants}"),
    *("<!channel>", "<!here|here>", "<@U123>", "<#C1>", '<at user_id="all">all</at>', "<at>all</at>", "<users/all>"),
    *("**bold**", "*bold*", "_italic_", "__x__", "`code`", "~~gone~~", "~town-square", "||spoiler||", ":smile:"),
    *("[bank](https://evil.example)", "<https://evil.example|bank>", "![x](https://evil.example/x.png)"),
    *("<b>bold</b>", "<script>", "&lt;b&gt;", "a < b > c", r"\*", "a_b_c", "2026-11-29"),
    *("[CQ:at,qq=all]", "(met)all(met)", "(rol)123(rol)", "(spl)x(spl)", "$[tada x]", "!!spoiler!!"),
    *("<@&123>", "<@!123>", "<@all>", "<@personEmail:a@b.example>", "@**topic**", "#**channel**", "nostr:npub1x"),
    *("@team/owners", "#12", "owner/repo#12", "GH-12", "u/somebody", "/r/board", "<user userId='u:1'>x</user>"),
]  # fmt: skip
GROUPS = [WORDS[start : start + 6] for start in range(0, len(WORDS), 6)]
AT_LINE_STARTS = ["# heading", "> quote", "- item", "+ item", "1. first", "2) second", "==="]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Requests:
    sent = Requests()
    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", lambda *args, **options: sent.send(*args, **options))
    return sent


def hostile(words: list[str], status: str = "failed") -> Event:
    text = " ".join(words)
    return event_of(
        transition(status, Facts(error_message=text, error_codes=((text[:100], 2),))),
        watch(name=text[:110], labels={"team": text}),
    )


def sender(url: str, monkeypatch: pytest.MonkeyPatch, templates: Mapping[str, Template] | None = None) -> MessageSender:
    channel = AppriseChannel(name="chat", url=url, redact=str)
    monkeypatch.setattr(type(channel._apprise[0]), "request_rate_per_sec", 0)
    return MessageSender(channel, Renderer(templates or {}), lambda *_: None)


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize("words", GROUPS, ids=lambda words: words[0])
async def test_foreign_text_is_literal(
    name: str, words: list[str], sent: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, event = SERVICES[name], hostile(words)
    outcome = await sender(service.url, monkeypatch).send([event])
    assert outcome.kind is OutcomeKind.DELIVERED, outcome
    texts = sent.texts(service)
    for text, alive in ((text, alive) for text in texts for alive in service.alive):
        assert not re.search(alive, text), (alive, text)
    assert event.id in texts[0]
    seen = service.read("\n".join(texts))
    if service.short:
        assert message(event).title.startswith(seen.partition("…")[0].partition(": failed")[0])
        return
    assert "2026-11-23" in texts[0]
    assert " ".join(words) in seen
    assert message(event).title in f"{sent.title}\n{seen}"


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in ("pushover", "ntfy", "gotify", "json")])
async def test_a_template_may_mention_format_and_link_but_its_values_may_not(
    name: str, sent: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, event = SERVICES[name], hostile(WORDS[:4] + WORDS[16:18])
    templates = {"failed": Template(title="{{ name }}", body=service.raw + "\n{{ name }}\n{{ error_message }}")}
    outcome = await sender(service.url, monkeypatch, templates).send([event])
    assert outcome.kind is OutcomeKind.DELIVERED, outcome
    text = sent.texts(service)[0]
    assert text.count(service.raw) == 1
    for alive in service.alive:
        assert not re.search(alive, text.replace(service.raw, "")), alive
    assert event.id in text


@pytest.mark.parametrize("name", ["discord", "teams", "mattermost", "rocket", "zulip", "google chat"])
@pytest.mark.parametrize("start", AT_LINE_STARTS)
async def test_no_line_becomes_a_heading_a_quote_or_a_list(
    name: str, start: str, sent: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, event = SERVICES[name], hostile([start, "x"])
    await sender(service.url, monkeypatch, {"failed": Template(body="Why:\n{{ error_message }}")}).send([event])
    (text, *_) = sent.texts(service)
    assert not re.search(LINES[0], text), text
    assert f"{start} x".replace("  ", " ") in service.read(text)


async def test_forty_events_reach_telegram_with_all_their_ids(sent: Requests, monkeypatch: pytest.MonkeyPatch) -> None:
    """Apprise made `&nbsp;` of each space and cut after that: 31 ids arrived of 40 that were called delivered."""
    messages = sender(SERVICES["telegram"].url, monkeypatch)
    waiting: list[Deliverable] = [event_about(f"s_{number}", "failed") for number in range(40)]
    while waiting:
        going = messages.batchable(waiting)
        assert (await messages.send(going)).kind is OutcomeKind.DELIVERED
        (text,) = sent.texts(SERVICES["telegram"])
        assert [each.id for each in going if each.id not in text] == []
        assert len(unescape(text).encode("utf-16-le")) // 2 <= 4_096
        waiting = [each for each in waiting if each not in going]
        sent.seen.clear()
