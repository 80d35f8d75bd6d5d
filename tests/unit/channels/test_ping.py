"""A ping sends one GET; any failure is a text without the address."""

import pytest
from support.web_server import answering

from notifier.channels.ping import ping


@pytest.mark.parametrize(("status", "trouble"), [(200, None), (204, None), (404, "HTTP 404"), (500, "HTTP 500")])
async def test_the_status_decides(status: int, trouble: str | None) -> None:
    async with answering(status) as (url, requests):
        assert await ping(f"{url}/canary?token=canary") == trouble
    assert requests == ["GET /canary?token=canary"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/canary", "http://canary:99999/"])
async def test_a_failure_is_a_text_without_the_address(url: str) -> None:
    trouble = await ping(url)
    assert trouble
    assert "canary" not in trouble


async def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(200) as (proxy, requests):
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert await ping("http://switch.invalid/x") is None
    assert requests == ["GET /x"] or requests == ["GET http://switch.invalid/x"]
