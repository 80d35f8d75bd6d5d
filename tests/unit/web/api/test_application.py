"""Whatever the API is asked, it answers in JSON, in the form that its description says."""

from pathlib import Path
from urllib.parse import unquote

import pytest
from support.api_world import SECRET, asking_api, fill
from support.web import being

from notifier.core.errors import NotifierError, StoreError
from notifier.core.work_units import UnitFault
from notifier.web.api.application import LARGEST_BODY

LISTS = ("watches", "snapshots", "datasets", "events", "deliveries", "channels", "conditions", "nodes")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "notifier.db"
    fill(path)
    return path


@pytest.mark.parametrize("name", [*LISTS, "health", "configuration"])
async def test_an_answer_that_the_client_has_is_not_sent_again(database: Path, name: str) -> None:
    async with asking_api(database) as client:
        first = await client.get(f"/api/v1/{name}")
        assert (first.status_code, first.headers["content-type"]) == (200, "application/json")
        if name == "nodes":
            return  # the node of the tests has just started
        again = await client.get(f"/api/v1/{name}", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])


@pytest.mark.parametrize("name", LISTS)
async def test_every_list_has_items_and_the_cursor_of_the_next_page(database: Path, name: str) -> None:
    async with asking_api(database) as client:
        page = (await client.get(f"/api/v1/{name}")).json()
        assert isinstance(page["items"], list)
        assert page["next"] is None


@pytest.mark.parametrize("path", ["snapshots", "watches", "events", "deliveries", "watches/s_1", "configuration"])
async def test_no_secret_is_in_an_answer(database: Path, path: str) -> None:
    async with asking_api(database) as client:
        answer = await client.get(f"/api/v1/{path}")
        assert answer.status_code == 200
        assert SECRET not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/api/v1/nothing", 404, "unknown-path"),
        ("GET", "/api/v2/watches", 404, "unknown-path"),
        ("GET", "/api/v1/deliveries/x", 404, "unknown-path"),
        ("DELETE", "/api/v1/watches", 405, "method-not-allowed"),
        ("GET", "/api/v1/deliveries/retry", 405, "method-not-allowed"),
        ("GET", "/api/v1/deliveries/99", 404, "not-found"),
        ("GET", "/api/v1/events/a%0Ab", 404, "not-found"),
        ("GET", "/api/v1/deliveries?limit=0", 422, "invalid"),
        ("GET", "/api/v1/events?cursor=x", 409, "cursor"),
        ("POST", "/api/v1/watches/none/mute", 404, "not-found"),
    ],
)
async def test_what_cannot_be_answered_is_a_problem(
    database: Path, method: str, path: str, status: int, kind: str
) -> None:
    async with asking_api(database) as client:
        answer = await client.request(method, path)
        problem = answer.json()
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert problem["type"] == f"/api/reference#problem-{kind}"
        assert (problem["status"], problem["instance"]) == (status, " ".join(unquote(path.partition("?")[0]).split()))
        assert problem["detail"]
        assert ("allow" in answer.headers) == (status == 405)


async def test_what_has_no_access_gets_a_problem_too(database: Path) -> None:
    async with asking_api(database, token="a-token-of-the-page") as client:
        assert (await client.get("/api/v1/nodes")).status_code == 200
        refused = await client.get("/api/v1/nodes", headers={"Authorization": "Bearer another"})
        assert (refused.status_code, refused.json()["type"]) == (401, "/api/reference#problem-unauthorised")
        assert refused.headers["notifier-version"]


@pytest.mark.parametrize(
    ("error", "status"), [(StoreError("the disk is full"), 503), (NotifierError("the channel is gone"), 409)]
)
async def test_an_error_for_people_keeps_its_words(database: Path, error: Exception, status: int) -> None:
    async with asking_api(database, vitals=being(error)) as client:
        answer = await client.get("/api/v1/health")
        assert (answer.status_code, answer.json()["detail"]) == (status, str(error))


async def test_a_store_that_does_not_answer_in_time_is_unavailable(database: Path) -> None:
    async with asking_api(database, vitals=being(TimeoutError("for 5 s"))) as client:
        answer = await client.get("/api/v1/health")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_what_a_route_raises_is_reported_and_told_without_its_reason(database: Path) -> None:
    faults: list[UnitFault] = []
    async with asking_api(database, faults=faults, vitals=being(RuntimeError("a secret thing"))) as client:
        answer = await client.get("/api/v1/health")
    assert (answer.status_code, answer.json()["type"]) == (500, "/api/reference#problem-internal-error")
    assert "secret thing" not in answer.text
    assert [(str(each.unit), each.subject) for each in faults] == [("page", "/api/v1/health")]


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        (b'{"ids": [1]', "application/json", 422),
        (b'{"ids": ["1"]}', "application/json", 422),
        (b'{"ids": [1], "more": 2}', "application/json", 422),
        (b"", "application/json", 422),
        (b"ids=1", "application/x-www-form-urlencoded", 415),
        (b'{"ids": [1]}', "text/plain", 415),
        (b" " * (LARGEST_BODY + 1), "application/json", 413),
    ],
)
async def test_a_body_that_is_not_what_is_wanted_is_refused(
    database: Path, body: bytes, media: str, status: int
) -> None:
    async with asking_api(database) as client:
        headers = {"Content-Type": media, "Sec-Fetch-Site": "same-origin"}
        answer = await client.post("/api/v1/deliveries/retry", content=body, headers=headers)
        assert (answer.status_code, answer.json()["status"]) == (status, status)
