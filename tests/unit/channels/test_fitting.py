"""Whatever names and reasons are, every service gets each event's id whole, within its own limits and units."""

import pytest
from core_deliveries import event_about
from fakes import notice, transition, watch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from services import classes, handed, made

from notifier.channels.dialect import DIALECTS
from notifier.channels.fitting import Fitting, as_json, utf8, utf16, weighted
from notifier.core.digest import digest, going_together
from notifier.core.message import fitted
from notifier.core.model import Event, Facts, Message, Told
from notifier.core.routing import event_of

SERVICES = {kind.__name__: kind for kind in classes()}
LIMITED = [name for name, kind in SERVICES.items() if name != "NotifyMQTT"]

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
]
words = st.sampled_from(HOSTILE) | st.text(max_size=600) | st.text(alphabet="<>&*_`~[]()@#|\\ \n中😀", max_size=600)


def event(number: int, name: str, reason: str, status: str = "failed") -> Event:
    facts = Facts(error_message=reason, error_codes=((reason, 3),), records=5)
    return event_of(
        transition(status, facts, snapshot_id=f"s_{number}"), watch(f"s_{number}", name=name, labels={"team": name})
    )


@pytest.mark.parametrize("service", SERVICES)
@given(st.lists(st.tuples(words, words), min_size=1, max_size=6))
@example([(HOSTILE[0], HOSTILE[3])])
@example([(each, each) for each in HOSTILE])
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_id_arrives_whole_at_every_service(service: str, drawn: list[tuple[str, str]]) -> None:
    kind = SERVICES[service]
    fitting = Fitting(made(kind))
    waiting: list[Told] = [notice(), *(event(number, *texts) for number, texts in enumerate(drawn))]
    messages = 0
    while waiting:
        going = going_together(waiting, fitting.fits)
        message = digest(going, fitting.fits)
        assert fitting.fits(message)
        title, body = handed(made(kind), fitting.arranged(message))
        assert len(body) <= made(kind).body_maxlen
        assert len(title) <= max(made(kind).title_maxlen, 0)
        for told in going:
            assert told.id in body
        waiting = [told for told in waiting if told not in going]
        messages += 1
    assert messages <= len(drawn) + 1


@pytest.mark.parametrize("service", SERVICES)
def test_apprise_changes_nothing_of_what_was_measured(service: str) -> None:
    fitting = Fitting(made(SERVICES[service]))
    text = fitting.arranged(fitted(event(1, "Prices <b>*x*</b>", "why & how"), fitting.fits))
    title, body = handed(made(SERVICES[service]), text)
    assert (title, body.split()) == (text.title, text.body.split())


@pytest.mark.parametrize("service", SERVICES)
def test_a_digest_has_as_many_lines_as_fit(service: str) -> None:
    fitting = Fitting(made(SERVICES[service]))
    told: list[Told] = [event_about(f"s_{number:03}") for number in range(250)]
    going = going_together(told, fitting.fits)
    if len(going) < len(told):
        more = [*going, next(each for each in told if each not in going)]
        assert not fitting.fits(digest(more, fitting.fits))


def test_a_digest_of_plain_names_fills_telegram() -> None:
    fitting = Fitting(made(SERVICES["NotifyTelegram"]))
    told: list[Told] = [event_about(f"s_{number:03}") for number in range(40)]
    going = going_together(told, fitting.fits)
    assert len(going) == 40
    assert utf16(fitting.arranged(digest(going, fitting.fits)).body) <= 4_096


def test_a_long_title_stands_whole_in_the_body() -> None:
    fitting = Fitting(made(SERVICES["NotifyZulip"]))
    title = "❌ " + "long " * 30
    text = fitting.arranged(Message(title=title.strip(), body="Event: evt_1"))
    assert text.title.endswith("…")
    assert utf16(text.title) <= 60
    assert text.body == f"{title.strip()}\nEvent: evt_1"


@pytest.mark.parametrize("status", ["予約された状態" * 5, "😀" * 30, "<status>&" * 5, "*_`" * 10, "\u0301" * 30])
@pytest.mark.parametrize("service", SERVICES)
def test_a_status_of_any_words_arrives_with_its_id(service: str, status: str) -> None:
    """The least message has no word of others: 20 characters of a status, in UTF-8, were more than APRS takes."""
    told, fitting = event(1, status, status, status), Fitting(made(SERVICES[service]))
    text = fitted(told, fitting.fits)
    assert fitting.fits(text)
    assert told.id in fitting.arranged(text).body


def test_what_cannot_fit_says_so_in_numbers() -> None:
    fitting = Fitting(made(SERVICES["NotifyDiscord"]))
    text = fitting.arranged(Message(title="t", body="x" * 2_010))
    assert fitting.excess(text) == "the message is 2,019 long, and Discord takes 2,000"
    lines = Fitting(made(SERVICES["NotifyXBMC"]))
    assert (
        lines.excess(lines.arranged(Message(title="t", body="a\nb\nc")))
        == "the message has 3 lines, and Kodi/XBMC shows 2"
    )


@pytest.mark.parametrize(
    ("text", "sizes"),
    [("abc", (3, 3, 3, 3)), ("é", (1, 2, 6, 1)), ("中", (1, 3, 6, 2)), ("😀", (2, 4, 12, 2)), ('"', (1, 1, 2, 1))],
)
def test_units(text: str, sizes: tuple[int, int, int, int]) -> None:
    assert (utf16(text), utf8(text), as_json(text), weighted(text)) == sizes


def test_every_dialect_is_of_a_service_that_there_is() -> None:
    assert set(DIALECTS) <= set(SERVICES)


def test_what_others_wrote_is_what_is_shortened() -> None:
    told = event(1, "Prices", "why " * 100)

    def body(most: int) -> str:
        return fitted(told, lambda message: len(message.body) <= most).body

    bodies = [body(most) for most in (1_200, 400, 120, 40)]
    whys = [each.count("why") for each in bodies]
    assert whys == sorted(whys, reverse=True)
    assert whys[0] > 90
    assert whys[-1] == 0
    assert all(each.endswith(f"Event: {told.id}") for each in bodies)
