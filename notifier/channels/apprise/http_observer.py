"""Observe the HTTP exchanges of Apprise's plugins, and bound what is read of an answer.

Apprise says only "sent" or "failed". To tell a wrong token from a busy server, the libraries that nearly all of its
plugins use are observed: `requests.Session.send` here, `smtplib` in `smtp_observer`, `paho` in `mqtt_observer`. Each
send has one `Exchange`, in a context variable, whatever thread it runs in.

Redirects are not followed: a POST would arrive elsewhere as a GET, and count as delivered.
"""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import requests
import urllib3
from apprise.plugins import base as apprise_base
from requests.adapters import HTTPAdapter

from notifier.channels.apprise import mqtt_observer, smtp_observer
from notifier.channels.apprise.exchange import Exchange, ReachedTargets, current
from notifier.channels.bounds import current as current_bounds
from notifier.network import tls_context

LARGEST_ANSWER = 64 * 1024
LONGEST_ANSWER_S = 10.0
"""The most that is read of an answer's body, in bytes and in seconds: the status line suffices."""


@contextmanager
def observed(reached: Collection[str] = ()) -> Iterator[Exchange]:
    """Records the exchange of the block, for a message that the targets `reached` have already."""
    _install()
    exchange = Exchange(reached=ReachedTargets(reached))
    token = current.set(exchange)
    # Plugins record the targets reached here, so that a retry skips them: Apprise sets it only for its own retries.
    tracking = apprise_base._delivery_tracker.set(exchange.reached)  # type: ignore[arg-type]
    try:
        yield exchange
    finally:
        for leave in exchange.leave:
            leave()
        apprise_base._delivery_tracker.reset(tracking)
        current.reset(token)


def _install() -> None:
    """Patches the libraries, once per process."""
    if not hasattr(requests.Session.send, "notifier_observes"):
        requests.Session.send = _observed_http(requests.Session.send)  # type: ignore[method-assign]
        HTTPAdapter.cert_verify = _with_our_authorities(HTTPAdapter.cert_verify)  # type: ignore[method-assign]
    smtp_observer.install()
    mqtt_observer.install()


def _observed_http(send: Any) -> Any:
    @wraps(send)
    def observed(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        exchange = current.get()
        if exchange is None:
            return send(session, request, **options)  # type: ignore[no-any-return]
        bounds = current_bounds.get()
        if bounds is not None:
            bounds.sent_encrypted = False
        try:
            response: requests.Response = send(
                session, request, **(options | {"stream": True, "allow_redirects": False})
            )
            if bounds is not None and bounds.reason:
                # `http.client` takes the end of a connection for the end of the headers: this is half an answer.
                response.close()
                raise requests.ConnectionError(bounds.reason)
        except requests.RequestException as error:
            exchange.error, exchange.http_status = error, None
            exchange.is_out = bounds is None or bounds.sent_encrypted or not str(request.url).startswith("https:")
            raise
        answer = "" if options.get("stream") else _read(response).decode("utf-8", "replace")
        failed_before = exchange.error is not None or (exchange.http_status or 0) >= 300
        if response.status_code >= 300 or not failed_before:
            exchange.error, exchange.http_status = None, response.status_code
            exchange.retry_after, exchange.answer = response.headers.get("Retry-After"), answer
        return response

    observed.notifier_observes = True  # type: ignore[attr-defined]
    return observed


def _with_our_authorities(cert_verify: Any) -> Any:
    """`requests` trusts certifi or REQUESTS_CA_BUNDLE, and reads either again for each connection (25 ms)."""

    @wraps(cert_verify)
    def observed(adapter: HTTPAdapter, pool: Any, url: str, verify: bool | str, cert: Any) -> None:
        if current.get() is None or verify is False or cert or not url.lower().startswith("https"):
            cert_verify(adapter, pool, url, verify, cert)
            return
        pool.cert_reqs, pool.ca_certs, pool.ca_cert_dir = "CERT_REQUIRED", None, None
        pool.conn_kw["ssl_context"] = tls_context("requests")

    return observed


def _read(response: requests.Response) -> bytes:
    """Reads the beginning of the body, which stands for all of it from then on, and closes the connection."""
    body = bytearray()
    end = time.monotonic() + LONGEST_ANSWER_S
    try:
        while len(body) < LARGEST_ANSWER and time.monotonic() < end:
            chunk = response.raw.read1(LARGEST_ANSWER - len(body), decode_content=True)
            if not chunk:
                break
            body += chunk
    except (urllib3.exceptions.HTTPError, OSError) as error:
        body += f" ({type(error).__name__})".encode()  # the status line has come, and suffices
    finally:
        response.close()
    # `requests` itself sets these when it has read a body.
    response._content = bytes(body[:LARGEST_ANSWER])
    response._content_consumed = True
    return response._content
