"""Templates: what they can say, what they cannot do, and that there is always a message."""

import gc
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.channels.templates.filters import JINJAS, filters
from notifier.channels.templates.language import METHODS
from notifier.channels.templates.limits import LONGEST_RANGE, LONGEST_RESULT, LONGEST_SOURCE, MOST_STEPS, metered
from notifier.channels.templates.render import LONGEST_TITLE, VARIABLES, Renderer, check_template
from notifier.channels.templates.samples import sample_events
from notifier.core.delivery.message_text import message
from notifier.core.delivery.model import Event
from notifier.core.snapshot.model import Facts, Transition
from notifier.core.snapshot.statuses import names_of

DOCUMENT = (Path(__file__).parents[4] / "docs/templates.md").read_text(encoding="utf-8")
EVENTS = {(event.transition.names[-1], bool(event.labels)): event for event in sample_events()}
FULL = EVENTS["partial", True]
BARE = EVENTS["complete", False]


@dataclass(frozen=True)
class Source:
    """The source of one template."""

    title: str | None = None
    body: str | None = None


def test_a_template_gets_a_long_reason_with_all_its_lines_where_there_is_room() -> None:
    reason = "one\ntwo\n" * 300
    event = replace(FULL, transition=replace(FULL.transition, facts=Facts(error_message=reason)))
    made, failure = renderer(body="{{ error_message }}").render(event)
    assert failure is None
    assert made.body == f"{reason.strip()}\nEvent: {event.id}"


def test_control_characters_and_overrides_of_direction_go_from_a_body_and_lines_stay() -> None:
    """They would colour IRC, clear a terminal, or turn the text around."""
    reason = "a\x02b\x0304c\r\nPRIVMSG\u2028d\u202ee\x1b[2J\x00 می\u200cخواهم"
    event = replace(
        FULL, labels={"team": "l\u2066m"}, transition=replace(FULL.transition, facts=Facts(error_message=reason))
    )
    source = "{{ error_message }}|{{ error_message | upper }}|{{ labels.team }}|{{ error_message ~ '' }}"
    made, failed = renderer(body=source).render(event)
    assert failed is None
    clean = "a b 04c\nPRIVMSG d e [2J  می\u200cخواهم"
    assert made.body == f"{clean}|{clean.upper()}|l m|{clean}\nEvent: {event.id}"


def renderer(title: str | None = None, body: str | None = None, event: str = "all") -> Renderer:
    return Renderer({event: Source(title, body)})


def body_of(source: str, event: Event = FULL) -> str:
    """The rendered body without the id's line."""
    rendered, failure = renderer(body=source).render(event)
    assert failure is None
    return rendered.body.removesuffix(f"\nEvent: {event.id}")


# What a template can say


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ name }}: {{ records or 0 }} records", "Amazon products, nightly: 12345 records"),
        ("{{ records|commas }} in {{ duration }} ({{ duration_ms }} ms)", "12,345 in 37 s (36592 ms)"),
        ("{{ events|join(', ') }}", "ready, partial"),
        ("{% for code, n in error_codes %}{{ loop.index }}/{{ loop.length }} {{ code }} × {{ n }}; {% endfor %}",
         "1/2 timeout × 5; 2/2 http_503 × 2;"),
        ("{% if status in ['failed', 'ready'] %}yes{% else %}no{% endif %}", "yes"),
        ("{{ labels.team }}, {{ labels.nobody or '-' }}, {{ labels.get('tier') }}", "growth, -, 1"),
        ("{{ observed_at.strftime('%d.%m.%Y %H:%M') }}", "23.11.2026 14:32"),
        ("{{ previous }} -> {{ status }}{{ ', late ' ~ late_by if late_by else '' }}", "running -> ready, late 7 min"),
        ("{{ name|replace('Amazon', 'A.')|upper|truncate(12, true) }}", "A. PRODUC..."),
        ("{{ (records / (records + errors) * 100)|round(1) }} % {{ '50' if 7 % 2 else '' }}", "99.9 % 50"),
        ("{{ {'a': records}|length if false else labels|tojson }}", None),
        ("a\n{% if errors %}\nb\n{% endif %}\n{# not shown #}\nc", "a\nb\nc"),
        ("<b>{{ '<' }}</b>", "<b><</b>"),
    ],
)  # fmt: skip
def test_a_template_says(source: str, text: str | None) -> None:
    if text is None:
        assert check_template(source) is not None
    else:
        assert body_of(source) == text


def test_what_is_not_known_is_none_and_reads_as_nothing() -> None:
    source = "[{{ records }}|{{ dataset_id }}|{{ duration }}|{{ late_by }}|{{ labels.team }}|{{ records is none }}]"
    assert body_of(source, BARE) == "[|||||True]"


@pytest.mark.parametrize("source", re.findall(r"```jinja\n(.*?)```", DOCUMENT, re.DOTALL))
def test_every_example_of_the_documentation_works(source: str) -> None:
    assert check_template(source) is None


@pytest.mark.parametrize("word", sorted({*VARIABLES, *METHODS, *JINJAS, *filters(dict.fromkeys(JINJAS, len))}))
def test_every_variable_method_and_filter_is_documented(word: str) -> None:
    assert re.search(rf"`{word}[`(]", DOCUMENT)


@pytest.mark.parametrize("limit", [LONGEST_RANGE, MOST_STEPS, LONGEST_SOURCE // 1024, LONGEST_RESULT // 1024])
def test_every_limit_is_documented(limit: int) -> None:
    assert re.search(rf"\b{limit:,}\b", DOCUMENT)


# Which template is taken, and what is made of it


def test_the_most_specific_name_wins_for_the_title_and_for_the_body() -> None:
    made = Renderer(
        {
            "all": Source("any", "any body"),
            "ready": Source("ready", "ready body"),
            "partial": Source(title="partial"),
            "Cancelled": Source(title="canceled"),
        }
    )

    def told(kind: str) -> tuple[str, str]:
        told, _ = made.render(EVENTS[kind, True])
        return told.title, told.body.splitlines()[0]

    assert told("partial") == ("partial", "ready body")
    assert told("empty") == ("ready", "ready body")
    assert told("failed") == ("any", "any body")
    assert told("canceled") == ("canceled", "any body")


@pytest.mark.parametrize("templates", [{}, {"failed": Source("x", "y")}, {"ready": Source()}])
def test_without_a_template_the_message_is_the_plain_one(templates: Mapping[str, Source]) -> None:
    assert Renderer(templates).render(FULL) == (message(FULL), None)


def test_a_template_for_the_title_leaves_the_body_plain() -> None:
    made, _ = renderer(title="{{ title }}!").render(FULL)
    assert (made.title, made.body) == (message(FULL).title + "!", message(FULL).body)


@pytest.mark.parametrize("source", ["short", "{{ body }}", "see {{ event_id }} there", ""])
def test_the_events_id_is_on_every_message_once(source: str) -> None:
    made, _ = renderer(body=source).render(FULL)
    assert made.body.count(FULL.id) == 1
    assert not made.body.startswith("\n")


def test_a_title_is_one_short_line_and_never_empty() -> None:
    assert renderer(title="a\n\t b\x00c").render(FULL)[0].title == "a b c"
    assert len(renderer(title="{{ 'x' ~ body ~ body ~ body ~ body }}").render(FULL)[0].title) == LONGEST_TITLE
    assert renderer(title=" \n ").render(FULL)[0].title == message(FULL).title


def test_a_template_that_fails_gives_the_plain_message_with_the_reason() -> None:
    with_errors = replace(FULL, transition=replace(FULL.transition, facts=replace(FULL.transition.facts, errors=3)))
    made = renderer(title="fine", body="one\n{{ 12 / (errors - 3) }}")
    assert made.render(FULL)[1] is None
    told, failure = made.render(with_errors)
    assert failure == "line 2: ZeroDivisionError: division by zero"
    assert told.title == message(with_errors).title
    assert told.body == f"{message(with_errors).body}\n(The template failed: {failure}; this is the plain message.)"


def test_a_bad_template_makes_no_renderer() -> None:
    with pytest.raises(ValueError, match="the template for ready: line 1: there is no variable `nope`"):
        renderer(title="{{ nope }}", event="ready")


# What is told at load


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("\n\n{{ name", "line 3: unexpected end of template"),
        ("a\n{{ recrods }}", "line 2: there is no variable `recrods`; did you mean `records`?"),
        ("{% if false %}\n{{ nope }}{% endif %}", "line 2: there is no variable `nope`"),
        ("{{ name|shout }}", "line 1: there is no filter `shout` here"),
        ("{% if false %}{{ name|shout }}{% endif %}", "line 1: there is no filter `shout` here"),
        ("{{ name is odder }}", "line 1: "),
        ("{{ name.surname }}", "line 1: 'str object' has no attribute 'surname'"),
        ("{{ name.upper }}", "line 1: TypeError: this is a method: call it, with \\(\\) behind its name"),
        ("\n{{ records + 1 }}", "line 2: TypeError: .* None: write for example `records or 0`"),
        ("{{ error_codes[0] if errors else error_codes[9][1] }}", "line 1: .*tried with `starting`"),
        ("x" * (LONGEST_SOURCE + 1), "longer than 10,240 characters"),
    ],
)
def test_an_error_has_its_line(source: str, reason: str) -> None:
    told = check_template(source)
    assert told is not None
    assert re.match(reason, told), told


# What a template cannot do

ESCAPES = [
    "{{ ''.__class__.__mro__ }}",
    "{{ ''['__class__'] }}",
    "{{ name.__init__.__globals__ }}",
    "{{ labels.__class__.__base__.__subclasses__() }}",
    "{{ ''|attr('__class__') }}",
    "{{ '{0.__class__}'.format(name) }}",
    "{{ 'x'.format_map(labels) }}",
    "{{ events|map(attribute='__class__')|list }}",
    "{{ error_codes|sort(attribute='__class__.__name__') }}",
    "{{ self._TemplateReference__context }}",
    "{{ self.__init__ }}",
    "{% for x in events %}{{ loop.__init__ }}{% endfor %}",
    "{% for x in events %}{{ loop._iterable }}{% endfor %}",
    "{{ range.__call__ }}",
    "{{ observed_at.__reduce__() }}",
    "{{ observed_at.now() }}",
    "{{ labels.update({'a': 'b'}) }}",
    "{{ labels.pop('team') }}",
    "{{ cycler.__init__.__globals__.os }}",
    "{{ lipsum.__globals__ }}",
    "{{ namespace() }}",
    "{{ joiner() }}",
    "{{ dict(a=1) }}",
    "{{ caller() }}",
    "{{ name.upper.__self__ }}",
    "{{ (name.strip)() if false else labels.get.__self__ }}",
    "{% include 'config.yaml' %}",
    "{% import 'os' as os %}",
    "{% from 'os' import path %}",
    "{% extends 'base' %}",
    "{% block a %}{% endblock %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% call range(3) %}{% endcall %}",
    "{% set name = 'x' %}",
    "{% set x %}y{% endset %}",
    "{% with x = 1 %}{% endwith %}",
    "{% filter upper %}x{% endfilter %}",
    "{% autoescape true %}x{% endautoescape %}",
    "{% for x in events recursive %}{{ loop(events) }}{% endfor %}",
    "{% raw %}{% endraw %}{% do labels.clear() %}",
]


@pytest.mark.parametrize("source", ESCAPES)
def test_there_is_no_way_out(source: str) -> None:
    assert check_template(source) is not None


LOOPS = [f"{{% for {letter} in range(1000) %}}" for letter in "abcd"]
HUGE = [
    "{{ 'a' * 1000000000 }}",
    "{{ [1] * 1000000000 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ 'a'.ljust(1000000000) }}",
    "{{ 'a'|center(1000000000) }}",
    "{{ '%1000000000d'|format(1) }}",
    "{{ 1.5|round(1000000000, 'ceil') }}",
    "{{ range(1000000000000)|list }}",
    "{{ range(10 * 99999999999999999999)|sum }}",
    "{% for a in range(1001) %}{% endfor %}",
    "".join(LOOPS) + "{% endfor %}" * 4,
    "".join(LOOPS) + "x" + "{% endfor %}" * 4,
    "{% for a in body %}" * 6 + "{% endfor %}" * 6,
    "{% for a in body %}" * 25 + "{% endfor %}" * 25,
    "{{ '\"'" + "|tojson" * 60 + " }}",
    "{{ body|replace('', body)|replace('', body) }}",
    "{{ body|join(body)|join(body) }}",
    "{{ [body, body] }}",
    "{{ " + "body ~ " * 1400 + "'' }}",
    "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "{{ " + "not " * 2000 + "1 }}",
    "{{ " + "1 * " * 2000 + "1 }}",
    "{{ (range(1000)|list|join(body[:50])" + "|sort|join" * 60 + ")[0] }}",
    "{{ ('x" + "y" * 900 + "'|tojson" + "|sort|join" * 60 + ")|replace('y', 'zzzzzzzzz' * 2) }}",
    "{% for a in range(1000) %}{% if (body|tojson" + "|sort|join" * 40 + ") %}{% endif %}{% endfor %}",
]


@pytest.mark.parametrize("source", HUGE, ids=range(len(HUGE)))
def test_nothing_takes_long_or_grows_large(source: str) -> None:
    started = time.thread_time()
    assert check_template(source) is not None
    assert time.thread_time() - started < 4


# Whatever is given

PIECES = st.sampled_from(
    [
        *("{{ ", " }}", "{% ", " %}", "{#", "#}", "if ", "else", "endif", "for ", " in ", "endfor", "x", "set ", "\n"),
        *("|", ".", "(", ")", "[", "]", "'", '"', ",", "1", "0", " * ", " + ", " / ", " ~ ", " == ", "not ", "loop"),
        *("range(", "{% raw %}", "-%}", "__class__", "is none", "\x00", "\ud800", "ü", *VARIABLES, *JINJAS, *METHODS),
    ]
)
texts = st.text(max_size=60)
sources = st.lists(PIECES | texts, max_size=25).map("".join)


@given(sources)
def test_any_template_is_good_or_has_a_reason_and_a_good_one_always_makes_a_message(source: str) -> None:
    reason = check_template(source)
    if reason is not None:
        assert reason.isprintable() or "\\" in ascii(reason)
        assert len(reason.splitlines()) == 1
        return
    made = renderer(source, source)
    for event in EVENTS.values():
        told, failure = made.render(event)
        assert failure is None
        assert event.id in told.body
        assert 0 < len(told.title) <= LONGEST_TITLE
        told.body.encode()


counts = st.none() | st.integers(min_value=0)
facts = st.builds(
    Facts,
    dataset_id=st.none() | texts,
    records=counts,
    errors=counts,
    error_message=st.none() | texts,
    error_codes=st.lists(st.tuples(texts, st.integers())).map(tuple),
    running_time_ms=st.none() | st.integers(min_value=0, max_value=10**12),
)
EVERYTHING = "".join(f"{{{{ {name} }}}}" for name in sorted(VARIABLES))


@given(status=st.text(min_size=1), told=facts, name=texts, labels=st.dictionaries(texts, texts))
def test_any_event_makes_a_message_with_its_id(status: str, told: Facts, name: str, labels: dict[str, str]) -> None:
    event = Event(
        id="evt_1",
        watch_id="s_1",
        name=name,
        labels=labels,
        transition=Transition(
            snapshot_id="s_1",
            revision=1,
            previous="unknown",
            status=status,
            names=names_of(status, told),
            facts=told,
            observed_at=datetime(2026, 11, 23, tzinfo=UTC),
            late_by=timedelta(hours=1),
        ),
    )
    made, _ = renderer(EVERYTHING, EVERYTHING + "{{ records / errors }}").render(event)
    assert "evt_1" in made.body


def test_garbage_of_others_is_not_counted_as_the_time_of_a_rendering() -> None:
    """None is collected while one goes on, and it is collected as before after it."""
    with metered(), metered():
        assert not gc.isenabled()
    assert gc.isenabled()
