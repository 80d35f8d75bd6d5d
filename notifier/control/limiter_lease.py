"""The daemon's limiter, lent to commands: one gate for everything that uses the token, in whatever process.

A command asks over one connection for as long as it runs. Lines of JSON go each way. The daemon's first one has a key
and the mark of the address that it asks; a command that asks another address uses its own limiter. The command's
`admit`, with a number of its own, is answered by `granted`, or first by `held` when the API is not to be asked for now.
When the connection ends, however that comes, its turns are released; a turn that is kept for too long is released too.

A command may have another token, or reach the API by another way. So what came of its requests counts for the daemon
only as far as it must: an answer of 429 always, because the API counts them for this machine's address, too; a good
answer if it was given to the same token, which a keyed digest of it proves. Nothing else that a command
meets (a refused token, no network, a proxy of its own) is told: the daemon sees by itself what is true of its requests.

While the API refuses the token or cannot be reached, the daemon tries it slowly, and a person wants to know at once
how it answers: then `alone` lets the command ask by itself.
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
from notifier.brightdata.limits.breaker import BreakerState
from notifier.brightdata.limits.limiter import Limiter
from notifier.brightdata.limits.permit import Permit
from notifier.core.health.api import ApiKind
from notifier.core.model import Reason

MOST_AT_ONCE = 16
"""Turns of one command, waited for or in flight."""

LONGEST_TURN = 60.0
"""Seconds. A command that was stopped with requests in flight must not keep the daemon from its own."""

_KEY_BYTES = 16

_NOT_OURS = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)
"""What a line that is none of this protocol makes of the attempt to follow it."""


def mark_of(key: bytes, identity: Identity) -> str:
    """What tells two identities apart without telling the token: a digest with a key that is made for one loan."""
    told = f"{identity.base_url}\n{identity.token or ''}"
    return hmac.new(key, told.encode("utf-8", "backslashreplace"), "sha256").hexdigest()


async def lend(
    limiter: Limiter, identity: Callable[[], Identity], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Let whoever is at the other end use the limiter, until it has gone or says something senseless.

    Args:
        limiter: the daemon's.
        identity: what the daemon's own requests are answered to.
        reader, writer: the connection.
    """
    loan = _Loan(limiter, identity, writer)
    try:
        while line := await reader.readline():
            loan.follow(json.loads(line))
            await writer.drain()  # who does not read the answers is not listened to either
    except (OSError, *_NOT_OURS):
        return
    finally:
        await loan.end()


class _Loan:
    """What one command has of the limiter."""

    def __init__(self, limiter: Limiter, identity: Callable[[], Identity], writer: asyncio.StreamWriter) -> None:
        self._limiter = limiter
        self._identity = identity
        self._writer = writer
        self._key = secrets.token_bytes(_KEY_BYTES)
        self._waiting: dict[int, asyncio.Task[None]] = {}
        self._permits: dict[int, Permit] = {}
        self._say("lender", self._key.hex(), mark_of(self._key, replace(identity(), token=None)))

    def follow(self, said: Any) -> None:
        """Do what a line asks for. Raises one of `_NOT_OURS` for what makes no sense."""
        match said:
            case ["admit", int(number)] if number not in self._waiting | self._permits:
                if len(self._waiting) + len(self._permits) >= MOST_AT_ONCE:
                    raise ValueError("too many turns at once")
                if self._is_tried_slowly():
                    self._say("alone", number)
                    return
                if self._limiter.held_for:
                    self._say("held", number, self._limiter.held_for.total_seconds())
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
        """Take everything back."""
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
        if self._is_tried_slowly():  # the trouble began while the command waited: this turn is the daemon's own probe
            permit.release()
            self._say("alone", number)
            return
        permit.use()
        self._permits[number] = permit
        asyncio.get_running_loop().call_later(LONGEST_TURN, permit.release)
        self._say("granted", number)

    def _is_tried_slowly(self) -> bool:
        """Whether the daemon tries an API in trouble now and then, and a command asks by itself."""
        return self._limiter.state is BreakerState.CLOSED and self._limiter.api.kind is not ApiKind.OK

    def _is_ours(self, mark: str) -> bool:
        """Whether the answer was given to the daemon's own token, at its own address."""
        identity = self._identity()
        return identity.token is not None and hmac.compare_digest(mark.encode(), mark_of(self._key, identity).encode())

    def _say(self, *words: Any) -> None:
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
            reader, writer: a connection to a daemon that has begun to `lend`.
            own: what holds when the daemon has gone, or asks another address; it is told of everything, too.
            identity: what this command's requests are answered to.
            held: told for how long a request waits because of the API's state.
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
        self._listening = asyncio.create_task(self._listen())

    async def admit(self) -> Permit:
        """Wait for a request's turn; see `Limiter.admit`."""
        if not self._gone:
            self._numbers += 1
            number = self._numbers
            granted = self._granted[number] = asyncio.get_running_loop().create_future()
            self._say("admit", number)
            try:
                if await granted:
                    return Permit(lambda: self._say("release", number))
            except asyncio.CancelledError:
                self._say("release", number)
                raise
            finally:
                self._granted.pop(number, None)
        return await self._own.admit()

    def rate_limited(self, retry_after: timedelta | None) -> None:
        """Learn that the API answered 429; see `Limiter.rate_limited`."""
        self._own.rate_limited(retry_after)
        self._say("rate_limited", None if retry_after is None else retry_after.total_seconds())

    def answered(self) -> None:
        """Learn that the API answered something else."""
        self._own.answered()
        if self._key is not None:
            self._say("answered", mark_of(self._key, self._identity()))

    def judged(self, reason: Reason | None, detail: str = "") -> None:
        """Learn what a request came to."""
        self._own.judged(reason, detail)
        if reason is None and self._key is not None:
            self._say("good", mark_of(self._key, self._identity()))

    async def aclose(self) -> None:
        """Give everything back."""
        self._gone = True
        self._listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listening
        self._writer.close()

    def _say(self, *words: Any) -> None:
        if not self._gone:
            self._writer.write(json.dumps(words).encode() + b"\n")

    async def _listen(self) -> None:
        try:
            while line := await self._reader.readline():
                self._hear(json.loads(line))
        except (OSError, *_NOT_OURS):
            pass  # whatever it is, it lends nothing: the own limiter holds from now on
        finally:
            self._gone = True
            self._writer.close()
            for granted in self._granted.values():
                if not granted.done():
                    granted.set_result(False)

    def _hear(self, said: Any) -> None:
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
