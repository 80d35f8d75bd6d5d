"""What each way of getting no answer says."""

import aiohttp
import httpx
import pytest
from aiohttp.client_reqrep import ConnectionKey

from notifier.brightdata.http.failures import AnswerTooLarge, unclear_of
from notifier.core.snapshot.model import Reason

KEY = ConnectionKey("api.invalid", 443, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None)


def mapped(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError(), Reason.TIMEOUT),
        (mapped(httpx.ReadTimeout(""), aiohttp.SocketTimeoutError("read")), Reason.TIMEOUT),
        (mapped(httpx.TimeoutException(""), aiohttp.ConnectionTimeoutError("connect")), Reason.TIMEOUT),
        (mapped(httpx.ConnectTimeout(""), aiohttp.ServerDisconnectedError()), Reason.CONNECTION),
        (mapped(httpx.ConnectError(""), aiohttp.ClientConnectorError(KEY, OSError(111, "refused"))), Reason.CONNECTION),
        (mapped(httpx.ReadError(""), aiohttp.ClientPayloadError("cut")), Reason.CONNECTION),
        (aiohttp.ClientOSError(104, "reset"), Reason.CONNECTION),
        (ConnectionResetError(), Reason.CONNECTION),
        (httpx.RemoteProtocolError("Invalid URL in location header"), Reason.NONSENSE),
        (AnswerTooLarge("HTTP 200, but too much"), Reason.NONSENSE),
        (RecursionError(), Reason.NONSENSE),
    ],
)
def test_each_exception_has_its_reason_under_any_name_of_httpx(error: Exception, reason: Reason) -> None:
    assert unclear_of(error, "canary-0123").reason is reason


def test_the_detail_is_one_bounded_line_without_the_secret_or_a_proxys_password() -> None:
    error = OSError("Bearer canary-0123\nhttp://user:hunter2@proxy.invalid " + "x" * 500)
    detail = unclear_of(error, "canary-0123").detail
    assert "canary" not in detail
    assert "hunter2" not in detail
    assert len(detail) <= 200
    assert detail.isprintable()
