"""An HTTP receiver on loopback that answers as a test says, over a real socket."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class ScriptedReceiver:
    """What it answers next, and what it got. `hang` lets a request wait for ever, `reset` breaks it off."""

    port: int = 0
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = "ok"
    hang: bool = False
    reset: bool = False
    got: list[bytes] = field(default_factory=list)
    let_go: threading.Event = field(default_factory=threading.Event)
    asked: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "hook") -> str:
        """An Apprise URL that posts JSON to it, with short timeouts."""
        return f"json://127.0.0.1:{self.port}/{path}?rto=0.3&cto=0.3"


@contextmanager
def scripted_receiver() -> Iterator[ScriptedReceiver]:
    """A receiver that listens until the end of the block."""
    receiver = ScriptedReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.got.append(self.rfile.read(int(self.headers["Content-Length"])))
            receiver.asked.set()
            if receiver.hang:
                receiver.let_go.wait(20)
                return
            if receiver.reset:
                # Linger 0: the connection ends with a reset and no answer.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
                self.connection.close()
                return
            content = receiver.body.encode()
            self.send_response(receiver.status)
            for name, value in {"Content-Length": str(len(content)), **receiver.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def finish(self) -> None:
            """Do not stumble over a connection that was broken off."""
            if not receiver.reset:
                super().finish()

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that went away is part of the test."""

    with Server(("127.0.0.1", 0), Handler) as server:
        receiver.port = server.server_address[1]
        listening = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        listening.start()
        try:
            yield receiver
        finally:
            receiver.let_go.set()
            server.shutdown()
            listening.join()
