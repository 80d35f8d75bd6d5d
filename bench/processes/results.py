"""Serves results for downloads as fast as a socket takes them, from memory, in plain threads.

The simulator generates each record at each request; here the server must not be what is measured.
"""

import json
import socket
import sys
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from bench.measure import tell
from notifier.brightdata.datasets.records import LARGEST_RECORD
from notifier.brightdata.simulator.results import record

BLOCK = 1024 * 1024
LINES, LINE = "s_lines", "s_line"
"""Records, each on a line of its own; and one record that has all the bytes, and more than a record may have."""

LEAST_OF_LINE = LARGEST_RECORD // BLOCK + 1
"""Blocks."""


def block_of(size: int) -> tuple[bytes, int]:
    """NdjsonMerger of about so many bytes, and how many there are."""
    lines: list[bytes] = []
    length = 0
    while length < size:
        line = json.dumps(record(1, len(lines)) | {"text": "x" * 800}).encode() + b"\n"
        lines.append(line)
        length += len(line)
    return b"".join(lines), len(lines)


class Handler(StreamRequestHandler):
    """Answers progress, parts and results; the snapshot's id says what they are."""

    block, records = block_of(BLOCK)
    blocks = 1

    def handle(self) -> None:
        """Answer what comes on a connection, one after the other."""
        while line := self.rfile.readline().decode():
            while self.rfile.readline().strip():
                pass
            try:
                self._answer(line.split()[1])
            except (BrokenPipeError, ConnectionResetError):
                return

    def _answer(self, target: str) -> None:
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        total = self.blocks * self.records
        if "/progress/" in path:
            records = total if LINES in path else 1
            self._head_and(json.dumps({"status": "ready", "records": records, "errors": 0}).encode())
        elif path.endswith("/parts"):
            self._head_and(json.dumps({"parts": self._parts(query)}).encode())
        elif LINES not in path:
            number = max(self.blocks, LEAST_OF_LINE)
            self._head(number * BLOCK)
            self.wfile.write(b'{"text":"')
            for _ in range(number):
                self.wfile.write(b"x" * BLOCK)
        else:
            each = int(query["batch_size"][0]) // self.records if "part" in query else self.blocks
            first = (int(query["part"][0]) - 1) * each if "part" in query else 0
            number = min(each, self.blocks - first)
            self._head(number * len(self.block))
            for _ in range(number):
                self.wfile.write(self.block)

    def _parts(self, query: dict[str, list[str]]) -> int:
        each = int(query["batch_size"][0]) // self.records
        return -(-self.blocks // each)

    def _head(self, length: int) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length)

    def _head_and(self, body: bytes) -> None:
        self._head(len(body))
        self.wfile.write(body)


class Server(ThreadingTCPServer):
    """On loopback, with a thread for each connection that ends with the process."""

    daemon_threads = True
    allow_reuse_address = True


def main(*, blocks: int) -> None:
    """Serve so many blocks of a MiB until the parent closes the line."""
    Handler.blocks = blocks
    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BLOCK)
        Thread(target=server.serve_forever, daemon=True).start()
        host, port = server.server_address[:2]
        tell({"url": f"http://{host!s}:{port}", "records": Handler.records, "block": len(Handler.block)})
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
