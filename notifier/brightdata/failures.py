"""What a request that got no answer says: the reason, told by the exception that ended it."""

import aiohttp

from notifier.brightdata.answers import LONGEST_DETAIL
from notifier.brightdata.text import one_line, redacted
from notifier.core.model import Reason, Unclear


class AnswerTooLarge(Exception):
    """The answer goes on beyond what any answer of this API needs."""


def unclear_of(error: Exception, secret: str) -> Unclear:
    """The observation that stands for the exception, its text redacted. Never raises.

    httpx-aiohttp 0.2 maps aiohttp's exceptions only in part: some come raw, and a server that hangs up is called a
    connect timeout. What aiohttp itself raised is in `__cause__`, and only that is believed.
    """
    cause = error.__cause__ if isinstance(error.__cause__, (aiohttp.ClientError, OSError)) else error
    return Unclear(reason=_reason(cause), detail=one_line(redacted(_text(cause), secret), LONGEST_DETAIL))


_NO_CONNECTION = (
    aiohttp.ClientConnectionError,
    aiohttp.ClientPayloadError,
    aiohttp.ClientHttpProxyError,
    OSError,
)


def _reason(cause: Exception) -> Reason:
    if isinstance(cause, TimeoutError):
        return Reason.TIMEOUT
    return Reason.CONNECTION if isinstance(cause, _NO_CONNECTION) else Reason.NONSENSE


def _text(cause: Exception) -> str:
    match cause:
        case AnswerTooLarge():
            return str(cause)
        case aiohttp.ClientResponseError(status=status):
            # Its own text would quote the request's address and what the server sent.
            return f"{type(cause).__name__}: no valid HTTP ({status})"
        case _:
            return f"{type(cause).__name__}: {cause}"
