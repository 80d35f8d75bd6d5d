"""Observes `paho`'s connections, the broker's answers, and publications.

Apprise's plugin does not wait for the answer to CONNECT: a message without confirmation (QoS 0) would count as
published to a broker that refuses the password. The observer waits.
"""

import ssl
import threading
from functools import partial, wraps
from typing import Any

from notifier.channels.apprise.exchange import Exchange, current
from notifier.channels.bounds import current as current_bounds
from notifier.network import tls_context

LONGEST_WAIT_S = 4.0
"""For the answer to CONNECT: Apprise's own timeout of a socket."""


def install() -> None:
    """Patches `paho` if it is installed, once per process."""
    try:
        from paho.mqtt.client import Client
    except ImportError:
        return
    if not hasattr(Client.reconnect, "notifier_observes"):
        Client.reconnect = _observed_reconnect(Client.reconnect)  # type: ignore[method-assign]
        Client.loop_start = _observed_loop_start(Client.loop_start)  # type: ignore[method-assign]
        Client.publish = _observed_publish(Client.publish)  # type: ignore[method-assign]
        Client.tls_set = _with_our_authorities(Client.tls_set)  # type: ignore[method-assign]


class _ClosedUnlessAgreed(ssl.SSLSocket):
    """A socket that is closed if the handshake fails: paho leaves it open until it is garbage-collected."""

    def do_handshake(self, block: bool = False) -> None:
        """As `SSLSocket.do_handshake`; paho calls it once, and waits in it for the end of the handshake."""
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def _observed_reconnect(reconnect: Any) -> Any:
    @wraps(reconnect)
    def observed(client: Any) -> Any:
        exchange = current.get()
        if exchange is None:
            return reconnect(client)
        exchange.handed_over = False
        client.notifier_answered = answered = threading.Event()

        def on_connect(_client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any = None) -> None:
            if reason.is_failure:
                exchange.mqtt_code, exchange.answer = reason.value, str(reason)
            answered.set()

        client.on_connect = on_connect  # in paho's own thread, which has the bounds of the send but not its exchange
        bounds = current_bounds.get()
        if bounds is not None:
            bounds.at_end(client.disconnect)  # otherwise it reconnects by itself, for ever
            bounds.at_end(answered.set)
        exchange.leave.append(partial(_leave, client))
        if client._ssl_context is not None:
            client._ssl_context.sslsocket_class = _ClosedUnlessAgreed
        try:
            return reconnect(client)
        except OSError as error:
            exchange.lost = error
            raise

    observed.notifier_observes = True  # type: ignore[attr-defined]
    return observed


def _observed_loop_start(loop_start: Any) -> Any:
    @wraps(loop_start)
    def observed(client: Any) -> Any:
        result = loop_start(client)
        exchange = current.get()
        if exchange is not None:
            _await_answer(client, exchange)
        return result

    return observed


def _observed_publish(publish: Any) -> Any:
    @wraps(publish)
    def observed(client: Any, *arguments: Any, **options: Any) -> Any:
        exchange = current.get()
        if exchange is None:
            return publish(client, *arguments, **options)
        if not client.is_connected():
            _await_answer(client, exchange)
        published = publish(client, *arguments, **options)
        exchange.handed_over = published.rc == 0
        # The reason if the plugin reports a failure: it waits only so long for the confirmation.
        exchange.lost = TimeoutError("no confirmation") if exchange.handed_over else ConnectionResetError()
        return published

    return observed


def _with_our_authorities(tls_set: Any) -> Any:
    """The plugin searches for a CA file itself; here brokers are trusted by the same authorities as everything else."""

    @wraps(tls_set)
    def observed(client: Any, *arguments: Any, **options: Any) -> Any:
        if current.get() is None or options.get("cert_reqs") == ssl.CERT_NONE:
            return tls_set(client, *arguments, **options)
        return client.tls_set_context(tls_context("paho"))

    return observed


def _await_answer(client: Any, exchange: Exchange) -> None:
    """Waits until the broker has accepted the connection.

    Raises:
        ConnectionError: it did not; the client is stopped, and does not reconnect.
    """
    client.notifier_answered.wait(LONGEST_WAIT_S)
    if client.is_connected():
        return
    if exchange.mqtt_code is None:
        exchange.lost = TimeoutError("the broker did not answer the connection")
    _leave(client)
    raise ConnectionError("the broker did not take the connection")


def _leave(client: Any) -> None:
    """Disconnects, waits for paho's thread, and closes its sockets: paho does so only when it is garbage-collected."""
    client.disconnect()
    client.loop_stop()
    client._reset_sockets()
