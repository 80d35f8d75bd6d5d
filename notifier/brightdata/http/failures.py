"""Turns the exception that ended a request into the reason why there is no answer."""

import ssl

import aiohttp

from notifier.brightdata.http.answers import LONGEST_DETAIL
from notifier.brightdata.http.foreign_text import redacted
from notifier.brightdata.http.tokens import TokenUnusable
from notifier.core.errors import NotifierError
from notifier.core.snapshot.model import Reason, Unclear
from notifier.core.words import one_line
from notifier.network import cure


class NoAnswer(Exception):
    """The request got no usable answer. `unclear` says why, for people and without secrets.

    `not_sent` is true if certainly no part of the request was sent.
    """

    def __init__(self, unclear: Unclear, *, not_sent: bool = False) -> None:
        super().__init__(unclear.detail)
        self.unclear = unclear
        self.not_sent = not_sent


class AnswerTooLarge(NoAnswer):
    """The answer is larger than any of its kind needs to be."""

    def __init__(self, detail: str) -> None:
        super().__init__(Unclear(reason=Reason.NONSENSE, detail=detail))


def no_answer_of(error: Exception, secret: str) -> NoAnswer:
    """Returns our exception for one of the transport's."""
    if isinstance(error, NoAnswer):
        return error
    return NoAnswer(unclear_of(error, secret), not_sent=isinstance(_cause(error), _NOT_CONNECTED))


def no_token_of(error: Exception) -> NoAnswer:
    """Returns our exception for a token that cannot be read."""
    # The texts of these two are for people; any other may quote the token.
    text = str(error) if isinstance(error, (TokenUnusable, NotifierError)) else f"the token: {type(error).__name__}"
    unclear = Unclear(reason=Reason.UNAUTHORISED, detail=one_line(f"not asked: {text}", LONGEST_DETAIL))
    return NoAnswer(unclear, not_sent=True)


def unclear_of(error: Exception, secret: str) -> Unclear:
    """Returns the observation for an exception, with its text redacted. Never raises.

    httpx-aiohttp 0.2 maps aiohttp's exceptions only in part: some come raw, and a server that hangs up is called a
    connect timeout. What aiohttp itself raised is in `__cause__`, and only that counts.
    """
    if isinstance(error, NoAnswer):
        return error.unclear
    cause = _cause(error)
    return Unclear(reason=_reason(cause), detail=one_line(redacted(_text(cause), secret), LONGEST_DETAIL))


def _cause(error: Exception) -> Exception:
    return error.__cause__ if isinstance(error.__cause__, (aiohttp.ClientError, OSError)) else error


_NOT_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)

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
    if isinstance(cause, aiohttp.ClientResponseError):
        # Its own text would quote the request's address and what the server sent.
        return f"{type(cause).__name__}: no valid HTTP ({cause.status})"
    if isinstance(cause, (aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError)):
        return f"its certificate is not trusted ({_verification(cause)}); {cure()}"
    return f"{type(cause).__name__}: {cause}"


def _verification(cause: aiohttp.ClientConnectorCertificateError | ssl.SSLCertVerificationError) -> str:
    error = cause.certificate_error if isinstance(cause, aiohttp.ClientConnectorCertificateError) else cause
    return getattr(error, "verify_message", "") or type(error).__name__
