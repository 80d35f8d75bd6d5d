"""Watches what MQTT brokers say: `paho`'s connections, the broker's answer to them, and what is published.

Apprise's plugin does not wait for the answer to CONNECT: a message without confirmation (QoS 0) counts as published
to a broker that refuses the password. Here it is waited for.
"""

import ssl
import threading
from functools import partial, wraps
from typing import Any

from notifier.channels.apprise.exchange import Exchange, current
from notifier.channels.bounds import current as current_bounds
from notifier.network import tls_context

LONGEST_WAIT_S = 4.0
"""For the answer to CONNECT; as long as Apprise waits for a socket."""


def install() -> None:
    """Put the watchers in place, if `paho` is there; once is enough."""
    try:
        from paho.mqtt.client import Client
    except ImportError:
        return
    if not hasattr(Client.reconnect, "notifier_watches"):
        Client.reconnect = _watched_reconnect(Client.reconnect)  # type: ignore[method-assign]
        Client.loop_start = _watched_loop_start(Client.loop_start)  # type: ignore[method-assign]
        Client.publish = _watched_publish(Client.publish)  # type: ignore[method-assign]
        Client.tls_set = _with_our_authorities(Client.tls_set)  # type: ignore[method-assign]


class _ClosedUnlessAgreed(ssl.SSLSocket):
    """A connection that closes itself when the handshake fails: paho drops it open, until it is collected."""

    def do_handshake(self, block: bool = False) -> None:
        """As `SSLSocket.do_handshake`; paho calls it once, and waits in it for the end of the handshake."""
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def _watched_reconnect(reconnect: Any) -> Any:
    @wraps(reconnect)
    def watched(client: Any) -> Any:
        wire = current.get()
        if wire is None:
            return reconnect(client)
        wire.handed_over = False
        client.notifier_answered = answered = threading.Event()

        def on_connect(_client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any = None) -> None:
            if reason.is_failure:
                wire.mqtt_code, wire.answer = reason.value, str(reason)
            answered.set()

        client.on_connect = on_connect  # in paho's own thread, which has the bounds of the send and no wire
        bounds = current_bounds.get()
        if bounds is not None:
            bounds.at_end(client.disconnect)  # it would connect again by itself, for ever
            bounds.at_end(answered.set)
        wire.leave.append(partial(_leave, client))
        if client._ssl_context is not None:
            client._ssl_context.sslsocket_class = _ClosedUnlessAgreed
        try:
            return reconnect(client)
        except OSError as error:
            wire.lost = error
            raise

    watched.notifier_watches = True  # type: ignore[attr-defined]
    return watched


def _watched_loop_start(loop_start: Any) -> Any:
    @wraps(loop_start)
    def watched(client: Any) -> Any:
        result = loop_start(client)
        wire = current.get()
        if wire is not None:
            _await_answer(client, wire)
        return result

    return watched


def _watched_publish(publish: Any) -> Any:
    @wraps(publish)
    def watched(client: Any, *arguments: Any, **options: Any) -> Any:
        wire = current.get()
        if wire is None:
            return publish(client, *arguments, **options)
        if not client.is_connected():
            _await_answer(client, wire)
        published = publish(client, *arguments, **options)
        wire.handed_over = published.rc == 0
        # What it is called if the plugin calls it failed: it waits for the confirmation, and only so long.
        wire.lost = TimeoutError("no confirmation") if wire.handed_over else ConnectionResetError()
        return published

    return watched


def _with_our_authorities(tls_set: Any) -> Any:
    """The plugin looks for a file of authorities by itself; a broker is believed by the same ones as everybody else."""

    @wraps(tls_set)
    def watched(client: Any, *arguments: Any, **options: Any) -> Any:
        if current.get() is None or options.get("cert_reqs") == ssl.CERT_NONE:
            return tls_set(client, *arguments, **options)
        return client.tls_set_context(tls_context("paho"))

    return watched


def _await_answer(client: Any, wire: Exchange) -> None:
    """Wait until the broker has taken the connection.

    Raises:
        ConnectionError: it did not; the client is at its end, and tries nothing more behind our back.
    """
    client.notifier_answered.wait(LONGEST_WAIT_S)
    if client.is_connected():
        return
    if wire.mqtt_code is None:
        wire.lost = TimeoutError("the broker did not answer the connection")
    _leave(client)
    raise ConnectionError("the broker did not take the connection")


def _leave(client: Any) -> None:
    """Say goodbye, wait for the end of paho's thread, and close its sockets: paho does so only when it is collected."""
    client.disconnect()
    client.loop_stop()
    client._reset_sockets()
