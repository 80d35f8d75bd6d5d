"""Errors as RFC 9457 has them: `application/problem+json` with a type, a title, a status, a detail and an instance.

The type is a reference to the paragraph of the API's reference page that says what the problem means and what to do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from starlette.responses import Response

from notifier.core.errors import BadCursor, NotifierError, StoreError, UsageError
from notifier.core.json_values import json_bytes
from notifier.core.words import one_line

MEDIA_TYPE = "application/problem+json"
REFERENCE = "/api/reference"
"""The path of the reference page."""

LONGEST_DETAIL = 2_000
MOST_ERRORS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldErrorResource:
    """What is wrong with one part of a request.

    Attributes:
        place: where: `query`, `path` or `body`, and the name after a dot.
        detail: what is wrong there, and what would be right.
    """

    place: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ProblemResource:
    """An error, in the form of RFC 9457.

    Attributes:
        type: the kind of the problem; a reference to the paragraph that explains it. It does not change.
        title: the kind of the problem in words.
        status: the HTTP status.
        detail: what is wrong, where, and what to do.
        instance: the path of the request.
        errors: each part of the request that is wrong; empty if it is not the request.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: tuple[FieldErrorResource, ...] = ()


class Kind(Enum):
    """The kinds of problems: status, word, title, and what each means."""

    MALFORMED = (400, "malformed", "The request cannot be read", "Its syntax is wrong: see the detail.")
    UNAUTHORISED = (
        401,
        "unauthorised",
        "The token is missing or wrong",
        "Send `Authorization: Bearer TOKEN`, with the token under `http:` of the configuration.",
    )
    FORBIDDEN = (
        403,
        "forbidden",
        "The request comes from where it may not",
        "Without a token, only this machine is answered; and what changes something takes the token or a page of ours.",
    )
    NOT_FOUND = (404, "not-found", "There is no such thing", "Nothing has this path or this id: see the detail.")
    NO_PATH = (404, "unknown-path", "There is no such path", "This version of the API does not have it.")
    NOT_ALLOWED = (
        405,
        "method-not-allowed",
        "The path does not take this method",
        "The header `Allow` names the methods that it takes.",
    )
    CANNOT = (409, "cannot-be-done", "It cannot be done now", "The state of things does not allow it: see the detail.")
    CURSOR = (
        409,
        "cursor",
        "The cursor is not one of this list",
        "Ask without it, for the first page; and keep the filters and the order while you page.",
    )
    TOO_LARGE = (413, "too-large", "The request is too large", "No request of this API needs as much.")
    MEDIA = (415, "media-type", "The body is of another type", "Send JSON, as `Content-Type: application/json`.")
    INVALID = (422, "invalid", "The request has wrong values", "`errors` lists each of them with its place.")
    TOO_MANY = (
        429,
        "too-many-requests",
        "Too many requests",
        "Wait for as many seconds as the header `Retry-After` says.",
    )
    INTERNAL = (
        500,
        "internal-error",
        "The notifier failed to answer",
        "This is a bug in the notifier. Its log says more; notifications are not affected.",
    )
    UNAVAILABLE = (
        503,
        "unavailable",
        "The database does not answer",
        "Ask again in some seconds; the detail, and the notifier's log, say what keeps it.",
    )

    def __init__(self, status: int, word: str, title: str, meaning: str) -> None:
        self.status = status
        self.word = word
        self.title = title
        self.meaning = meaning

    @property
    def type(self) -> str:
        """The reference that identifies the kind."""
        return f"{REFERENCE}#problem-{self.word}"


_OF_STATUS = {kind.status: kind for kind in reversed(Kind)}


class Problem(Exception):
    """A request that cannot be answered: the kind, the detail, headers, and the errors of single values."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        errors: tuple[FieldErrorResource, ...] = (),
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = errors


def kind_of(status: int) -> Kind:
    """Return the kind of a status of HTTP; that of its class, if it has none of its own."""
    return _OF_STATUS.get(status) or (Kind.INTERNAL if status >= 500 else Kind.MALFORMED)


def problem_of(error: NotifierError) -> Problem:
    """Return the problem of an error whose text is for people."""
    if isinstance(error, BadCursor):
        return Problem(Kind.CURSOR, str(error))
    if isinstance(error, StoreError):
        return Problem(Kind.UNAVAILABLE, str(error), headers={"Retry-After": "5"})
    return Problem(Kind.INVALID if isinstance(error, UsageError) else Kind.CANNOT, str(error))


def not_found(what: str, cure: str) -> Problem:
    """Return the problem of an id that nothing has: `not_found("delivery 7", "list them with …")`."""
    return Problem(Kind.NOT_FOUND, f"there is no {what}; {cure}")


def answer(problem: Problem, instance: str) -> Response:
    """Return the response for a problem. It can be sent from outside of the API's routes, too.

    Args:
        problem: what is wrong.
        instance: the path of the request.
    """
    body = ProblemResource(
        type=problem.kind.type,
        title=problem.kind.title,
        status=problem.kind.status,
        detail=one_line(problem.detail, LONGEST_DETAIL),
        instance=one_line(instance, LONGEST_DETAIL),
        errors=problem.errors[:MOST_ERRORS],
    )
    return Response(json_bytes(body), problem.kind.status, headers=problem.headers, media_type=MEDIA_TYPE)


def invalid(errors: list[Any]) -> Problem:
    """Return the problem of values that pydantic refused, from its errors with their places."""
    found = tuple(
        FieldErrorResource(place=_place(each["loc"]), detail=one_line(_sentence(each), LONGEST_DETAIL))
        for each in errors[:MOST_ERRORS]
    )
    detail = "; ".join(f"{each.place}: {each.detail}" for each in found)
    return Problem(Kind.INVALID, detail, errors=found)


def _place(loc: tuple[Any, ...]) -> str:
    return one_line(".".join(map(str, loc)), 200)


def _sentence(error: dict[str, Any]) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "is not known here"
        case "greater_than_equal":
            return f"is too small: at least {context['ge']}"
        case "less_than_equal":
            return f"is too large: at most {context['le']}"
        case "int_parsing" | "int_type" | "int_from_float" | "int_parsing_size":
            return "is not a whole number"
        case "json_invalid":
            return f"is not JSON: {context.get('error', '')}"
        case "value_error":
            return str(context.get("error") or error["msg"])
        case _:
            return str(error["msg"][:1].lower() + error["msg"][1:])
