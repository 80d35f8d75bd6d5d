"""Open pages as `pages/static/live.js` has them: each listens to the stream, and reads itself within its allowance."""

import http.client
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

LEAST_S = 1.0
MOST_S = 120.0
SHARE = 100
BURST = 3
SPREAD_S = 0.02
"""As in `page.js`."""


class OpenPage:
    """A page that is open, in a thread."""

    def __init__(self, url: str, pages: int) -> None:
        """
        Args:
            url: of the daemon.
            pages: how many are open in all.
        """
        self._address = urlsplit(url)
        self._pages = pages
        self._stream = socket.create_connection((str(self._address.hostname), self._address.port or 80))
        self._allowance = 0.0
        self._pause = MOST_S
        self._ended = time.monotonic()
        self._reads = self._closing = False
        self.readings = 0
        self.refused = 0
        self.lost = False
        self._thread = threading.Thread(target=self._listen, daemon=True)
        request = f"GET /events HTTP/1.1\r\nHost: {self._address.netloc}\r\nAccept: text/event-stream\r\n\r\n"
        self._stream.sendall(request.encode())
        if not self._stream.recv(1024).startswith(b"HTTP/1.1 200"):
            raise SystemExit("a stream of events was refused")
        self._thread.start()

    def read_on(self, place: float) -> None:
        """Read from now on, as a page that has been open for long.

        Args:
            place: how much of the pause until the next reading is over, from 0 to 1.
        """
        self._allowance, self._ended, self._reads = place, time.monotonic(), True

    def close(self) -> None:
        """Close the page."""
        self._closing = True
        with suppress(OSError):  # it was lost before
            self._stream.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._stream.close()

    def _listen(self) -> None:
        while message := self._stream.recv(1 << 20):
            if b"event: " in message and self._reads and self._may_read():
                time.sleep(random.random() * min((self._pages - 1) * SPREAD_S, LEAST_S))
                try:
                    self._read()
                except OSError:  # one connection too many: the page stays as it is until the next message
                    self.refused += 1
        self.lost = not self._closing

    def _may_read(self) -> bool:
        wait = max(LEAST_S, (1 - self._allowance) * self._pause)
        return time.monotonic() - self._ended >= wait

    def _read(self) -> None:
        began = time.monotonic()
        connection = http.client.HTTPConnection(self._address.netloc, timeout=60)
        connection.request("GET", "/", headers={"Connection": "close", "Accept-Encoding": "gzip"})
        connection.getresponse().read()
        connection.close()
        now = time.monotonic()
        self._allowance = min(BURST, self._allowance + (now - self._ended) / self._pause) - 1
        self._pause = min(MOST_S, max(LEAST_S, (now - began) * self._pages * SHARE))
        self._ended = now
        self.readings += 1


@contextmanager
def open_pages(url: str, number: int) -> Iterator[list[OpenPage]]:
    """Have so many pages open."""
    pages = [OpenPage(url, number) for _ in range(number)]
    yield pages
    for page in pages:
        page.close()
