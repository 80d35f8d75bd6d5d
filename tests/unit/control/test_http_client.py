"""What a command says when a notifier on another machine does not answer, or something else answers."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from types import SimpleNamespace
from typing import Any

import pytest
import trustme
from support.canned_server import Canned, canned

from notifier.control import http_client
from notifier.control.http_client import HttpClient, NoSuchThing, checked_url, segment, sends_in_clear
from notifier.core.action_results import RetryResult
from notifier.core.errors import NotifierError, Unanswered, UsageError

OURS = {"Notifier_Version": "9.8.7", "Content_Type": "application/json"}
TOKEN = "canary-token-of-a-page"


@pytest.fixture
def server() -> Iterator[Canned]:
    with canned() as running:
        yield running


@pytest.fixture(autouse=True)
def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def ask(url: str, *, post: bool = False, limit: float = 5.0) -> Any:
    """One request, with a token."""
    with HttpClient(url, TOKEN, limit=limit) as client:
        return client.post("x", RetryResult) if post else client.get("x", RetryResult)


def problem(kind: str, detail: str) -> str:
    return json.dumps({"type": f"/api/reference#problem-{kind}", "detail": detail})


def test_an_answer_becomes_a_value_and_fields_of_a_later_version_are_ignored(server: Canned) -> None:
    server.answer(200, '{"retried": 2, "later": true}', **OURS)
    assert ask(server.url) == RetryResult(retried=2)
    assert ask(f"{server.url}/behind/a/proxy/") == RetryResult(retried=2)
    assert [path for _, path, _ in server.asked] == ["/api/v1/x", "/behind/a/proxy/api/v1/x"]


def test_pages_are_read_to_their_end_or_to_what_was_asked_for(server: Canned) -> None:
    def page(number: int, following: str | None) -> str:
        return json.dumps({"items": [{"retried": number}], "next": following})

    for number, following in ((1, "a"), (2, "b"), (3, None)):
        server.answer(200, page(number, following), **OURS)
    with HttpClient(server.url, None) as client:
        assert [each.retried for each in client.pages("x", RetryResult, state=["dead"])] == [1, 2, 3]
    server.answers.clear()
    server.answer(200, page(1, "a"), **OURS)
    with HttpClient(server.url, None) as client:
        assert len(list(client.pages("x", RetryResult, most=2))) == 2
    assert server.asked[1][1] == "/api/v1/x?state=dead&limit=1000&cursor=a"
    assert server.asked[-1][1] == "/api/v1/x?limit=1&cursor=a"


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (401, problem("unauthorised", "no"), NotifierError, "it refuses the token, or needs one: set NOTIFIER_TOKEN"),
        (403, problem("forbidden", "Only 127.0.0.1"), NotifierError, "/: Only 127.0.0.1"),
        (404, problem("not-found", "there is no delivery 7"), NoSuchThing, "there is no delivery 7"),
        (404, problem("unknown-path", "nothing"), NotifierError, "it has version 9.8.7, which does not know this"),
        (405, problem("method-not-allowed", "no"), NotifierError, "use the same version"),
        (409, problem("cannot-be-done", "it has ended"), NotifierError, "it has ended"),
        (422, problem("invalid", "body.for: no duration"), UsageError, "body.for: no duration"),
        (503, problem("unavailable", "the disk is full"), NotifierError, "/: the disk is full"),
        (200, '{"retried": "many"}', NotifierError, "its answer is not one that this command knows"),
        (200, "{}", NotifierError, "that one has version 9.8.7; use the same version"),
        (200, "[[[", NotifierError, "that is not the API of a notifier (HTTP 200)"),
    ],
)
def test_what_a_notifier_refuses_is_said_in_words(
    server: Canned, status: int, body: str, error: type[NotifierError], words: str
) -> None:
    server.answer(status, body, **OURS)
    with pytest.raises(error) as refused:
        ask(server.url, post=True)
    assert words.removeprefix("/") in str(refused.value)
    assert ("/:" not in words) or str(refused.value).startswith(server.url)


@pytest.mark.parametrize(
    ("status", "body", "headers", "words"),
    [
        (200, "<html>welcome</html>", {}, "that is not the API of a notifier (HTTP 200)"),
        (200, '{"retried": 2}', {}, "that is not the API of a notifier (HTTP 200)"),
        (401, "log in", {}, "that is not the API of a notifier (HTTP 401)"),
        (502, "bad gateway", {}, "that is not the API of a notifier (HTTP 502)"),
        (301, "", {"Location": "https://elsewhere.example/x"}, "it redirects to https://elsewhere.example/"),
    ],
)
def test_what_is_no_notifier_is_called_so(
    server: Canned, status: int, body: str, headers: dict[str, str], words: str
) -> None:
    server.answer(status, body, **headers)
    with pytest.raises(NotifierError) as refused:
        ask(server.url)
    assert words in str(refused.value)
    assert "\x1b" not in str(refused.value)
    assert len(server.asked) == 1  # the token went nowhere else


def test_an_answer_without_end_is_cut_off(server: Canned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "LARGEST_ANSWER", 1000)
    server.answer(200, b"1" * 2000, **OURS)
    with pytest.raises(NotifierError, match="its answer does not end"):
        ask(server.url)


def test_an_answer_cannot_control_the_terminal(server: Canned) -> None:
    server.answer(200, json.dumps({"a\x1b[2J": ["b\x1b]0;c\x07", {"d": "\u202ee\nf"}], "g": 1}), **OURS)
    with HttpClient(server.url, None) as client:
        assert client.get("x", dict[str, Any]) == {"a [2J": ["b ]0;c ", {"d": " e\nf"}], "g": 1}


def test_an_answer_that_comes_byte_by_byte_takes_no_longer_than_any_other(
    server: Canned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "time", SimpleNamespace(monotonic=chain([0.0], repeat(5.1)).__next__))
    server.answer(200, '{"retried": 2}', **OURS)
    with pytest.raises(Unanswered, match="it has not answered within 5 s"):
        ask(server.url, limit=5.0)


def test_an_address_where_nobody_listens_cannot_be_reached() -> None:
    with pytest.raises(NotifierError, match=r"http://127\.0\.0\.1:1: cannot be reached \(.*refused.*\): see that"):
        ask("http://127.0.0.1:1")


@contextmanager
def listening(tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that takes connections and answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with listener.accept()[0] as connection:
                try:
                    if tls is not None:
                        tls.wrap_socket(connection, server_side=True).close()
                    while connection.recv(1024):
                        pass
                except OSError:
                    return

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"{'http' if tls is None else 'https'}://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            thread.join()


@pytest.mark.parametrize(("post", "words"), [(False, "0 s; ask again"), (True, "not known whether it has done it")])
def test_a_notifier_that_does_not_answer_in_time_is_said_so(post: bool, words: str) -> None:
    with listening() as url, pytest.raises(Unanswered) as refused:
        ask(url, post=post, limit=0.1)
    assert words in str(refused.value)


def test_an_untrusted_certificate_is_told_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    with listening(tls) as url, pytest.raises(NotifierError) as refused:
        ask(url)
    assert "its certificate is not trusted (" in str(refused.value)
    assert "SSL_CERT_FILE" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not an address"),
        ("notifier.example.com", "write one such as https://notifier.example.com"),
        ("ftp://example.com", "is not an address"),
        ("https://me:secret@example.com", "leave out the user and the password"),
        ("https://example.com/?a=1", "leave out what follows"),
        ("http://[::1", "is not an address"),
        ("http://a\x00b", "is not an address"),
    ],
)
def test_an_address_that_is_none_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        checked_url(text)
    assert words in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "clear"),
    [
        ("https://example.com", False),
        ("http://127.0.0.1:8787", False),
        ("http://[::1]:8787", False),
        ("http://localhost", False),
        ("http://10.0.0.7:8787", True),
        ("http://example.com", True),
    ],
)
def test_a_token_crosses_a_network_in_clear_only_without_https(url: str, clear: bool) -> None:
    assert sends_in_clear(url) is clear


def test_an_id_is_one_part_of_a_path() -> None:
    assert segment("gd_1/sd_1?x") == "gd_1%2Fsd_1%3Fx"
