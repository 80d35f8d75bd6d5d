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
"""What is read of an answer's body, in bytes and in seconds; the status line has said the rest."""


@contextmanager
def observed(reached: Collection[str] = ()) -> Iterator[Exchange]:
    """What goes over the wire inside this block, in this context, for a message that those targets have already."""
    _install()
    wire = Exchange(reached=ReachedTargets(reached))
    token = current.set(wire)
    # Where plugins note whom they told, so that a retry leaves them out: Apprise sets it only for retries of its own.
    tracking = apprise_base._delivery_tracker.set(wire.reached)  # type: ignore[arg-type]
    try:
        yield wire
    finally:
        for leave in wire.leave:
            leave()
        apprise_base._delivery_tracker.reset(tracking)
        current.reset(token)


def _install() -> None:
    """Put the watchers in the doors; once is enough."""
    if not hasattr(requests.Session.send, "notifier_watches"):
        requests.Session.send = _watched_http(requests.Session.send)  # type: ignore[method-assign]
        HTTPAdapter.cert_verify = _with_our_authorities(HTTPAdapter.cert_verify)  # type: ignore[method-assign]
    smtp_observer.install()
    mqtt_observer.install()


def _watched_http(send: Any) -> Any:
    @wraps(send)
    def watched(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        wire = current.get()
        if wire is None:
            return send(session, request, **options)  # type: ignore[no-any-return]
        bounds = current_bounds.get()
        if bounds is not None:
            bounds.sent_encrypted = False
        try:
            response: requests.Response = send(
                session, request, **(options | {"stream": True, "allow_redirects": False})
            )
            if bounds is not None and bounds.reason:
                # `http.client` takes the end of a connection for the end of a header, so this is half an answer.
                response.close()
                raise requests.ConnectionError(bounds.reason)
        except requests.RequestException as error:
            wire.error, wire.http_status = error, None
            wire.is_out = bounds is None or bounds.sent_encrypted or not str(request.url).startswith("https:")
            raise
        answer = "" if options.get("stream") else _read(response).decode("utf-8", "replace")
        failed_before = wire.error is not None or (wire.http_status or 0) >= 300
        if response.status_code >= 300 or not failed_before:
            wire.error, wire.http_status = None, response.status_code
            wire.retry_after, wire.answer = response.headers.get("Retry-After"), answer
        return response

    watched.notifier_watches = True  # type: ignore[attr-defined]
    return watched


def _with_our_authorities(cert_verify: Any) -> Any:
    """`requests` believes certifi or REQUESTS_CA_BUNDLE, and reads either anew for each connection (25 ms)."""

    @wraps(cert_verify)
    def watched(adapter: HTTPAdapter, pool: Any, url: str, verify: bool | str, cert: Any) -> None:
        if current.get() is None or verify is False or cert or not url.lower().startswith("https"):
            cert_verify(adapter, pool, url, verify, cert)
            return
        pool.cert_reqs, pool.ca_certs, pool.ca_cert_dir = "CERT_REQUIRED", None, None
        pool.conn_kw["ssl_context"] = tls_context("requests")

    return watched


def _read(response: requests.Response) -> bytes:
    """The beginning of the body; it stands for the whole one from then on, and the connection is closed."""
    body = bytearray()
    end = time.monotonic() + LONGEST_ANSWER_S
    try:
        while len(body) < LARGEST_ANSWER and time.monotonic() < end:
            chunk = response.raw.read1(LARGEST_ANSWER - len(body), decode_content=True)
            if not chunk:
                break
            body += chunk
    except (urllib3.exceptions.HTTPError, OSError) as error:
        body += f" ({type(error).__name__})".encode()  # the status line has come, and says what became of the message
    finally:
        response.close()
    # What `requests` itself keeps when it has read a body.
    response._content = bytes(body[:LARGEST_ANSWER])
    response._content_consumed = True
    return response._content
