"""Error pages: what went wrong in words, and what to do; never a traceback."""

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import HTTPConnection

from notifier.web.pages.renderer import RENDERER


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """What an error page says; `cure` may be empty."""

    status: int
    title: str
    text: str
    cure: str = ""


NOT_FOUND = Trouble(
    status=404,
    title="There is no such page",
    text="The address is wrong, or what it names is not known any more.",
    cure="Search for it on the overview.",
)
NO_WATCH = Trouble(
    status=404,
    title="No such watch",
    text="No watch has this id, and no snapshot with it is remembered.",
    cure="Search for a part of its name on the overview; `notifier watch list` prints all ids.",
)
NO_DATASET = Trouble(
    status=404,
    title="No such dataset",
    text="No watch and no snapshot of a dataset with this id is known.",
    cure="Add it under `watches:` in the configuration, to see its collections here.",
)
NO_DELIVERY = Trouble(
    status=404,
    title="No such delivery",
    text="It never was, or it was deleted with its snapshot after the time that keep: gives.",
)
FAILED_PAGE = Trouble(
    status=500,
    title="This page could not be made",
    text="The notifier made a mistake. It goes on polling and sending all the same.",
    cure="The log says why, under `unit.internal_error`. Reload the page; if it fails again, report it.",
)
BAD_CURSOR = Trouble(
    status=400,
    title="This page of the list is not there",
    text="The list has another order or other filters than the address of this page.",
    cure="Begin with its first page.",
)


def database_away(reason: str) -> Trouble:
    """Return what is said when the database does not answer; the reason is redacted."""
    return Trouble(
        status=503,
        title="The database does not answer",
        text=f"{reason[:1].upper()}{reason[1:]}",
        cure="Reload the page in a moment. If it lasts, look at `/readyz` and at the log.",
    )


def refused(status: int, text: str) -> Trouble:
    """Return what is said of a request that is refused before any page is made."""
    return Trouble(status=status, title="Not allowed" if status == 403 else "Not done", text=text)


def wants_page(request: HTTPConnection) -> bool:
    """Return whether a browser asks for a page to show; what scripts and programs ask for is answered in plain text."""
    return request.scope["method"] in ("GET", "HEAD") and "text/html" in request.headers.get("accept", "")


def error_page(trouble: Trouble, now: datetime) -> str:
    """Return the page as HTML."""
    bad = trouble.status >= 500
    return RENDERER.page(
        "error",
        now=now,
        status=trouble.status,
        title=trouble.title,
        text=trouble.text,
        cure=trouble.cure,
        tone="bad" if bad else "warn",
        look_icon="failed" if bad else "missing",
    )
