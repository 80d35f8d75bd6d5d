"""Each request fails alone, within bounds, and with the headers of all."""

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import Message, Receive, Scope, Send
from support.web import asking

from notifier.core.isolation import Faults
from notifier.core.work_units import UnitFault
from notifier.web.isolation import LARGEST_BODY, Isolation


async def reads(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the method and the size of the body."""
    request = Request(scope, receive)
    body = await request.body()
    await PlainTextResponse(f"{request.method} {len(body)}", headers={"Cache-Control": "max-age=5"})(
        scope, receive, send
    )


async def raises(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("canary")


async def test_every_answer_has_the_headers_unless_it_has_its_own() -> None:
    async with asking(Isolation(reads, Faults())) as client:
        answer = await client.get("/")
    assert answer.headers["server"].startswith("notifier/")
    assert answer.headers["cache-control"] == "max-age=5"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "unsafe" not in answer.headers["content-security-policy"]


async def test_what_fails_is_reported_and_answered_without_its_reason() -> None:
    told: list[UnitFault] = []
    async with asking(Isolation(raises, Faults(told.append))) as client:
        answer = await client.get("/path")
    assert (answer.status_code, "canary" in answer.text) == (500, False)
    assert answer.headers["cache-control"] == "no-store"
    assert [(fault.subject, fault.error_name) for fault in told] == [("/path", "RuntimeError")]


async def test_an_answer_that_fails_half_way_is_reported_and_gets_no_second_beginning() -> None:
    async def half(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("canary")

    told: list[UnitFault] = []
    async with asking(Isolation(half, Faults(told.append))) as client:
        with pytest.raises(AssertionError):  # of the transport: no body came
            await client.get("/")
    assert len(told) == 1


async def test_a_body_is_read_up_to_its_limit() -> None:
    async with asking(Isolation(reads, Faults())) as client:
        assert (await client.post("/", content=b"x" * LARGEST_BODY)).text == f"POST {LARGEST_BODY}"
        answer = await client.post("/", content=b"x" * (LARGEST_BODY + 1))
        assert (answer.status_code, "larger than" in answer.text) == (413, True)


async def test_a_head_is_asked_like_a_get() -> None:
    async with asking(Isolation(reads, Faults())) as client:
        assert (await client.head("/")).headers["content-length"] == str(len("GET 0"))


async def test_nothing_but_http_is_served() -> None:
    with pytest.raises(ValueError, match="websocket"):
        await Isolation(StreamingResponse([]), Faults())({"type": "websocket"}, None, None)  # type: ignore[arg-type]


async def test_a_client_that_hangs_up_in_the_middle_of_its_body_is_no_fault() -> None:
    told: list[UnitFault] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    await Isolation(reads, Faults(told.append))(scope, receive, send)
    assert told == []
