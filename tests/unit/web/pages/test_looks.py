"""A status never shows by colour alone: what differs in tone differs in icon, too, and has a word."""

import re
from pathlib import Path

import pytest

from notifier.core.delivery.model import DeliveryState, OutcomeKind
from notifier.core.snapshot.statuses import IN_PROGRESS
from notifier.web.pages import looks
from notifier.web.pages.looks import Look
from notifier.web.pages.renderer import TEMPLATES

STATUSES = ("unknown", "missing", "failed", "canceled", "ready", *sorted(IN_PROGRESS), "new-word")
EVERY = [
    *(looks.of_status(each) for each in STATUSES),
    looks.of_status("ready", 0, 0),
    looks.of_status("ready", 5, 1),
    *(looks.of_event(each) for each in ("stalled", "expiring", "unusual", "ready")),
    *(looks.of_delivery(each) for each in DeliveryState),
    *(looks.of_attempt(each) for each in OutcomeKind),
    looks.BROKEN,
    looks.WORKS,
    looks.UNUSED,
    *looks.HELD.values(),
]


@pytest.mark.parametrize("look", sorted(set(EVERY), key=str), ids=str)
def test_a_look_has_a_word_an_icon_that_is_drawn_and_a_tone_that_is_styled(look: Look) -> None:
    assert look.word
    assert f'id="i-{look.icon}"' in (TEMPLATES / "icons.html").read_text(encoding="utf-8")
    assert f".tone-{look.tone} " in (Path(looks.__file__).parent / "static/app.css").read_text(encoding="utf-8")


def test_ends_of_different_tones_have_different_icons() -> None:
    ends = [looks.of_status("ready", 5, 0), looks.of_status("ready", 5, 1), looks.of_status("failed")]
    assert len({each.icon for each in ends}) == len({each.tone for each in ends}) == 3


def test_every_spelling_of_an_end_looks_the_same() -> None:
    assert looks.of_status("CANCELLED").icon == looks.of_status("canceled").icon


def test_every_icon_that_a_template_names_is_drawn() -> None:
    drawn = set(re.findall(r'id="i-([\w-]+)"', (TEMPLATES / "icons.html").read_text(encoding="utf-8")))
    for path in TEMPLATES.glob("*.html"):
        assert set(re.findall(r'icon\("([\w-]+)"\)', path.read_text(encoding="utf-8"))) <= drawn
