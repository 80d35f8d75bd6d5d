"""Renders an event's message by the user's templates; without one, or if one fails, the plain message."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any, Protocol

from jinja2 import Template

from notifier.channels.templates.language import BadTemplate, compiled, rendered
from notifier.channels.templates.samples import sample_events
from notifier.core.delivery.event_fields import words_of
from notifier.core.delivery.message_text import Fits, fitted, message, shortened
from notifier.core.delivery.model import Event, Message
from notifier.core.delivery.routing import ALL
from notifier.core.snapshot.model import Facts
from notifier.core.snapshot.statuses import canonical
from notifier.core.words import one_line, safe_lines, span

LONGEST_TITLE = 250

_HINT = "; what the API did not say is None: write for example `records or 0`"


class Source(Protocol):
    """The sources of a title and a body; None for the plain one."""

    @property
    def title(self) -> str | None:
        """The source of the title."""
        ...

    @property
    def body(self) -> str | None:
        """The source of the body."""
        ...


class MessageService(Protocol):
    """The service of a message: what it accepts, and how foreign text is escaped for it."""

    def literal(self, text: str) -> str:
        """Returns the text escaped for a body."""
        ...

    def literal_title(self, text: str) -> str:
        """Returns the text escaped for a title."""
        ...

    def fits(self, message: Message) -> bool:
        """Returns whether it accepts the complete message."""
        ...


class AsWritten:
    """A service that shows all text as written."""

    def __init__(self, fits: Fits) -> None:
        self._fits = fits

    def literal(self, text: str) -> str:
        """Returns the text unchanged."""
        return text

    def literal_title(self, text: str) -> str:
        """Returns the text unchanged."""
        return text

    def fits(self, message: Message) -> bool:
        """Returns whether the given check accepts it."""
        return self._fits(message)


ANYTHING = AsWritten(lambda message: True)
"""Accepts messages of any length."""


class _Labels(dict[str, str]):
    """A label that a watch does not have is None, like a fact that the API did not report."""

    def __missing__(self, key: str) -> None:
        return None


def variables(event: Event) -> dict[str, Any]:
    """Returns the variables of a template; docs/templates.md describes them."""
    transition = event.transition
    plain = message(event)
    duration_ms = transition.facts.duration_ms
    return {
        **words_of(event),
        "error_codes": transition.facts.error_codes,
        "duration": None if duration_ms is None else span(timedelta(milliseconds=duration_ms)),
        "labels": _Labels(event.labels),
        "observed_at": transition.observed_at.astimezone(UTC),
        "late_by": span(transition.late_by) if transition.late_by else None,
        "title": plain.title,
        "body": plain.body,
    }


VARIABLES = frozenset(variables(sample_events()[0]))
"""The names of all variables."""


def check_template(source: str) -> str | None:
    """Returns what is wrong with a template, with its line; None if it renders every sample event."""
    try:
        template = compiled(source, VARIABLES)
    except BadTemplate as error:
        return str(error)
    for event in sample_events():
        bare = event.transition.facts == Facts()
        try:
            rendered(template, variables(event))
        except BadTemplate as error:
            return f"{error} (tried with `{event.transition.names[-1]}`{_HINT if bare else ''})"
    return None


class Renderer:
    """Renders messages by the templates of one channel."""

    def __init__(self, templates: Mapping[str, Source]) -> None:
        """
        Args:
            templates: by event name; `all` is for every event. The title is that of the event's most specific name with
                a title (`partial` before `ready` before `all`), and likewise the body.

        Raises:
            ValueError: a template has an error; `check_template` finds it before.
        """
        self._titles: dict[str, Template] = {}
        self._bodies: dict[str, Template] = {}
        for word, source in templates.items():
            for kept, text in ((self._titles, source.title), (self._bodies, source.body)):
                if text is None:
                    continue
                try:
                    kept[canonical(word)] = compiled(text, VARIABLES)
                except BadTemplate as error:
                    raise ValueError(f"the template for {word}: {error}") from error

    def render(self, event: Event, reader: MessageService = ANYTHING) -> tuple[Message, str | None]:
        """Returns the event's message; and if a template failed, why (for the log).

        The event's id is appended to a message that does not have it. If the message is too long for the reader,
        foreign text in it is shortened, the reason first.
        """
        title, body = self._templates_of(event)
        if title is None and body is None:
            return fitted(event, reader.fits), None
        try:
            for shorter in shortened(event):
                made = _made(shorter, title, body, reader)
                if reader.fits(made):
                    return made, None
        except BadTemplate as error:
            return _instead(event, reader, f"The template failed: {error}"), str(error)
        return _instead(event, reader, "The template's message is too long"), TOO_LONG

    def shortest(self, event: Event, reader: MessageService) -> Message | None:
        """Returns the event's message by its templates, with names and reasons as short as possible; None without one.

        Raises:
            BadTemplate: it fails.
        """
        title, body = self._templates_of(event)
        *_, bare = shortened(event)
        return _made(bare, title, body, reader) if title is not None or body is not None else None

    def _templates_of(self, event: Event) -> tuple[Template | None, Template | None]:
        names = (*reversed(event.transition.names), ALL)
        title = next((self._titles[name] for name in names if name in self._titles), None)
        return title, next((self._bodies[name] for name in names if name in self._bodies), None)


TOO_LONG = "its message is longer than the service takes, however short the reason and the name"


def _made(event: Event, title: Template | None, body: Template | None, reader: MessageService) -> Message:
    plain = message(event)
    values = variables(event)
    titled = one_line(rendered(title, values, reader.literal_title), LONGEST_TITLE) if title is not None else ""
    return Message(
        title=titled or reader.literal_title(plain.title),
        body=_with_id(rendered(body, values, lambda text: reader.literal(safe_lines(text))), reader.literal(event.id))
        if body is not None
        else reader.literal(plain.body),
        severity=plain.severity,
        literal=True,
    )


def _instead(event: Event, reader: MessageService, why: str) -> Message:
    """Returns the plain message, with a line that says why, if there is room for it."""
    plain = message(event)
    explained = replace(plain, body=f"{plain.body}\n({why}; this is the plain message.)")
    return explained if reader.fits(explained) else fitted(event, reader.fits)


def _with_id(text: str, event_id: str) -> str:
    body = text.strip()
    return body if event_id in body else f"{body}\nEvent: {event_id}".lstrip()
