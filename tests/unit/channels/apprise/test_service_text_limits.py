"""Whatever names and reasons are, every service gets each event's id whole, within its own limits and units."""

from html import escape

import pytest
from apprise import Apprise, NotifyBase, NotifyFormat
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.apprise_services import classes, handed, made
from support.deliveries import event_about
from support.fakes import notice, transition, watch

from notifier.channels.apprise.escaping import DIALECTS
from notifier.channels.apprise.service_text_limits import (
    ServiceTextLimits,
    as_json,
    as_json_in_utf8,
    utf8,
    utf16,
    weighted,
)
from notifier.core.delivery.digest import batchable, digest
from notifier.core.delivery.message_text import fitted
from notifier.core.delivery.model import Deliverable, Event, Message
from notifier.core.delivery.routing import event_of
from notifier.core.snapshot.model import Facts

SERVICES = {kind.__name__: kind for kind in classes()}
FORMATS = (None, NotifyFormat.TEXT, NotifyFormat.MARKDOWN, NotifyFormat.HTML)

HOSTILE = [
    "予約データ" * 60,
    "👨‍👩‍👧‍👦🏴󠁧󠁢󠁳󠁣󠁴󠁿" * 20,
    "e\u0301\u0323" * 100,
    "<b>&amp;</b> <script>" * 20,
    "*_`~[x](http://e.com)|" * 20,
    "@everyone <!channel> " * 20,
    " " * 10 + "a  b" * 60,
    '"\\' * 120,
    "می‌خواهم " * 40,
    "\u202eمرحبا بالعالم " * 30,
    "\u0301\u0323" * 90,
    "\u200b\u200d\u2060" * 60,
    "",
    "1. # > a\n" * 40,
]
STATUSES = ("failed", "ready", "partial", "running", "予約された状態" * 5, "😀" * 30, "<b>&*_`" * 8)
words = st.sampled_from(HOSTILE) | st.text(max_size=600) | st.text(alphabet="<>&*_`~[]()@#|\\ \n中😀", max_size=600)


def event(number: int, name: str, reason: str, status: str = "failed") -> Event:
    facts = Facts(error_message=reason, error_codes=((reason, 3),), records=5)
    return event_of(
        transition(status, facts, snapshot_id=f"s_{number}"), watch(f"s_{number}", name=name, labels={"team": name})
    )


def test_every_class_of_apprise_is_covered() -> None:
    assert len(SERVICES) >= 183
    assert {"NotifyTelegram", "NotifyDiscord", "NotifyEmail", "NotifyAprs", "NotifyXMPP"} <= set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
@given(st.lists(st.tuples(words, words, st.sampled_from(STATUSES)), min_size=1, max_size=6), st.sampled_from(FORMATS))
@example([(HOSTILE[0], HOSTILE[3], "failed")], None)
@example([(each, each, "failed") for each in HOSTILE], None)
@example([(HOSTILE[3], each, each) for each in STATUSES], NotifyFormat.HTML)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_id_arrives_complete_at_every_service(
    service: str, drawn: list[tuple[str, str, str]], chosen: NotifyFormat | None
) -> None:
    kind = SERVICES[service]
    told: list[Deliverable] = [notice(), *(event(number, *texts) for number, texts in enumerate(drawn))]
    assert all_arrive(kind, told, chosen) <= len(drawn) + 1


def all_arrive(kind: type[NotifyBase], told: list[Deliverable], chosen: NotifyFormat | None = None) -> int:
    """Check that each goes out whole, within the limits of a service; the number of messages."""
    fitting, waiting, messages = ServiceTextLimits(made(kind, chosen)), told, 0
    while waiting:
        going = batchable(waiting, fitting.fits)
        message = digest(going, fitting.fits)
        assert fitting.fits(message)
        title, body = handed(made(kind, chosen), fitting.arranged(message))
        assert len(body) <= made(kind).body_maxlen
        assert len(title) <= max(made(kind).title_maxlen, 0)
        for each in going:
            assert each.id in body.replace(r"\_", "_")
        waiting = [each for each in waiting if each not in going]
        messages += 1
    return messages


@pytest.mark.parametrize("name", ["Telegram", "Slack", "Matrix", "Email"])
def test_a_thousand_events_arrive(name: str) -> None:
    told: list[Deliverable] = [event(number, HOSTILE[number % len(HOSTILE)], "why") for number in range(1_000)]
    assert all_arrive(SERVICES[f"Notify{name}"], told) < 1_000


@pytest.mark.parametrize("service", SERVICES)
def test_a_title_of_five_thousand_characters_is_complete_or_refused(service: str) -> None:
    fitting = ServiceTextLimits(made(SERVICES[service]))
    message = Message(title=f"❌ {'価格 ' * 1_665}end", body="Event: evt_1")
    text = fitting.arranged(message)
    if fitting.fits(message):
        title, body = handed(made(SERVICES[service]), text)
        assert "end" in title + body
        assert "evt_1" in body
    else:
        assert fitting.excess(text)


def test_matrix_gets_no_event_beyond_its_bytes() -> None:
    """Its limit is 65,536 bytes: a digest of 250 lines of 250 CJK characters was three times as long, and refused."""
    fitting = ServiceTextLimits(made(SERVICES["NotifyMatrix"]))
    told: list[Deliverable] = [event(number, "価格データ" * 30, "失敗" * 60) for number in range(250)]
    going = batchable(told, fitting.fits)
    assert 10 < len(going) < 100
    assert utf8(fitting.arranged(digest(going, fitting.fits)).body) <= 20_000


def test_slack_in_blocks_gets_a_title_and_a_text_that_it_takes() -> None:
    service = Apprise.instantiate("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/?blocks=yes")
    assert isinstance(service, NotifyBase)
    fitting = ServiceTextLimits(service)
    told: list[Deliverable] = [event(number, "<a&b>" * 30, "why " * 60) for number in range(40)]
    for message in (fitted(told[0], fitting.fits), digest(batchable(told, fitting.fits), fitting.fits)):
        text = fitting.arranged(message)
        assert len(escape(text.title, quote=False)) <= 150
        assert len(text.body) <= 3_000
        assert fitting.fits(message)


@pytest.mark.parametrize("service", SERVICES)
def test_apprise_sends_exactly_what_was_measured(service: str) -> None:
    fitting = ServiceTextLimits(made(SERVICES[service]))
    text = fitting.arranged(fitted(event(1, "Prices <b>*x*</b>", "why & how"), fitting.fits))
    title, body = handed(made(SERVICES[service]), text)
    assert (title, body.split()) == (text.title, text.body.split())


@pytest.mark.parametrize("service", SERVICES)
def test_a_digest_has_as_many_lines_as_fit(service: str) -> None:
    fitting = ServiceTextLimits(made(SERVICES[service]))
    told: list[Deliverable] = [event_about(f"s_{number:03}") for number in range(250)]
    going = batchable(told, fitting.fits)
    if len(going) < len(told):
        more = [*going, next(each for each in told if each not in going)]
        assert not fitting.fits(digest(more, fitting.fits))


def test_a_digest_of_plain_names_fills_telegram() -> None:
    fitting = ServiceTextLimits(made(SERVICES["NotifyTelegram"]))
    told: list[Deliverable] = [event_about(f"s_{number:03}") for number in range(40)]
    going = batchable(told, fitting.fits)
    assert len(going) == 40
    assert utf16(fitting.arranged(digest(going, fitting.fits)).body) <= 4_096


def test_a_long_title_is_complete_in_the_body() -> None:
    fitting = ServiceTextLimits(made(SERVICES["NotifyZulip"]))
    title = "❌ " + "long " * 30
    text = fitting.arranged(Message(title=title.strip(), body="Event: evt_1"))
    assert text.title.endswith("…")
    assert utf16(text.title) <= 60
    assert text.body == f"{title.strip()}\nEvent: evt_1"


@pytest.mark.parametrize("status", ["予約された状態" * 5, "😀" * 30, "<status>&" * 5, "*_`" * 10, "\u0301" * 30])
@pytest.mark.parametrize("service", SERVICES)
def test_a_status_of_any_words_arrives_with_its_id(service: str, status: str) -> None:
    """The least message has no word of others: 20 characters of a status, in UTF-8, were more than APRS takes."""
    told, fitting = event(1, status, status, status), ServiceTextLimits(made(SERVICES[service]))
    text = fitted(told, fitting.fits)
    assert fitting.fits(text)
    assert told.id in fitting.arranged(text).body


@pytest.mark.parametrize("service", ["NotifyOpsgenie", "NotifyJira"])
def test_a_title_that_a_plugin_would_cut_is_complete_in_the_body(service: str) -> None:
    title = f"❌ {'long ' * 30}end"
    text = ServiceTextLimits(made(SERVICES[service])).arranged(Message(title=title, body="Event: evt_1"))
    assert len(text.title) <= 130
    assert text.body.startswith(f"{title}\n")


def test_the_reason_for_a_message_that_does_not_fit_has_numbers() -> None:
    fitting = ServiceTextLimits(made(SERVICES["NotifyDiscord"]))
    text = fitting.arranged(Message(title="t", body="x" * 2_010))
    assert fitting.excess(text) == "the message is 2,019 long, and Discord takes 2,000"
    lines = ServiceTextLimits(made(SERVICES["NotifyXBMC"]))
    assert (
        lines.excess(lines.arranged(Message(title="t", body="a\nb\nc")))
        == "the message has 3 lines, and Kodi/XBMC shows 2"
    )


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("abc", (3, 3, 3, 3, 3)),
        ("é", (1, 2, 6, 2, 1)),
        ("中", (1, 3, 6, 3, 2)),
        ("😀", (2, 4, 12, 4, 2)),
        ('"', (1, 1, 2, 2, 1)),
    ],
)
def test_units(text: str, sizes: tuple[int, int, int, int, int]) -> None:
    assert (utf16(text), utf8(text), as_json(text), as_json_in_utf8(text), weighted(text)) == sizes


def test_every_dialect_belongs_to_an_existing_service() -> None:
    assert set(DIALECTS) <= set(SERVICES)


def test_foreign_text_is_shortened_first() -> None:
    told = event(1, "Prices", "why " * 100)

    def body(most: int) -> str:
        return fitted(told, lambda message: len(message.body) <= most).body

    bodies = [body(most) for most in (1_200, 400, 120, 40)]
    whys = [each.count("why") for each in bodies]
    assert whys == sorted(whys, reverse=True)
    assert whys[0] > 90
    assert whys[-1] == 0
    assert all(each.endswith(f"Event: {told.id}") for each in bodies)
