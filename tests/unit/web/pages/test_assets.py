"""Browsers keep the files of the pages for good: an address changes with what is behind it."""

import re
from pathlib import Path

from fastapi import FastAPI
from support.web import asking

from notifier.web.pages.assets import ASSETS, KEPT, SCRIPTS, STATIC, Assets, router


def test_a_script_imports_others_by_their_addresses(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text('import { b } from "./b.js";\n')
    (tmp_path / "b.js").write_text("export const b = 1;\n")
    before = Assets(tmp_path)
    imported = before.url("b.js").removeprefix("/static/")
    script = before.get("a.js")
    assert script is not None
    assert script.content == f'import {{ b }} from "./{imported}";\n'.encode()

    (tmp_path / "b.js").write_text("export const b = 2;\n")
    after = Assets(tmp_path)
    assert after.url("b.js") != before.url("b.js")
    assert after.url("a.js") != before.url("a.js"), "a browser would go on with the old one"


def test_every_script_is_loaded_by_the_pages_or_imported_by_one_that_is() -> None:
    names, loaded = list(SCRIPTS), set()
    while names:
        name = names.pop()
        loaded.add(name)
        asset = ASSETS.get(name)
        assert asset is not None
        names += [each.decode() for each in re.findall(rb'from "\./([\w.-]+)\?', asset.content)]
    assert loaded == {path.name for path in STATIC.glob("*.js")}


async def test_an_address_with_the_right_hash_is_kept_and_another_is_asked_for_again() -> None:
    app = FastAPI()
    app.include_router(router())
    async with asking(app) as client:
        right = await client.get(ASSETS.url("live.js"))
        wrong = await client.get("/static/live.js?old")
        same = await client.get("/static/live.js", headers={"If-None-Match": right.headers["etag"]})
        none = await client.get("/static/gone.js")
    assert (right.status_code, right.headers["cache-control"]) == (200, KEPT)
    assert right.headers["content-type"] == "text/javascript; charset=utf-8"
    assert (wrong.status_code, wrong.headers["cache-control"]) == (200, "no-cache")
    assert (same.status_code, same.content) == (304, b"")
    assert none.status_code == 404
