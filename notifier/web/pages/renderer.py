"""Renders the templates: escaped by default, and an undefined name is an error."""

from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from notifier import __version__
from notifier.core.health.channel_texts import cure, why
from notifier.core.words import count, safe_lines
from notifier.web.pages import formats, looks
from notifier.web.pages.assets import ASSETS

TEMPLATES = Path(__file__).parent / "templates"


class Renderer:
    """Renders pages and rows. It may be used by several threads."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_finalized,
            auto_reload=False,
        )
        self._environment.filters |= {
            "ago": formats.time_tag,
            "lasting": formats.lasting_tag,
            "at": formats.exact_tag,
            "exact": formats.exact,
            "number": formats.number,
            "seconds": formats.seconds,
            "words": formats.words,
            "marked": formats.marked,
            "tally": formats.tally,
            "capital": formats.capital,
            "segment": formats.segment,
            "key": lambda name, kind: formats.key(kind, name),
            "count": count,
        }
        self._environment.globals |= {
            "asset": ASSETS.url,
            "scripts": ASSETS.scripts,
            "version": __version__,
            "result": formats.result,
            "of_status": looks.of_status,
            "of_watch": looks.of_watch,
            "is_open": looks.is_open,
            "answer_words": looks.answer_words,
            "has_ended": looks.has_ended,
            "of_event": looks.of_event,
            "of_delivery": looks.of_delivery,
            "of_attempt": looks.of_attempt,
            "of_channel": looks.of_channel,
            "held": looks.HELD,
            "why": why,
            "cure": cure,
        }

    def compile(self) -> None:
        """Compile every template, so that no page waits for it: together they take a tenth of a second."""
        for name in self._environment.list_templates(extensions=("html",)):
            self._environment.get_template(name)

    def page(self, template: str, *, now: datetime, **context: Any) -> str:
        """Return a page as HTML.

        Args:
            template: its name, without `.html`.
            now: the time that relative times are relative to.
            context: what the template needs.
        """
        defaults = {"path": "", "topics": "", "last_id": "", "message": None, "signed_in": False}
        return self._environment.get_template(f"{template}.html").render({**defaults, **context, "now": now})

    def macro(self, template: str, name: str, *arguments: Any) -> str:
        """Return what a macro of a template makes of the arguments."""
        module = self._environment.get_template(f"{template}.html").module
        return str(getattr(module, name)(*arguments))


def _finalized(value: Any) -> Any:
    """Replace characters that reverse or break a text that is about to be shown."""
    return safe_lines(value) if type(value) is str else value


RENDERER = Renderer()
"""Renders for the whole process; a template is compiled by `compile`, or when it is used first."""
