"""The reference page shows all that the description has, without scripts."""

import json
import re
from pathlib import Path

from support.api_world import asking_api

from notifier.web.api.problems import Kind
from notifier.web.api.published import published
from notifier.web.api.reference import context


async def test_the_page_has_every_operation_shape_and_problem(tmp_path: Path) -> None:
    async with asking_api(tmp_path / "notifier.db") as client:
        description = (await client.get("/api/v1/openapi.json")).json()
        page = await client.get("/api/reference")
    assert page.headers["content-type"].startswith("text/html")
    assert "unsafe-inline" not in page.headers["content-security-policy"]
    ids = set(re.findall(r'id="([^"]+)"', page.text))
    assert {each["operationId"] for item in description["paths"].values() for each in item.values()} <= ids
    assert {f"problem-{kind.word}" for kind in Kind} <= ids
    links = set(re.findall(r'href="#([^"]+)"', page.text))
    assert links - {"main"} <= ids
    assert not re.search(r"\sstyle=|<style|<script>|\son\w+=", page.text)


async def test_the_description_is_sent_once_to_who_keeps_it(tmp_path: Path) -> None:
    async with asking_api(tmp_path / "notifier.db", token="a-token-of-the-page") as client:
        first = await client.get("/api/v1/openapi.json")
        again = await client.get("/api/v1/openapi.json", headers={"If-None-Match": first.headers["etag"]})
    assert (first.text, again.status_code) == (first.text, 304)
    assert first.json()["security"]


def test_types_are_said_in_words() -> None:
    shown = {each["name"]: each for each in context(json.loads(published()))["schemas"]}
    types = {each["name"]: each["type"] for each in shown["Delivery"]["fields"]}
    assert types["id"] == {"words": "integer", "schema": None}
    assert types["settled_at"]["words"] == "time or null"
    assert types["attempts"] == {"words": "list of Attempt or null", "schema": "Attempt"}
    assert {each["name"]: each["type"]["words"] for each in shown["Health"]["fields"]}["jobs"] == "Job by name"
