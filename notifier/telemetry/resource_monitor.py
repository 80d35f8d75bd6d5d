"""Checks that the machine has what the daemon needs: file descriptors and threads. Reports when they run out.

Whatever fails for lack of them fails alone and is tried again, but its error names something else: Bright Data cannot
be reached, a channel is broken. So the lack itself is checked for here, and reported as what it is.
"""

import asyncio
import contextlib
import errno
import os
import threading
from collections.abc import Callable
from datetime import timedelta

RESERVE = 16
"""Descriptors that must be free. A send or a poll takes one to three."""

WELL_AFTER = timedelta(minutes=1)
"""How long nothing must be short before a shortage counts as over. At the limit it comes and goes with each request."""

_WORDS = {
    errno.EMFILE: "the notifier has no file descriptors left (its limit: `LimitNOFILE=`, `ulimit -n`)",
    errno.ENFILE: "the machine has no file descriptors left",
    errno.ENOMEM: "the machine has no memory left",
    errno.ENOBUFS: "the machine has no memory left for connections",
    errno.EAGAIN: "the machine gives no further threads (`TasksMax=`, `ulimit -u`)",
}


def shortage() -> str:
    """Return what is short now, in words; empty if nothing is."""
    opened: list[int] = []
    try:
        for _ in range(RESERVE):
            opened.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))  # noqa: PERF401 - all are closed below
        threading.Thread(target=_nothing, name="exhaustion", daemon=True).start()
    except OSError as error:
        return words_of(error)
    except (RuntimeError, MemoryError) as error:  # "can't start new thread"
        return _WORDS[errno.ENOMEM if isinstance(error, MemoryError) else errno.EAGAIN]
    finally:
        for each in opened:
            with contextlib.suppress(OSError):
                os.close(each)
    return ""


def words_of(error: OSError) -> str:
    """Return what an OSError says is short, in words; empty if it is another error."""
    return _WORDS.get(error.errno or 0, "")


def _nothing() -> None:
    """Do nothing: the thread only shows that one can be started."""


class ResourceMonitor:
    """Watches what the machine has left. A job of the daemon (`app.jobs`) calls `check` every few seconds."""

    def __init__(
        self,
        changed: Callable[[str], None],
        *,
        ask: Callable[[], str] = shortage,
        well_after: timedelta | None = None,
    ) -> None:
        """
        Args:
            changed: called with what is short when a shortage begins, and with an empty text when it is over. Also
                called once when all is well after the start: a shortage may have ended the last daemon.
            ask: returns what is short now.
            well_after: how long nothing must be short.
        """
        self._changed = changed
        self._ask = ask
        self._well_after = (WELL_AFTER if well_after is None else well_after).total_seconds()
        self._well_since: float | None = None
        self._is_known = False
        self.shortage = ""

    async def check(self) -> None:
        """Check once."""
        self._judge(self._ask())

    def noted(self, error: OSError) -> None:
        """Take note of an error that was raised elsewhere."""
        if words := words_of(error):
            self._judge(words)

    def _judge(self, found: str) -> None:
        now = asyncio.get_running_loop().time()
        if found:
            self._well_since = None
            if not self.shortage:
                self._is_known, self.shortage = True, found
                self._changed(found)
            return
        if self._is_known and not self.shortage:
            return
        if self._well_since is None:
            self._well_since = now
        if now - self._well_since >= self._well_after:
            self._is_known, self.shortage, self._well_since = True, "", None
            self._changed("")
