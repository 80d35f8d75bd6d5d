"""A command's end of the API: asks a notifier on another machine over HTTP, and says in words why it cannot.

Certificates are trusted as `notifier.network` says, proxies are taken from the environment, and redirects are not
followed, so that the token goes nowhere else.
"""

import ipaddress
import ssl
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from notifier import __version__
from notifier.core.errors import NotifierError, Unanswered, UsageError
from notifier.core.words import one_line, safe_lines
from notifier.network import cure, tls_context

LONGEST_ANSWER_S = 30.0
LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of an answer; a page of 1,000 items has about one megabyte."""

PAGE = 1_000
"""Items of a page: the most that the API gives."""

VERSION_HEADER = "Notifier-Version"
"""Every answer of a notifier's API has this header. What has not comes from something else."""

_LONGEST_DETAIL = 1_000

_UNKNOWN = ("#problem-unknown-path", "#problem-method-not-allowed")
"""The types of the problems that say that this version has no such request."""

T = TypeVar("T")


class NoSuchThing(NotifierError):
    """The notifier has nothing of the id that was asked for."""


class HttpClient:
    """Asks one notifier. Use it in a `with`. Every method may raise `NotifierError`."""

    def __init__(self, url: str, token: str | None, *, limit: float = LONGEST_ANSWER_S) -> None:
        """
        Args:
            url: the address of the notifier, such as `https://notifier.example.com`; a path is kept.
            token: the token under its `http:`; None if it has none.
            limit: seconds to wait for an answer.

        Raises:
            UsageError: the address is none.
        """
        self.url = checked_url(url)
        self._limit = limit
        self._headers = {"Accept": "application/json", "User-Agent": f"notifier/{__version__}"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self.has_token = token is not None
        self._version = ""
        self._client: httpx.Client | None = None

    def __enter__(self) -> "HttpClient":
        try:
            self._client = httpx.Client(verify=tls_context("remote"), timeout=self._limit, headers=self._headers)
        except (ValueError, httpx.InvalidURL) as error:  # a proxy's address in the environment
            raise UsageError(f"a proxy in the environment cannot be used: {error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._client is not None:
            self._client.close()

    def get(self, path: str, type_: type[T], /, **parameters: Any) -> T:
        """Return a resource."""
        found: T = self._converted(self._asked("GET", path, parameters, None), type_)
        return found

    def post(self, path: str, type_: type[T], body: Mapping[str, Any] | None = None, /) -> T:
        """Have something done, and return what came of it."""
        done: T = self._converted(self._asked("POST", path, {}, body or {}), type_)
        return done

    def pages(self, path: str, type_: type[T], /, *, most: int | None = None, **parameters: Any) -> Iterator[T]:
        """Iterate over the items of a list, at most `most`, page by page."""
        cursor, left = None, most
        while left is None or left > 0:
            limit = PAGE if left is None else min(PAGE, left)
            page = self.get(path, dict[str, Any], **parameters, limit=limit, cursor=cursor)
            items = self._converted(page.get("items"), list[type_])  # type: ignore[valid-type]
            yield from items
            cursor = page.get("next")
            left = None if left is None else left - len(items)
            if cursor is None or not items:
                return

    def _converted(self, value: Any, type_: Any) -> Any:
        try:
            return msgspec.convert(value, type_)
        except msgspec.ValidationError as error:
            raise NotifierError(
                f"{self.url}: its answer is not one that this command knows ({error}): this is notifier {__version__}, "
                f"and that one has version {self._version or 'unknown'}; use the same version"
            ) from error

    def _asked(self, method: str, path: str, parameters: Mapping[str, Any], body: Mapping[str, Any] | None) -> Any:
        given = {name: value for name, value in parameters.items() if value is not None}
        response = self._sent(method, f"{self.url}/api/v1/{path}", given, body)
        self._version = one_line(response.headers.get(VERSION_HEADER, ""), 40)
        try:
            answer = _printable(response.json())
        except (ValueError, RecursionError):
            answer = None
        if response.status_code == HTTPStatus.OK and self._version and answer is not None:
            return answer
        raise self._refusal(response, answer)

    def _sent(
        self, method: str, url: str, parameters: Mapping[str, Any], body: Mapping[str, Any] | None
    ) -> httpx.Response:
        assert self._client is not None
        content = None if body is None else msgspec.json.encode(body)
        headers = None if body is None else {"Content-Type": "application/json"}
        try:
            with self._client.stream(method, url, params=parameters, content=content, headers=headers) as response:
                received, until = bytearray(), time.monotonic() + self._limit
                for part in response.iter_bytes():
                    received += part
                    if time.monotonic() > until:  # httpx limits only the time between two parts
                        raise httpx.ReadTimeout("the answer comes too slowly")
                    if len(received) > LARGEST_ANSWER:
                        raise NotifierError(f"{self.url}: that is no notifier: its answer does not end")
            kept = {name: value for name, value in response.headers.items() if name != "content-encoding"}
            return httpx.Response(response.status_code, headers=kept, content=bytes(received))
        except httpx.TimeoutException as error:
            raise self._unanswered(error, method) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise NotifierError(f"{self.url}: {_why_not(error)}") from error

    def _unanswered(self, error: httpx.TimeoutException, method: str) -> NotifierError:
        if isinstance(error, httpx.ConnectTimeout):
            return NotifierError(f"{self.url}: cannot be reached: nothing answers within {self._limit:.0f} s")
        unknown = "" if method == "GET" else ", so it is not known whether it has done it"
        return Unanswered(f"{self.url}: it has not answered within {self._limit:.0f} s{unknown}; ask again")

    def _refusal(self, response: httpx.Response, answer: Any) -> NotifierError:
        """Return the error for an answer that has not what was asked for."""
        status = response.status_code
        problem = answer if isinstance(answer, dict) and self._version else {}
        detail = one_line(str(problem.get("detail", "")), _LONGEST_DETAIL)
        if status == HTTPStatus.UNAUTHORIZED and self._version:
            return NotifierError(
                f"{self.url}: it refuses the token, or needs one: set NOTIFIER_TOKEN, or name a file that has it with "
                "--token-file; it is the `token:` under `http:` of its configuration"
            )
        if str(problem.get("type", "")).endswith(_UNKNOWN):
            return NotifierError(
                f"{self.url}: it has version {self._version}, which does not know this request of notifier "
                f"{__version__}; use the same version"
            )
        if detail and status == HTTPStatus.NOT_FOUND:
            return NoSuchThing(detail)
        if detail:
            kind = UsageError if status == HTTPStatus.UNPROCESSABLE_ENTITY else NotifierError
            return kind(f"{self.url}: {detail}" if status in (403, 429) or status >= 500 else detail)
        if "location" in response.headers:
            return NotifierError(
                f"{self.url}: it redirects to {one_line(response.headers['location'], 200)}; give that address, as the "
                "token is sent nowhere else"
            )
        return NotifierError(
            f"{self.url}: that is not the API of a notifier (HTTP {status}): give the address under its `http:`, or "
            "that of the proxy before it"
        )


def _printable(value: Any) -> Any:
    """Return JSON whose texts can be printed: whoever answers cannot send sequences that control the terminal."""
    if isinstance(value, str):
        return safe_lines(value)
    if isinstance(value, list):
        return [_printable(each) for each in value]
    if isinstance(value, dict):
        return {safe_lines(key): _printable(each) for key, each in value.items()}
    return value


def segment(text: str) -> str:
    """Return an id as one part of a path, whatever is in it."""
    return quote(text, safe="")


def checked_url(text: str) -> str:
    """Return the address of a notifier, without a slash at its end.

    Raises:
        UsageError: it is none.
    """
    shown = one_line(text, 100)
    try:
        url = httpx.URL(text.strip())
    except (httpx.InvalidURL, ValueError) as error:
        raise UsageError(f"--url: {shown!r} is not an address: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise UsageError(f"--url: {shown!r} is not an address: write one such as https://notifier.example.com")
    if url.userinfo:
        raise UsageError("--url: leave out the user and the password: the notifier takes a token (--token-file)")
    if url.query or url.fragment:
        raise UsageError(f"--url: {shown!r} has more than an address: leave out what follows `?` or `#`")
    return str(url).rstrip("/")


def sends_in_clear(url: str) -> bool:
    """Return whether a token for this address would cross a network unencrypted."""
    parsed = httpx.URL(url)
    if parsed.scheme == "https" or parsed.host == "localhost":
        return False
    try:
        return not ipaddress.ip_address(parsed.host).is_loopback
    except ValueError:
        return True


def _why_not(error: Exception) -> str:
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({found.verify_message or found.reason}); {cure()}"
        if isinstance(found, ssl.SSLError):
            return f"no TLS is spoken there ({found.reason or found}): is it http:// instead of https://?"
        found = found.__cause__ or found.__context__
    said = one_line(str(error), 300) or type(error).__name__
    if isinstance(error, httpx.ProxyError):
        return f"the proxy of the environment refuses: {said}"
    if isinstance(error, httpx.ConnectError):
        return f"cannot be reached ({said}): see that the notifier runs there and that `http:` has this address"
    if isinstance(error, httpx.RemoteProtocolError):
        return f"what answers there speaks no HTTP, or hung up ({said})"
    return f"the connection failed ({said}); ask again"
