"""Services of Apprise as a reader sees them: where their texts are in a request, and how they are shown."""

import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qs

import requests
import urllib3

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
    """Reads the value at a path of a JSON body."""

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
    """A service: its URL, where its texts are in a request, the markup that its texts may have, and how it is read."""

    url: str
    texts: tuple[Callable[[requests.PreparedRequest], str], ...]
    alive: tuple[str, ...] = ()
    read: Callable[[str], str] = plain
    raw: str = "*x*"
    title: Callable[[requests.PreparedRequest], str] | None = None  # a title without markup
    short: bool = False  # does not accept a message with all of the words


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
"""What any of the services may answer on success."""


@dataclass
class Requests:
    """The requests that were sent, each answered with success."""

    seen: list[requests.PreparedRequest] = field(default_factory=list)
    title: str = ""

    def send(self, adapter: object, request: requests.PreparedRequest, **_: object) -> requests.Response:
        """Keep the request and answer with success."""
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
