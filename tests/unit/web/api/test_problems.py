"""Every error has the form of RFC 9457, with a type to decide by and a detail to read."""

import json
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from notifier.core.errors import BadCursor, NotifierError, StoreError, UsageError
from notifier.web.api.problems import LONGEST_DETAIL, Kind, Problem, answer, invalid, kind_of, problem_of


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")
    number: int = Field(ge=1, le=9)


def body_of(problem: Problem, path: str = "/api/v1/x") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bytes(answer(problem, path).body))
    return found


def test_a_problem_has_type_title_status_detail_and_instance() -> None:
    response = answer(Problem(Kind.NOT_FOUND, "there is no delivery 7"), "/api/v1/deliveries/7")
    assert (response.status_code, response.media_type) == (404, "application/problem+json")
    assert json.loads(bytes(response.body)) == {
        "type": "/api/reference#problem-not-found",
        "title": "There is no such thing",
        "status": 404,
        "detail": "there is no delivery 7",
        "instance": "/api/v1/deliveries/7",
        "errors": [],
    }


def test_every_kind_has_a_type_of_its_own() -> None:
    assert len({kind.type for kind in Kind}) == len(Kind)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (StoreError("the database is locked"), Kind.UNAVAILABLE),
        (UsageError("there is no watch of that name"), Kind.INVALID),
        (BadCursor("the cursor is not one of this list"), Kind.CURSOR),
        (NotifierError("the channel is gone"), Kind.CANNOT),
    ],
)
def test_an_error_for_people_keeps_its_text(error: NotifierError, kind: Kind) -> None:
    problem = problem_of(error)
    assert (problem.kind, problem.detail) == (kind, str(error))


@pytest.mark.parametrize(("status", "kind"), [(404, Kind.NOT_FOUND), (418, Kind.MALFORMED), (502, Kind.INTERNAL)])
def test_any_status_has_a_kind(status: int, kind: Kind) -> None:
    assert kind_of(status) is kind


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        ("{}", "number: is missing"),
        ('{"number": 0}', "number: is too small: at least 1"),
        ('{"number": 10}', "number: is too large: at most 9"),
        ('{"number": "x"}', "number: is not a whole number"),
        ('{"number": 1, "other": 2}', "other: is not known here"),
    ],
)
def test_a_wrong_value_is_named_by_its_place_with_what_would_be_right(given: str, detail: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Body.model_validate_json(given)
    problem = invalid(list(refused.value.errors()))
    assert problem.detail == detail
    assert body_of(problem)["errors"] == [dict(zip(("place", "detail"), detail.split(": ", 1), strict=True))]


def test_what_was_sent_is_neither_quoted_in_full_nor_able_to_forge_lines() -> None:
    found = body_of(Problem(Kind.CANNOT, f"a\nb{'x' * 9_000}"), "/api/v1/\x1b[31m")
    assert len(found["detail"]) <= LONGEST_DETAIL
    assert found["detail"].startswith("a b")
    assert "\x1b" not in found["instance"]
