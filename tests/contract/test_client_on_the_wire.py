"""The real client against servers that send any bytes: the request on the wire, and the bounds of an answer."""

import asyncio
import gzip
import logging
import socket
import time

import pytest
from support.api_client import CANARY, client_of, new_limiter, poll, raw_server, unclear

from notifier import __version__
from notifier.brightdata.datasets.client import LARGEST_ANSWER
from notifier.brightdata.http.failures import NoAnswer
from notifier.core.snapshot.model import NotFound, Reason, Seen


async def test_a_request_has_the_token_the_user_agent_and_no_cookies() -> None:
    answer = (
        b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\nConnection: close\r\nSet-Cookie: a=b\r\n\r\n{"status":"running"}'
    )
    async with raw_server(answer) as (url, requests):
        async with client_of(url.replace("127.0.0.1", "localhost") + "/prefix/") as client:
            for _ in range(2):
                assert await client.observe("s_1") == Seen(status="running")
    first, second = ([line.lower() for line in request.decode().split("\r\n")] for request in requests)
    assert first[0] == "get /prefix/datasets/v3/progress/s_1 http/1.1"
    assert f"authorization: bearer {CANARY}" in first
    assert f"user-agent: notifier/{__version__}" in first
    assert "accept-encoding: identity" in first
    assert not [line for line in second if line.startswith("cookie")]


async def test_an_answer_about_another_snapshot_is_nonsense() -> None:
    body = b'{"status":"ready","snapshot_id":"s_2"}'
    async with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)) as (url, _):
        assert unclear(await poll(url)).reason is Reason.NONSENSE


async def test_an_answer_of_exactly_the_largest_size_is_read_and_one_byte_more_is_not() -> None:
    body = b'{"status":"ready"}'.ljust(LARGEST_ANSWER)
    for extra, wanted in ((0, Seen(status="ready")), (1, None)):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(body) + extra)
        async with raw_server(head + body + b" " * extra) as (url, _):
            observation = await poll(url)
            assert observation == wanted if wanted else unclear(observation).reason is Reason.NONSENSE


async def test_an_endless_answer_is_abandoned_at_the_cap() -> None:
    async def on(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"10000\r\n" + b"a" * 0x10000 + b"\r\n")
            await writer.drain()

    async with raw_server(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", then=on) as (url, _):
        assert "larger than" in unclear(await poll(url)).detail


async def test_a_compressed_answer_is_not_unpacked() -> None:
    bomb = gzip.compress(b'{"status":"ready"}'.ljust(64 * LARGEST_ANSWER))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    async with raw_server(head + bomb) as (url, _):
        observation = unclear(await poll(url))
    assert observation.reason is Reason.NONSENSE
    assert "gzip-encoded" in observation.detail


@pytest.mark.parametrize("piece", [b"H", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"])
async def test_the_timeout_is_for_the_complete_answer_wherever_it_hangs(piece: bytes) -> None:
    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()  # until the client hangs up

    async with raw_server(piece, then=hang) as (url, _):
        began = time.monotonic()
        assert unclear(await poll(url, timeout=0.2)).reason is Reason.TIMEOUT
        assert 0.15 < time.monotonic() - began < 2.0


@pytest.mark.parametrize("code", [401, 404, 500])
async def test_the_status_line_of_an_error_counts_though_the_body_breaks_off(code: int) -> None:
    async with raw_server(b"HTTP/1.1 %d No\r\nContent-Length: 99\r\n\r\nha" % code) as (url, _):
        observation = await poll(url)
    wanted = {401: Reason.UNAUTHORISED, 500: Reason.SERVER_ERROR}.get(code)
    assert observation == NotFound() if wanted is None else unclear(observation).reason is wanted


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", Reason.CONNECTION),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", Reason.NONSENSE),
        (b"HTTP/1.1 banana\r\n\r\n", Reason.NONSENSE),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n", Reason.NONSENSE),
        (b"HTTP/1.1 302 Found\r\nLocation: http://[::bad/\r\nContent-Length: 0\r\n\r\n", Reason.NONSENSE),
        (b"HTTP/1.1 302 Found\r\nLocation: ftp://x\r\nContent-Length: 0\r\n\r\n", Reason.NONSENSE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Reason.NONSENSE),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Reason.NONSENSE),
        (b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", Reason.NONSENSE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nRetry-After: \xff\xfe\r\n\r\n\xff\x00{", Reason.NONSENSE),
        (b"HTTP/1.1 429 No\r\nContent-Length: 99\r\nRetry-After: \xb2\r\n\r\n", Reason.RATE_LIMITED),
    ],
)
async def test_any_bytes_are_an_observation(answer: bytes, reason: Reason) -> None:
    async with raw_server(answer) as (url, _):
        assert unclear(await poll(url)).reason is reason


async def test_a_refused_connection_has_the_reason_connection() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening
        observation = unclear(await poll(f"http://127.0.0.1:{taken.getsockname()[1]}"))
    assert observation.reason is Reason.CONNECTION
    assert "ClientConnectorError" in observation.detail


async def test_a_name_that_does_not_exist_has_the_reason_connection() -> None:
    assert unclear(await poll("http://nonexistent.invalid", timeout=20.0)).reason is Reason.CONNECTION


async def test_a_proxy_of_the_environment_is_used_and_its_password_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"status":"running"}'
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    async with raw_server(answer) as (url, requests):
        monkeypatch.setenv("http_proxy", url.replace("//", "//user:hunter2@"))
        monkeypatch.setenv("no_proxy", "")
        assert await poll("http://nonexistent.invalid") == Seen(status="running")
    assert requests[0].startswith(b"GET http://nonexistent.invalid/datasets/v3/progress/s_1 HTTP/1.1")
    async with raw_server(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n") as (url, _):
        monkeypatch.setenv("https_proxy", url.replace("//", "//user:hunter2@"))
        observation = unclear(await poll("https://nonexistent.invalid"))
    assert observation.reason is Reason.CONNECTION
    assert "hunter2" not in observation.detail


async def test_the_token_is_never_shown_even_if_the_api_quotes_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    body = b'{"error":"bad token %s"}' % CANARY.encode()
    async with raw_server(b"HTTP/1.1 401 No\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)) as (url, _):
        async with client_of(url) as client:
            observation = unclear(await client.observe("s_1"))
            assert "canary" not in repr(client)
    assert observation.detail == "HTTP 401: bad token ***"
    assert "canary" not in caplog.text


async def test_a_long_request_releases_its_permit_after_the_usual_timeout() -> None:
    """Eight scrapes of a minute would else keep every look waiting: 429, which the limiter waits for, comes at once."""
    limiter, hang = new_limiter(), asyncio.Event()

    async def wait(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await hang.wait()

    async with raw_server(b"", then=wait) as (url, requests), client_of(url, timeout=0.05, limiter=limiter) as client:

        async def scrape() -> None:
            async with client.gateway.ask("POST", "/datasets/v3/scrape", patience=60.0):
                pass

        asking = asyncio.create_task(scrape())
        async with asyncio.timeout(20):
            while not requests or limiter.in_flight:  # noqa: ASYNC110 - a limiter has no event for its figures
                await asyncio.sleep(0.005)
        assert not asking.done()
        hang.set()
        with pytest.raises(NoAnswer):
            await asking
    assert limiter.in_flight == 0
