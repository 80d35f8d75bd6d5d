"""How each service reads text, and how what others wrote stays literal in it.

Names, reasons and labels are data: they must neither call anybody nor format nor link, wherever they are shown. Some
services have a backslash for that, some take HTML, some have nothing; those get characters that look the same, or an
invisible word joiner inside the sign. A template's own words are not data: they reach the service as they were written.
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
        format: what Apprise is told the text is, so that it converts nothing.
        literal: makes data literal in a body, and in a title that stands in the body.
        title: makes data literal in a title that has a field of its own.
        finish: the last step for the whole text, template and all: line ends, and HTML where that is spoken.
        line_end: what ends a line in a finished text.
        heading: how a title stands at the head of the body, after `literal`.
        titles: whether a title's own field is used where the service has one.
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
"""What calls people: the words for everybody wherever they stand, and any name that is no mail address."""
_TAG = re.compile(r"<(?=[^\s<\d])")
"""What begins a tag, a mention or a masked link; not "a < b", and not "<3"."""
_EMOJI = re.compile(r":(?=[a-z][a-z0-9_+-]*:)", re.IGNORECASE)
_BLOCK = re.compile(r"^(?=[ \t]*(?:#|>|[-+=]|\d+[.)]))", re.MULTILINE)
"""What makes a heading, a quote or a list of a line."""
_LOOSE_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
"""Inside a word, as in `evt_1`, no service takes it for emphasis."""
_ENTITY = re.compile(r"&(?=#?[0-9A-Za-z]{1,32};)")
_ALIKE = str.maketrans({"*": "∗", "`": "ˋ", "~": "∼"})


_PAIR = re.compile(r"\](?=\()|\|(?=\|)|\$(?=[$\[])|\\(?=[\[(])|\((?=(?:met|rol|chn|emj|ins|spl|font)\))|\[(?=CQ:)")
"""What formats, links or calls as a pair of signs only: a link, a spoiler, a formula, and tags in brackets."""


def calls_nobody(text: str) -> str:
    """The text with an invisible joiner behind each sign that calls people."""
    return _CALL.sub(f"@{_JOINER}", text)


def has_no_tags(text: str) -> str:
    """The text with an invisible joiner in each tag: `<at user_id="all">`, `<users/all>`, `<https://…|here>`."""
    return _TAG.sub(f"<{_JOINER}", text)


def escaped(text: str) -> str:
    """The text for Markdown with backslash escapes (CommonMark): each only where the character would mean something."""
    text = re.sub(r"[\\`*~|\[]", r"\\\g<0>", text)
    text = _outside_urls(text, _LOOSE_UNDERSCORE, r"\\_")
    text = _ENTITY.sub(r"\\&", text)
    text = re.sub(r"^([ \t]*)([#>+=-]|\d+(?=[.)]))", _escape_block, text, flags=re.MULTILINE)
    return has_no_tags(text)


def _escape_block(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}\\" if found[2].isdigit() else f"{found[1]}\\{found[2]}"


def chat_escaped(text: str) -> str:
    """`escaped`, for a chat that also knows mentions and emoji by name; no backslash takes those away."""
    return calls_nobody(_EMOJI.sub(f":{_JOINER}", escaped(text)))


def veiled(text: str) -> str:
    """The text for a chat without escapes: what would format is replaced by what looks the same, or parted."""
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
    """A number sign refers to an issue, which is told that it was referred to."""
    return re.sub(r"#(?=\d)|\bGH-(?=\d)", rf"\g<0>{_JOINER}", chat_escaped(text))


def _reddit(text: str) -> str:
    """Users and their boards are called by a slash."""
    return re.sub(r"(?<!\w)[ur]/(?=\w)", rf"\g<0>{_JOINER}", escaped(text))


def _revolt(text: str) -> str:
    """It has spoilers of its own."""
    return re.sub(r"!(?=!)", rf"!{_JOINER}", chat_escaped(text))


def _telegram_markdown(signs: str) -> Rewrite:
    """Telegram's own Markdown escapes each of its signs with a backslash: https://core.telegram.org/bots/api"""
    pattern = re.compile(f"[{re.escape(signs)}]")
    return lambda text: pattern.sub(r"\\\g<0>", text)


def _html(text: str) -> str:
    """The text as HTML, line for line and space for space."""
    lines = (escape(line, quote=False).replace("  ", " &nbsp;") for line in text.split("\n"))
    return "<br/>\n".join(lines)


def _hard_breaks(text: str) -> str:
    """CommonMark joins lines, but for two spaces at the end of one."""
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
    # They show Markdown in one place and plain text in another.
    **dict.fromkeys(("NotifyHomeAssistant", "NotifyServerChan"), replace(_VEILED, finish=_hard_breaks)),
    "NotifyWebexTeams": replace(MARKDOWN, literal=chat_escaped),
    "NotifyKook": replace(_VEILED, literal=lambda text: veiled(text).replace("\\", "\\\\")),
    **dict.fromkeys(("NotifyRocketChat", "NotifyZulip", "NotifyGoogleChat", "NotifyCliq", "NotifyMisskey"), _VEILED),
    **dict.fromkeys(("NotifyWhapi", "NotifyEvolution", "NotifyWhatsApp", "NotifyThreema", "NotifyViber"), _VEILED),
    **dict.fromkeys(("NotifyGupshup", "NotifyZalo", "NotifyOneBot", "NotifyQQ", "NotifySignalAPI"), _VEILED),
    **dict.fromkeys(("NotifyLark", "NotifyFeishu", "NotifyWeComBot", "NotifyWeChat", "NotifySynology"), _TAGGED),
    **dict.fromkeys(("NotifyDingTalk", "NotifyFlock", "NotifyZoom", "NotifyStackfield"), _TAGGED),
    **dict.fromkeys(("NotifyMastodon", "NotifyBlueSky", "NotifyTwitter", "NotifyNostr", "NotifyGroupMe"), _CALLED),
    # Slack's control characters; the title is escaped by Apprise itself.
    "NotifySlack": Dialect(format=NotifyFormat.TEXT, literal=lambda text: escape(text, quote=False)),
    # Its TextBlock takes an empty line for a line end alone, and its title has a TextBlock that does not wrap.
    "NotifyWorkflows": Dialect(
        format=NotifyFormat.MARKDOWN,
        literal=escaped,
        finish=lambda text: re.sub(r"\n+", "\n\n", text),
        line_end="\n\n",
        heading="**{}**".format,
        titles=False,
    ),
}
"""By the name of Apprise's class; a service that is not here reads text as its format says."""

_CHOSEN: Mapping[tuple[str, NotifyFormat], Dialect] = {
    ("NotifySlack", NotifyFormat.MARKDOWN): replace(_VEILED, literal=_slack_markdown),
    ("NotifyDingTalk", NotifyFormat.MARKDOWN): replace(_VEILED, title=veiled, finish=_hard_breaks, line_end="  \n"),
    ("NotifyWeChat", NotifyFormat.MARKDOWN): _VEILED,
    ("NotifyFlock", NotifyFormat.HTML): replace(HTML, literal=_tags_and_calls, title=_tags_and_calls),
}
"""Where a format that the URL chooses changes how the service reads text."""


def dialect_of(service: NotifyBase) -> Dialect:
    """How the service reads text, also when its URL says `format=`."""
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
    if spoken is NotifyFormat.HTML:  # its HTML has line ends and spaces as they are, and no `<br/>`
        return replace(HTML, literal=calls_nobody, finish=lambda text: escape(text, quote=False), line_end="\n")
    is_second = str(getattr(service, "markdown_ver", "")).endswith("V2")
    return Dialect(format=spoken, literal=_telegram_markdown("_*[]()~`>#+-=|{}.!\\" if is_second else "_*`["))
