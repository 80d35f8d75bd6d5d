"""A lease of the daemon's limiter to a command: one gate for every request with the token, in whatever process.

A command keeps one connection for as long as it runs; lines of JSON go each way. The daemon's first line has a key and
the mark of the address that it asks; a command that asks another address uses its own limiter. The command numbers
each `admit`. The daemon answers `granted`, and before that `held` while the API must not be asked. When the connection
ends, its turns are released; a turn that is kept for too long is released too.

A command may have another token, or reach the API by another way. So the outcomes of its requests count for the daemon
only as far as they must: an answer of 429 always, because the API also counts them by this machine's address; a good
answer if it was given to the same token, which a keyed digest of the token proves. Nothing else is reported (a refused
token, no network, a proxy of the command's own): the daemon finds out by itself what is true of its own requests.

While the API refuses the token or cannot be reached, the daemon probes it slowly, and a person wants an answer at
once: then `alone` lets the command ask by itself.
"""

import asyncio
import contextlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from notifier.brightdata.http.answers import LONGEST_RETRY_AFTER
from notifier.brightdata.http.tokens import Identity
from notifier.brightdata.limits.limiter import Limiter
from notifier.brightdata.limits.permit import Permit
from notifier.brightdata.limits.rate_limit_breaker import BreakerState
from notifier.core.health.api import ApiKind
from notifier.core.snapshot.model import Reason

MOST_AT_ONCE = 16
"""Turns of one command, waiting or in flight."""

LONGEST_TURN = 60.0
"""Seconds. A command that is stopped (SIGSTOP) with requests in flight must not keep the daemon from its own."""

_KEY_BYTES = 16

_MALFORMED = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)
"""What the attempt to follow a malformed line raises."""


def mark_of(key: bytes, identity: Identity) -> str:
    """A digest that tells two identities apart without revealing the token; the key is made for one lease."""
    keyed = f"{identity.base_url}\n{identity.token or ''}"
    return hmac.new(key, keyed.encode("utf-8", "backslashreplace"), "sha256").hexdigest()


async def lend(
    limiter: Limiter, identity: Callable[[], Identity], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Let a command use the limiter until its connection ends, or sends a malformed line.

    Args:
        limiter: the daemon's.
        identity: the address and the token of the daemon's own requests.
        reader, writer: the connection.
    """
    lease = _Lease(limiter, identity, writer)
    try:
        while line := await reader.readline():
            lease.follow(json.loads(line))
            await writer.drain()  # a command that reads no answers has no further lines read
    except (OSError, *_MALFORMED):
        return
    finally:
        await lease.end()


class _Lease:
    """The turns of one command."""

    def __init__(self, limiter: Limiter, identity: Callable[[], Identity], writer: asyncio.StreamWriter) -> None:
        self._limiter = limiter
        self._identity = identity
        self._writer = writer
        self._key = secrets.token_bytes(_KEY_BYTES)
        self._waiting: dict[int, asyncio.Task[None]] = {}
        self._permits: dict[int, Permit] = {}
        self._send("lender", self._key.hex(), mark_of(self._key, replace(identity(), token=None)))

    def follow(self, said: Any) -> None:
        """Do what a line asks for; raises one of `_MALFORMED` for a malformed one."""
        match said:
            case ["admit", int(number)] if number not in self._waiting | self._permits:
                if len(self._waiting) + len(self._permits) >= MOST_AT_ONCE:
                    raise ValueError("too many turns at once")
                if self._is_probed_slowly():
                    self._send("alone", number)
                    return
                if self._limiter.held_for:
                    self._send("held", number, self._limiter.held_for.total_seconds())
                self._waiting[number] = asyncio.create_task(self._admit(number))
            case ["release", int(number)]:
                if number in self._waiting:
                    self._waiting.pop(number).cancel()
                elif number in self._permits:
                    self._permits.pop(number).release()
            case ["answered", str(mark)]:
                if self._is_ours(mark):
                    self._limiter.answered()
            case ["rate_limited", int() | float() | None as pause]:
                asked = None if pause is None else min(timedelta(seconds=pause), LONGEST_RETRY_AFTER)
                self._limiter.rate_limited(asked)
            case ["good", str(mark)]:
                if self._is_ours(mark):
                    self._limiter.judged(None)
            case _:
                raise ValueError("not a request for the limiter")

    async def end(self) -> None:
        """Take every turn back."""
        waiting = [*self._waiting.values()]
        for task in waiting:
            task.cancel()
        if waiting:
            await asyncio.wait(waiting)
        for permit in self._permits.values():
            permit.release()

    async def _admit(self, number: int) -> None:
        permit = await self._limiter.admit()
        self._waiting.pop(number, None)
        if self._is_probed_slowly():  # the trouble began while the command waited: this turn is the daemon's probe
            permit.release()
            self._send("alone", number)
            return
        permit.use()
        self._permits[number] = permit
        asyncio.get_running_loop().call_later(LONGEST_TURN, permit.release)
        self._send("granted", number)

    def _is_probed_slowly(self) -> bool:
        """Whether the daemon probes an API in trouble, so that a command asks by itself."""
        return self._limiter.state is BreakerState.CLOSED and self._limiter.api.kind is not ApiKind.OK

    def _is_ours(self, mark: str) -> bool:
        """Whether the answer was given to the daemon's token, at its address."""
        identity = self._identity()
        return identity.token is not None and hmac.compare_digest(mark.encode(), mark_of(self._key, identity).encode())

    def _send(self, *words: Any) -> None:
        self._writer.write(json.dumps(words).encode() + b"\n")


class LeasedLimiter:
    """A gate for the requests of a command: the daemon's limiter while it listens, else the command's own."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        own: Limiter,
        *,
        identity: Callable[[], Identity],
        held: Callable[[timedelta], None] = lambda _: None,
    ) -> None:
        """
        Args:
            reader, writer: a connection on which the daemon serves a lease.
            own: the command's limiter, for when the daemon has gone or asks another address. It learns every outcome.
            identity: the address and the token of this command's requests.
            held: called with how long a request waits because of the API's state.
        """
        self._reader = reader
        self._writer = writer
        self._own = own
        self._identity = identity
        self._held = held
        self._key: bytes | None = None
        self._numbers = 0
        self._granted: dict[int, asyncio.Future[bool]] = {}
        self._gone = False
        self._listener = asyncio.create_task(self._listen())

    async def admit(self) -> Permit:
        """Wait for a request's turn; see `Limiter.admit`."""
        if not self._gone:
            self._numbers += 1
            number = self._numbers
            granted = self._granted[number] = asyncio.get_running_loop().create_future()
            self._send("admit", number)
            try:
                if await granted:
                    return Permit(lambda: self._send("release", number))
            except asyncio.CancelledError:
                self._send("release", number)
                raise
            finally:
                self._granted.pop(number, None)
        return await self._own.admit()

    def rate_limited(self, retry_after: timedelta | None) -> None:
        """Learn that the API answered 429; see `Limiter.rate_limited`."""
        self._own.rate_limited(retry_after)
        self._send("rate_limited", None if retry_after is None else retry_after.total_seconds())

    def answered(self) -> None:
        """Learn that the API answered something else."""
        self._own.answered()
        if self._key is not None:
            self._send("answered", mark_of(self._key, self._identity()))

    def judged(self, reason: Reason | None, detail: str = "") -> None:
        """Learn the outcome of a request."""
        self._own.judged(reason, detail)
        if reason is None and self._key is not None:
            self._send("good", mark_of(self._key, self._identity()))

    async def aclose(self) -> None:
        """End the lease."""
        self._gone = True
        self._listener.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listener
        self._writer.close()

    def _send(self, *words: Any) -> None:
        if not self._gone:
            self._writer.write(json.dumps(words).encode() + b"\n")

    async def _listen(self) -> None:
        try:
            while line := await self._reader.readline():
                self._receive(json.loads(line))
        except (OSError, *_MALFORMED):
            pass  # the lease is over: the own limiter holds from now on
        finally:
            self._gone = True
            self._writer.close()
            for granted in self._granted.values():
                if not granted.done():
                    granted.set_result(False)

    def _receive(self, said: Any) -> None:
        match said:
            case ["lender", str(key), str(place)]:
                self._key = bytes.fromhex(key)
                if place != mark_of(self._key, replace(self._identity(), token=None)):
                    raise ValueError("it asks another address")
            case ["granted" | "alone", int(number)]:
                granted = self._granted.get(number)
                if granted is not None and not granted.done():
                    granted.set_result(said[0] == "granted")
            case ["held", int(), int() | float() as seconds]:
                self._held(timedelta(seconds=seconds))
            case _:
                raise ValueError("not an answer of a lender")
