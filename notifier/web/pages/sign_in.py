"""The page to sign in on, with the token of `http:`."""

from collections.abc import Callable
from datetime import datetime

from notifier.web.pages.renderer import RENDERER


def sign_in_page(trouble: str, onwards: str, *, clock: Callable[[], datetime]) -> str:
    """Return the page as HTML.

    Args:
        trouble: why the last attempt failed; empty before one.
        onwards: the path to go to afterwards.
        clock: the time, UTC.
    """
    return RENDERER.page("sign_in", now=clock(), trouble=trouble, next=onwards)
