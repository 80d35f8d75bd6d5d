"""What is in trouble in words for people: one sentence that says what is wrong, and one that says what to do."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from notifier.core.health.api import ApiKind, ApiState
from notifier.core.health.channel_texts import cure as cure_of
from notifier.core.health.channel_texts import waiting_words, why
from notifier.core.health.conditions import (
    API,
    AUDIT,
    CHANNEL,
    FAULT,
    HTTP,
    LAST,
    LIST,
    MACHINE,
    REFUSED,
    RELOAD,
    STORE,
)
from notifier.core.health.store import StoreNews, StoreTrouble
from notifier.core.health.vitals import Vitals, fixable_by_restart
from notifier.core.resources import ConditionResource
from notifier.core.words import span
from notifier.core.work_units import Unit

_API = {
    ApiKind.UNAUTHORISED: (
        "Bright Data refuses the token, so that nothing is polled",
        (
            "Put a valid token where `api:` takes it from. It is tried again automatically, and notifications of what "
            "happens meanwhile follow."
        ),
    ),
    ApiKind.UNREACHABLE: (
        "Bright Data cannot be reached",
        (
            "Every snapshot keeps its status until it answers. If it lasts, check whether this machine reaches "
            "`api: base_url`, and what Bright Data says about an outage."
        ),
    ),
    ApiKind.RATE_LIMITED: (
        "Bright Data asks for fewer requests (429)",
        (
            "Polling continues automatically. If it happens again, lower `api: requests_per_second`, or look for "
            "another program that uses the same account."
        ),
    ),
}

_STORE = {
    StoreTrouble.FULL: (
        "The disk of the database is full",
        "Make room on the disk. Do not restart the notifier: it keeps in memory what it could not write.",
    ),
    StoreTrouble.LOCKED: (
        "Another program keeps the database locked",
        "End that program. Do not restart the notifier: it keeps in memory what it could not write.",
    ),
    StoreTrouble.FAILING: (
        "The database cannot be used",
        (
            "Check the disk and the rights of the file. Do not restart the notifier: it keeps in memory what it could "
            "not write."
        ),
    ),
}


def condition_resources(vitals: Vitals) -> list[ConditionResource]:
    """Return all that is in trouble, the worst first: what stops everything before what costs only itself."""
    return [
        *_of_store(vitals.store),
        *_of_api(vitals.api),
        *_of_polls(vitals),
        *sorted(_of_conditions(vitals), key=lambda each: (_rank(each.subject), each.subject)),
    ]


def _of_store(trouble: StoreNews | None) -> Iterator[ConditionResource]:
    if trouble is not None:
        sentence, cure = _STORE[trouble.trouble]
        yield ConditionResource(
            subject=STORE,
            kind=trouble.trouble,
            since=trouble.at,
            sentence=_with_detail(sentence, trouble.detail),
            cure=cure,
        )


def _of_api(api: ApiState) -> Iterator[ConditionResource]:
    if api.kind is not ApiKind.OK:
        sentence, cure = _API[api.kind]
        if api.kind is ApiKind.RATE_LIMITED and api.held_for > timedelta(0):
            sentence += f", and gets none for {span(api.held_for)}"
        yield ConditionResource(
            subject=API, kind=api.kind, since=api.since, sentence=_with_detail(sentence, api.detail), cure=cure
        )


def _of_polls(vitals: Vitals) -> Iterator[ConditionResource]:
    for trouble in fixable_by_restart(vitals):
        sentence, _, _ = trouble.partition("; ")
        cure = "Restart the notifier: `systemctl restart notifier`. Nothing is lost by it."
        yield ConditionResource(subject="polls", kind="stuck", since=None, sentence=_sentence(sentence), cure=cure)


def _of_conditions(vitals: Vitals) -> Iterator[ConditionResource]:
    """What the database knows, and what memory knows before: a reload is a condition once its refusal has lasted."""
    subjects = {each.subject for each in vitals.conditions}
    for condition in vitals.conditions:
        if condition.subject not in (API, STORE):  # memory knows these better
            yield _resource(condition.subject, condition.kind, condition.since, condition.detail)
    reload = vitals.reload
    if reload is not None and reload.refused and RELOAD not in subjects:
        kind = LAST if reload.runs_of is not None else "refused"
        yield _resource(RELOAD, kind, reload.at, reload.refused[0])
    if vitals.machine and MACHINE not in subjects:
        yield _resource(MACHINE, "short", None, vitals.machine)
    if vitals.page and HTTP not in subjects:
        yield _resource(HTTP, "failed", None, vitals.page)


def with_waiting(condition: ConditionResource, waiting: Mapping[str, int]) -> ConditionResource:
    """Return a condition with how many messages wait for its channel; `waiting` has the numbers by channel."""
    number = waiting.get(condition.subject.removeprefix(CHANNEL), 0) if condition.subject.startswith(CHANNEL) else 0
    return replace(condition, sentence=f"{condition.sentence} {waiting_words(number)}") if number else condition


def _resource(subject: str, kind: str, since: datetime | None, detail: str) -> ConditionResource:
    if subject.startswith(CHANNEL):
        name = subject.removeprefix(CHANNEL)
        sentence = _with_detail(f"The channel {name} is broken", why(detail))
        return ConditionResource(subject=subject, kind=kind, since=since, sentence=sentence, cure=cure_of(name, detail))
    sentence, cure = _texts(subject, kind)
    return ConditionResource(
        subject=subject, kind=kind, since=since, sentence=_with_detail(sentence, detail), cure=cure
    )


def _texts(subject: str, kind: str) -> tuple[str, str]:
    """Return what is wrong, without the detail, and what to do."""
    if subject == RELOAD and kind == LAST:
        return "The configuration has errors, and the notifier started with the last valid one", _FIX_FILES
    if subject in _SINGLE:
        return _SINGLE[subject]
    prefix, (sentence, cure) = next(
        ((prefix, texts) for prefix, texts in _SEVERAL.items() if subject.startswith(prefix)), ("", _OTHER)
    )
    name = subject.removeprefix(prefix)
    if prefix == FAULT:
        unit, _, error = name.partition(":")
        name = f"{Unit(unit).words if unit in list(Unit) else unit}: {error}"
    return sentence.format(name=name), cure.format(name=name)


_FIX_FILES = "Fix the files: `notifier config check` lists every error. They are reloaded automatically."

_SINGLE = {
    RELOAD: ("The configuration has errors and was not loaded: the old one runs", _FIX_FILES),
    HTTP: (
        "The HTTP server cannot listen",
        "Free the address, or change `http:`. It is tried again every few seconds; polls and messages continue.",
    ),
    MACHINE: (
        "The machine has run out of resources",
        "See which program uses so many: `ls /proc/PID/fd | wc -l`. What fails because of it is tried again.",
    ),
    AUDIT: (
        "The audit of the outbox found errors",
        "Please report it, with the log. `notifier delivery list` shows what was delivered.",
    ),
}

_SEVERAL = {
    LIST: (
        "The list of the dataset {name} is stale",
        "Nothing is to be done: its snapshots are polled one by one until the lists agree again.",
    ),
    REFUSED: (
        "Bright Data refuses to answer for {name}",
        (
            "Check that the id is right, and that the token belongs to the account that started it; "
            "remove the watch if it is not wanted any more."
        ),
    ),
    FAULT: (
        "An internal error in {name}",
        "Nothing else is affected. Please report it: the log has the traceback (`unit.internal_error`).",
    ),
}

_OTHER = ("{name} is in trouble", "The log says more.")

_ORDER = (RELOAD, CHANNEL, REFUSED, MACHINE, AUDIT, FAULT, LIST, HTTP)


def _rank(subject: str) -> int:
    return next((number for number, prefix in enumerate(_ORDER) if subject.startswith(prefix)), len(_ORDER))


def _with_detail(sentence: str, detail: str) -> str:
    """Return one sentence that ends with the detail, if there is one."""
    said = " ".join(detail.split()).rstrip(".")
    return _sentence(f"{sentence}: {said}" if said else sentence)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
