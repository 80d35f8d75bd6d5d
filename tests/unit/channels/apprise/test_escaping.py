"""Names, reasons and labels arrive as they are: no service calls anybody, formats or links because of them.

Each row is a service with the raw text that it gets over the wire, what would be alive in such a text (by the service's
own documentation), and what a person reads of it.
"""

import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import urllib3
from support.deliveries import event_about
from support.fakes import transition, watch

from notifier.channels.apprise.channel import AppriseChannel
from notifier.channels.templates.render import Renderer
from notifier.config.model import Template
from notifier.core.delivery.message import message
from notifier.core.delivery.model import Deliverable, Event, OutcomeKind
from notifier.core.delivery.routing import event_of
from notifier.core.model import Facts
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

MARKDOWN = (r"(?<!\\)[*`]", r"(?<!\\)~~", r"(?<!\\)\|\|", r"(?<!\\)\[[^\]\n]*\]\(", r"(?<![\\\w])_|(?<!\\)_(?!\w)")
LINES = (r"(?m)^\s*(#|>|-|\+|\d+[.)])\s",)
CHAT = (*MARKDOWN, *LINES, r"(?i)@(everyone|here|channel|all|room)\b", r"<[@#!:]", r":smile:")
VEILED = (
    r"[*`~]",
    r"\]\(",
    r"\|\|",
    r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])",
    *LINES,
    r"(?i)@(here|all|channel)",
    ":smile:",
)


def plain(text: str) -> str:
    return text.replace("\N{WORD JOINER}", "")


def unescaped(text: str) -> str:
    return plain(re.sub(r"\\([^\w\s]|_)", r"\1", text))


def unveiled(text: str) -> str:
    return plain(text).translate(str.maketrans("∗ˋ∼ˍ", "*`~_"))


def html(text: str) -> str:
    return plain(unescape(re.sub(r"</?b>", "", text)))


def _json(request: requests.PreparedRequest) -> Any:
    return json.loads(request.body if isinstance(request.body, str | bytes) else "{}")


def content(*path: str | int) -> Callable[[requests.PreparedRequest], str]:
    """What stands at a path of a JSON body."""

    def found(request: requests.PreparedRequest) -> str:
        value: Any = _json(request)
        for step in path:
            value = value[step]
        return str(value)

    return found


def form(name: str) -> Callable[[requests.PreparedRequest], str]:
    return lambda request: parse_qs(str(request.body))[name][0]


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service: its URL, where its texts stand in a request, what is alive in its text, and how it is read."""

    url: str
    texts: tuple[Callable[[requests.PreparedRequest], str], ...]
    alive: tuple[str, ...] = ()
    read: Callable[[str], str] = plain
    raw: str = "*x*"
    title: Callable[[requests.PreparedRequest], str] | None = None  # one that the service never reads markup in
    short: bool = False  # takes no message with all of the words


def _teams(request: requests.PreparedRequest) -> str:
    card = _json(request)["attachments"][0]["content"]["body"]
    (block,) = [each for each in card if each["type"] == "TextBlock"]
    assert block["wrap"] is True
    title, _, rest = block["text"].partition("\n\n")
    assert title.startswith("**")
    assert title.endswith("**")
    return f"{title[2:-2]}\n{rest}"


SERVICES = {
    "slack": Service(
        url="slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/",
        texts=(content("attachments", 0, "text"), content("attachments", 0, "title")),
        alive=("<",),
        read=lambda text: plain(unescape(text)),
        raw="<!channel> <https://e.example|here>",
    ),
    "telegram": Service(
        url="tgram://123456789:abcdefghijklmnopqrstuvwxyzABCDEFGHI/123",
        texts=(content("text"),),
        alive=(r"<(?!/?b>)", r"(?i)@(everyone|all)\b"),
        read=html,
        raw="@durov https://e.example",
    ),
    "discord": Service(
        url="discord://1234567890/abcdefghijklmnop",
        texts=(content("content"),),
        alive=CHAT,
        read=unescaped,
        raw="@everyone **x** [x](https://e.example)",
    ),
    "teams": Service(
        url="workflows://example.com:443/WFID12345678/SIGNATURE12345678/",
        texts=(_teams,),
        alive=(*MARKDOWN, *LINES, "<at>"),
        read=unescaped,
        raw="<at>somebody@example.com</at> [x](https://e.example)",
    ),
    "mattermost": Service(
        url="mmost://example.com/abcdefghijklmnopqrstuvwxyz",
        texts=(content("text"),),
        alive=(*CHAT, r"(?<!\\)~town"),
        read=unescaped,
        raw="@channel **x**",
    ),
    "rocket": Service(
        url="rocket://user:password@example.com/#room",
        texts=(content("text"),),
        alive=(*VEILED, r"<https?:[^>]*\|"),
        read=unveiled,
        raw="@all *x*",
    ),
    "zulip": Service(
        url="zulip://bot@org/abcdefghijklmnopqrstuvwxyz012345/channel",
        texts=(form("content"),),
        title=form("topic"),
        alive=(*VEILED, r"@_?\*"),
        read=unveiled,
        raw="@**all** *x*",
    ),
    "matrix": Service(
        url="matrix://user:password@example.com/!room:example.com",
        texts=(content("body"),),
        alive=("@room",),
        raw="@room",
    ),
    "lark": Service(
        url="lark://abcdefghijklmnopqrstuvwxyz",
        texts=(content("content", "text"),),
        alive=("<at", "@all"),
        raw='<at user_id="all">all</at>',
    ),
    "feishu": Service(
        url="feishu://abcdefghijklmnopqrstuvwxyz",
        texts=(content("content", "text"),),
        alive=("<at", "@all"),
        raw='<at user_id="all">all</at>',
    ),
    "google chat": Service(
        url="gchat://workspace/key/token",
        texts=(content("text"),),
        alive=(*VEILED, "<users/", r"<https?:[^>]*\|"),
        read=unveiled,
        raw="<users/all> *x* <https://e.example|x>",
    ),
    "slack in Markdown": Service(
        url="slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/?format=markdown",
        texts=(content("attachments", 0, "text"),),
        title=lambda request: unescape(content("attachments", 0, "title")(request)),
        alive=("<", r"(?m)^&gt;", *VEILED),
        read=lambda text: unveiled(unescape(text)),
        raw="<!channel> *x*",
    ),
    "slack in blocks": Service(
        url="slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/?blocks=yes",
        texts=(
            content("attachments", 0, "blocks", 1, "text", "text"),
            content("attachments", 0, "blocks", 0, "text", "text"),
        ),
        alive=("<",),
        read=lambda text: plain(unescape(text)),
        raw="<!channel>",
    ),
    "dingtalk": Service(
        url="dingtalk://abcdefghijklmnop",
        texts=(content("text", "content"),),
        alive=(r"(?i)@(all|here|everyone)\b",),
        raw="@15551112222",
    ),
    "dingtalk in Markdown": Service(
        url="dingtalk://abcdefghijklmnop?format=markdown",
        texts=(lambda request: content("markdown", "text")(request).removeprefix("# "),),
        alive=VEILED,
        read=lambda text: unveiled(text.replace("  \n", "\n")),
        raw="**x** [x](https://e.example)",
    ),
    "wecom": Service(
        url="wecombot://633a31f6-7f9c-4bc4-97a0-0ec1eefa5898",
        texts=(content("text", "content"),),
        alive=("<@",),
        raw="<@somebody>",
    ),
    "flock": Service(
        url="flock://abcdefgh-1234-1234-1234-abcdefghijkl",
        texts=(lambda request: re.sub(r"</?flockml>|</b><br/>", "\n", content("flockml")(request)).replace("<b>", ""),),
        alive=("<",),
        read=lambda text: plain(unescape(text)),
        raw="@somebody",
    ),
    "flock in HTML": Service(
        url="flock://abcdefgh-1234-1234-1234-abcdefghijkl?format=html",
        texts=(lambda request: re.sub(r"</?flockml>|</?b>|<br/>", "", content("flockml")(request)),),
        alive=("<",),
        read=lambda text: plain(unescape(text)),
        raw="@somebody",
    ),
    "guilded": Service(
        url="guilded://1234567890/abcdefghijklmnop",
        texts=(content("content"),),
        alive=CHAT,
        read=unescaped,
        raw="@everyone **x**",
    ),
    "revolt": Service(
        url="revolt://token1234567890/01ABCDEFGHIJKLMNOPQRSTUVWX",
        texts=(content("embeds", 0, "description"), content("embeds", 0, "title")),
        alive=(*CHAT, "!!", r"\$\$"),
        read=unescaped,
        raw="<@01ABCDEFGHIJKLMNOPQRSTUVWX> **x**",
    ),
    "nextcloud talk": Service(
        url="nctalks://user:password@example.com/roomid",
        texts=(content("message"),),
        alive=CHAT,
        read=unescaped,
        raw="@all **x**",
    ),
    "webex": Service(
        url=f"wxteams://{'a' * 80}",
        texts=(content("markdown"),),
        alive=CHAT,
        read=unescaped,
        raw="<@all> **x**",
    ),
    "kook": Service(
        url="kook://bottoken12345/123456789",
        texts=(content("content"),),
        alive=(*VEILED, r"\((met|rol|chn|emj|ins|spl)\)"),
        read=lambda text: unveiled(text.replace("\\\\", "\\")),
        raw="(met)all(met) **x**",
    ),
    "onebot": Service(
        url="onebot://example.com/123456",
        texts=(content("message", 0, "data", "text"),),
        alive=(*VEILED, r"\[CQ:"),
        read=unveiled,
        raw="[CQ:at,qq=all]",
    ),
    "misskey": Service(
        url="misskey://access_token@example.com",
        texts=(content("text"),),
        alive=(*VEILED, r"\$\["),
        read=unveiled,
        raw="@somebody $[tada x]",
        short=True,
    ),
    "mastodon": Service(
        url="mastodon://token@example.com",
        texts=(content("status"),),
        alive=(r"(?<![\w.+-])@\w",),
        raw="@somebody",
        short=True,
    ),
    "github": Service(
        url="github://token@owner/repo",
        texts=(content("body"),),
        title=content("title"),
        alive=(*CHAT, r"(?<![\w.+-])@\w", r"#\d", r"GH-\d"),
        read=unescaped,
        raw="@owner/team #12 **x**",
    ),
    "reddit": Service(
        url="reddit://user:password@app-id/app-secret/subreddit",
        texts=(form("text"),),
        title=form("title"),
        alive=(*MARKDOWN, *LINES, r"(?<!\w)[ur]/\w"),
        read=unescaped,
        raw="u/somebody **x**",
    ),
    "home assistant": Service(
        url="hassio://example.com/long.lived.token",
        texts=(content("message"),),
        title=content("title"),
        alive=VEILED,
        read=lambda text: unveiled(text.replace("  \n", "\n")),
        raw="**x** [x](https://e.example)",
    ),
    "serverchan": Service(
        url="schan://abcdefghijklmnop",
        texts=(form("desp"),),
        title=form("title"),
        alive=VEILED,
        read=lambda text: unveiled(text.replace("  \n", "\n")),
        raw="**x**",
    ),
    "twist": Service(
        url="twist://password:user1@example.com/12345:67890",
        texts=(form("content"),),
        title=form("title"),
        alive=(*MARKDOWN, *LINES),
        read=unescaped,
        raw="[x](twist-mention://1)",
    ),
    "ryver": Service(
        url="ryver://org/ABCDEFGHIJKLMNO",
        texts=(lambda request: content("body")(request).replace("**", ""),),
        alive=CHAT,
        read=unescaped,
        raw="@somebody",
    ),
    "humhub": Service(
        url="humhub://token@example.com/12",
        texts=(content("data", "message"),),
        alive=CHAT,
        read=unescaped,
        raw="**x**",
    ),
    "zoom": Service(
        url="zoom://webhookid1234567890/token1234567890",
        texts=(content("content", "body", 0, "text"), content("content", "head", "text")),
        alive=(r"<[!@#h]",),
        raw="<!all>",
    ),
    "signal": Service(
        url="signal://example.com/+15551112222/+15551113333", texts=(content("message"),), alive=VEILED, read=unveiled
    ),
    "notifiarr": Service(
        url="notifiarr://apikey1234/1234567890",
        texts=(content("discord", "text", "description"), content("discord", "text", "title")),
        alive=CHAT,
        read=unescaped,
        raw="<@1> **x**",
    ),
    "line": Service(url="line://token1234567890/UserID", texts=(content("messages", 0, "text"),)),
    "pushover": Service(url=f"pover://{'u' * 30}@{'t' * 30}", texts=(form("message"), form("title"))),
    "ntfy": Service(url="ntfy://example.com/topic", texts=(content("message"), content("title"))),
    "gotify": Service(url="gotify://example.com/token1234567890", texts=(content("message"), content("title"))),
    "json": Service(url="json://example.com/hook", texts=(content("message"), content("title"))),
}

_ANSWER: Mapping[str, object] = {
    "ok": True,
    "success": True,
    "result": "success",
    "status": 1,
    "code": 0,
    "StatusCode": 0,
    "access_token": "t",
    "home_server": "h",
    "user_id": "@u:h",
    "room_id": "!r:h",
    "event_id": "$e",
    "data": {"authToken": "t", "userId": "u"},
}
"""What any of them may ask for when all is well."""


@dataclass
class Exchange:
    """What left for the far sides."""

    seen: list[requests.PreparedRequest] = field(default_factory=list)
    title: str = ""

    def send(self, adapter: object, request: requests.PreparedRequest, **_: object) -> requests.Response:
        """Keep it and answer that all is well."""
        self.seen.append(request)
        answer = requests.Response()
        answer.status_code, answer.request, answer.url = 200, request, str(request.url)
        content = b"ok" if "slack" in answer.url else json.dumps(_status(answer.url)).encode()
        answer.raw = urllib3.HTTPResponse(body=io.BytesIO(content), status=200, preload_content=False)
        return answer

    def texts(self, service: Service) -> list[str]:
        """The texts of the request that has the message."""
        for request in self.seen:
            try:
                self.title = service.title(request) if service.title else ""
                return [text(request) for text in service.texts]
            except (KeyError, ValueError, TypeError, IndexError):
                continue
        raise AssertionError([str(request.body) for request in self.seen])


def _status(url: str) -> Mapping[str, object]:
    return {**_ANSWER, "status": "success"} if "/api/v1/login" in url else _ANSWER


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Exchange:
    wire = Exchange()
    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", lambda *args, **options: wire.send(*args, **options))
    return wire


def hostile(words: list[str], status: str = "failed") -> Event:
    text = " ".join(words)
    return event_of(
        transition(status, Facts(error_message=text, error_codes=((text[:100], 2),))),
        watch(name=text[:110], labels={"team": text}),
    )


def spoken(url: str, monkeypatch: pytest.MonkeyPatch, templates: Mapping[str, Template] | None = None) -> MessageSender:
    channel = AppriseChannel(name="chat", url=url, redact=str)
    monkeypatch.setattr(type(channel._apprise[0]), "request_rate_per_sec", 0)
    return MessageSender(channel, Renderer(templates or {}), lambda *_: None)


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize("words", GROUPS, ids=lambda words: words[0])
async def test_what_others_wrote_is_literal(
    name: str, words: list[str], wire: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, event = SERVICES[name], hostile(words)
    outcome = await spoken(service.url, monkeypatch).send([event])
    assert outcome.kind is OutcomeKind.DELIVERED, outcome
    texts = wire.texts(service)
    for text, alive in ((text, alive) for text in texts for alive in service.alive):
        assert not re.search(alive, text), (alive, text)
    assert event.id in texts[0]
    seen = service.read("\n".join(texts))
    if service.short:
        assert message(event).title.startswith(seen.partition("…")[0].partition(": failed")[0])
        return
    assert "2026-11-23" in texts[0]
    assert " ".join(words) in seen
    assert message(event).title in f"{wire.title}\n{seen}"


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in ("pushover", "ntfy", "gotify", "json")])
async def test_a_template_may_call_format_and_link_and_its_values_may_not(
    name: str, wire: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, event = SERVICES[name], hostile(WORDS[:4] + WORDS[16:18])
    templates = {"failed": Template(title="{{ name }}", body=service.raw + "\n{{ name }}\n{{ error_message }}")}
    outcome = await spoken(service.url, monkeypatch, templates).send([event])
    assert outcome.kind is OutcomeKind.DELIVERED, outcome
    text = wire.texts(service)[0]
    assert text.count(service.raw) == 1
    for alive in service.alive:
        assert not re.search(alive, text.replace(service.raw, "")), alive
    assert event.id in text


@pytest.mark.parametrize("name", ["discord", "teams", "mattermost", "rocket", "zulip", "google chat"])
@pytest.mark.parametrize("start", AT_LINE_STARTS)
async def test_no_line_becomes_a_heading_a_quote_or_a_list(
    name: str, start: str, wire: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, event = SERVICES[name], hostile([start, "x"])
    await spoken(service.url, monkeypatch, {"failed": Template(body="Why:\n{{ error_message }}")}).send([event])
    (text, *_) = wire.texts(service)
    assert not re.search(LINES[0], text), text
    assert f"{start} x".replace("  ", " ") in service.read(text)


async def test_forty_events_reach_telegram_with_all_their_ids(wire: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """Apprise made `&nbsp;` of each space and cut after that: 31 ids arrived of 40 that were called delivered."""
    voice = spoken(SERVICES["telegram"].url, monkeypatch)
    waiting: list[Deliverable] = [event_about(f"s_{number}", "failed") for number in range(40)]
    while waiting:
        going = voice.batchable(waiting)
        assert (await voice.send(going)).kind is OutcomeKind.DELIVERED
        (text,) = wire.texts(SERVICES["telegram"])
        assert [each.id for each in going if each.id not in text] == []
        assert len(unescape(text).encode("utf-16-le")) // 2 <= 4_096
        waiting = [each for each in waiting if each not in going]
        wire.seen.clear()
