"""Escapes foreign text in the dialect of each service.

Names, reasons and labels are data: they must not mention anybody, nor format, nor link. Some services have a backslash
for that, some take HTML, some have nothing; for those, characters are replaced by similar ones, or an invisible word
joiner is put inside the sign. A template's own text is not data, and reaches the service as written.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from html import escape

from apprise import NotifyBase, NotifyFormat

Rewrite = Callable[[str], str]

_JOINER = "\N{WORD JOINER}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """How a service reads text.

    Attributes:
        format: the format given to Apprise, so that it converts nothing.
        literal: escapes data in a body, and in a title inside the body.
        title: escapes data in a title with a field of its own.
        finish: the last step for the complete text: line ends, and HTML for services that read it.
        line_end: ends a line in a finished text.
        heading: formats a title at the beginning of the body, after `literal`.
        titles: whether the service's own field for a title is used.
    """

    format: NotifyFormat
    literal: Rewrite = str
    title: Rewrite = str
    finish: Rewrite = str
    line_end: str = "\n"
    heading: Rewrite = str
    titles: bool = True


_URL = re.compile(r"https?://[^\s<>\[\]*`~|\\]+")
_CALL = re.compile(
    r"@(?=(?:everyone|here|channel|all|room|online|topic|stream|participants)\b)|(?<![\w.+-])@(?=\S)", re.IGNORECASE
)
"""A mention: the words for everybody, and any name that is not a mail address."""
_TAG = re.compile(r"<(?=[^\s<\d])")
"""The beginning of a tag, a mention or a masked link; not "a < b", and not "<3"."""
_EMOJI = re.compile(r":(?=[a-z][a-z0-9_+-]*:)", re.IGNORECASE)
_BLOCK = re.compile(r"^(?=[ \t]*(?:#|>|[-+=]|\d+[.)]))", re.MULTILINE)
"""The beginning of a heading, a quote or a list item."""
_LOOSE_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
"""Not inside a word, as in `evt_1`: no service reads that as emphasis."""
_ENTITY = re.compile(r"&(?=#?[0-9A-Za-z]{1,32};)")
_ALIKE = str.maketrans({"*": "∗", "`": "ˋ", "~": "∼"})


_PAIR = re.compile(r"\](?=\()|\|(?=\|)|\$(?=[$\[])|\\(?=[\[(])|\((?=(?:met|rol|chn|emj|ins|spl|font)\))|\[(?=CQ:)")
"""Pairs of signs that format, link or mention: a link, a spoiler, a formula, and tags in brackets."""


def calls_nobody(text: str) -> str:
    """Returns the text with an invisible joiner behind each sign of a mention."""
    return _CALL.sub(f"@{_JOINER}", text)


def has_no_tags(text: str) -> str:
    """Returns the text with an invisible joiner in each tag: `<at user_id="all">`, `<users/all>`,
    `<https://…|here>`."""
    return _TAG.sub(f"<{_JOINER}", text)


def escaped(text: str) -> str:
    """Returns the text with backslash escapes (CommonMark), only where a character would have a meaning."""
    text = re.sub(r"[\\`*~|\[]", r"\\\g<0>", text)
    text = _outside_urls(text, _LOOSE_UNDERSCORE, r"\\_")
    text = _ENTITY.sub(r"\\&", text)
    text = re.sub(r"^([ \t]*)([#>+=-]|\d+(?=[.)]))", _escape_block, text, flags=re.MULTILINE)
    return has_no_tags(text)


def _escape_block(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}\\" if found[2].isdigit() else f"{found[1]}\\{found[2]}"


def chat_escaped(text: str) -> str:
    """Escapes as `escaped` does, and breaks mentions and named emoji, which no backslash escapes."""
    return calls_nobody(_EMOJI.sub(f":{_JOINER}", escaped(text)))


def veiled(text: str) -> str:
    """Returns the text for a chat without escapes: signs that format are replaced by similar ones, or broken."""
    text = _outside_urls(text.translate(_ALIKE), _LOOSE_UNDERSCORE, "ˍ")
    text = _PAIR.sub(rf"\g<0>{_JOINER}", text)
    text = _BLOCK.sub(_JOINER, text)
    return calls_nobody(_EMOJI.sub(f":{_JOINER}", has_no_tags(text)))


def _outside_urls(text: str, pattern: re.Pattern[str], instead: str) -> str:
    parts: list[str] = []
    end = 0
    for url in _URL.finditer(text):
        parts += [pattern.sub(instead, text[end : url.start()]), url[0]]
        end = url.end()
    return "".join([*parts, pattern.sub(instead, text[end:])])


def _tags_and_calls(text: str) -> str:
    return calls_nobody(has_no_tags(text))


def _slack_markdown(text: str) -> str:
    return escape(veiled(text), quote=False)


def _github(text: str) -> str:
    """Breaks references to issues: GitHub notes each reference in the issue."""
    return re.sub(r"#(?=\d)|\bGH-(?=\d)", rf"\g<0>{_JOINER}", chat_escaped(text))


def _reddit(text: str) -> str:
    """Breaks mentions of users and boards, which have a slash."""
    return re.sub(r"(?<!\w)[ur]/(?=\w)", rf"\g<0>{_JOINER}", escaped(text))


def _revolt(text: str) -> str:
    """Breaks Revolt's own spoilers."""
    return re.sub(r"!(?=!)", rf"!{_JOINER}", chat_escaped(text))


def _telegram_markdown(signs: str) -> Rewrite:
    """Returns an escape for Telegram's Markdown, a backslash before each sign: https://core.telegram.org/bots/api"""
    pattern = re.compile(f"[{re.escape(signs)}]")
    return lambda text: pattern.sub(r"\\\g<0>", text)


def _html(text: str) -> str:
    """Returns the text as HTML, with its lines and spaces."""
    lines = (escape(line, quote=False).replace("  ", " &nbsp;") for line in text.split("\n"))
    return "<br/>\n".join(lines)


def _hard_breaks(text: str) -> str:
    """Ends lines with two spaces: without them CommonMark joins lines."""
    return re.sub(r"(?<=\S)\n(?=\S)", "  \n", text)


TEXT = Dialect(format=NotifyFormat.TEXT)
HTML = Dialect(format=NotifyFormat.HTML, finish=_html, line_end="<br/>\n", heading="<b>{}</b>".format)
MARKDOWN = Dialect(format=NotifyFormat.MARKDOWN, literal=escaped, finish=_hard_breaks, line_end="  \n")
_OF_FORMATS = {NotifyFormat.TEXT: TEXT, NotifyFormat.HTML: HTML, NotifyFormat.MARKDOWN: MARKDOWN}

_CHAT = Dialect(format=NotifyFormat.TEXT, literal=chat_escaped, title=chat_escaped)
_VEILED = Dialect(format=NotifyFormat.TEXT, literal=veiled)
_TAGGED = Dialect(format=NotifyFormat.TEXT, literal=_tags_and_calls, title=_tags_and_calls)
_CALLED = Dialect(format=NotifyFormat.TEXT, literal=calls_nobody, title=calls_nobody)

DIALECTS: Mapping[str, Dialect] = {
    **dict.fromkeys(
        (
            "NotifyDiscord",
            "NotifyFluxer",
            "NotifyGuilded",
            "NotifyMattermost",
            "NotifyNextcloudTalk",
            "NotifyNotifiarr",
        ),
        _CHAT,
    ),
    **dict.fromkeys(("NotifyRyver", "NotifyHumHub"), _CHAT),
    "NotifyRevolt": replace(_CHAT, literal=_revolt, title=_revolt),
    "NotifyGitHub": replace(MARKDOWN, literal=_github),
    "NotifyReddit": replace(MARKDOWN, literal=_reddit),
    # These show Markdown in one place and plain text in another.
    **dict.fromkeys(("NotifyHomeAssistant", "NotifyServerChan"), replace(_VEILED, finish=_hard_breaks)),
    "NotifyWebexTeams": replace(MARKDOWN, literal=chat_escaped),
    "NotifyKook": replace(_VEILED, literal=lambda text: veiled(text).replace("\\", "\\\\")),
    **dict.fromkeys(("NotifyRocketChat", "NotifyZulip", "NotifyGoogleChat", "NotifyCliq", "NotifyMisskey"), _VEILED),
    **dict.fromkeys(("NotifyWhapi", "NotifyEvolution", "NotifyWhatsApp", "NotifyThreema", "NotifyViber"), _VEILED),
    **dict.fromkeys(("NotifyGupshup", "NotifyZalo", "NotifyOneBot", "NotifyQQ", "NotifySignalAPI"), _VEILED),
    **dict.fromkeys(("NotifyLark", "NotifyFeishu", "NotifyWeComBot", "NotifyWeChat", "NotifySynology"), _TAGGED),
    **dict.fromkeys(("NotifyDingTalk", "NotifyFlock", "NotifyZoom", "NotifyStackfield"), _TAGGED),
    **dict.fromkeys(("NotifyMastodon", "NotifyBlueSky", "NotifyTwitter", "NotifyNostr", "NotifyGroupMe"), _CALLED),
    # Only Slack's control characters; Apprise itself escapes the title.
    "NotifySlack": Dialect(format=NotifyFormat.TEXT, literal=lambda text: escape(text, quote=False)),
    # Its TextBlock needs an empty line for a line end, and the TextBlock of its title does not wrap.
    "NotifyWorkflows": Dialect(
        format=NotifyFormat.MARKDOWN,
        literal=escaped,
        finish=lambda text: re.sub(r"\n+", "\n\n", text),
        line_end="\n\n",
        heading="**{}**".format,
        titles=False,
    ),
}
"""By the name of Apprise's class; any other service reads text as its format says."""

_CHOSEN: Mapping[tuple[str, NotifyFormat], Dialect] = {
    ("NotifySlack", NotifyFormat.MARKDOWN): replace(_VEILED, literal=_slack_markdown),
    ("NotifyDingTalk", NotifyFormat.MARKDOWN): replace(_VEILED, title=veiled, finish=_hard_breaks, line_end="  \n"),
    ("NotifyWeChat", NotifyFormat.MARKDOWN): _VEILED,
    ("NotifyFlock", NotifyFormat.HTML): replace(HTML, literal=_tags_and_calls, title=_tags_and_calls),
}
"""Services that read text differently in a format chosen by the URL."""


def dialect_of(service: NotifyBase) -> Dialect:
    """Returns how the service reads text, also if its URL says `format=`."""
    spoken = service.resolve_format(NotifyFormat.TEXT)
    name = type(service).__name__
    if name == "NotifyTelegram":
        return _telegram(service, spoken)
    if name == "NotifyMatrix":
        base = _OF_FORMATS[spoken]
        return replace(base, literal=lambda text: calls_nobody(base.literal(text)), title=calls_nobody)
    known = _CHOSEN.get((name, spoken)) or DIALECTS.get(name)
    return replace(known, format=spoken) if known else _OF_FORMATS[spoken]


def _telegram(service: NotifyBase, spoken: NotifyFormat) -> Dialect:
    if spoken is NotifyFormat.HTML:  # its HTML keeps line ends and spaces, and has no `<br/>`
        return replace(HTML, literal=calls_nobody, finish=lambda text: escape(text, quote=False), line_end="\n")
    is_second = str(getattr(service, "markdown_ver", "")).endswith("V2")
    return Dialect(format=spoken, literal=_telegram_markdown("_*[]()~`>#+-=|{}.!\\" if is_second else "_*`["))
