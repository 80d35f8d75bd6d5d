"""Find the values that may never be shown, and mask them."""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, unquote, unquote_plus

from notifier.config.model import Webhook
from notifier.config.values.webhook import PREFIX
from notifier.core.words import MASK

_SHORTEST = 4
"""Characters of a secret part of a URL. To mask shorter ones would make logs unreadable."""
_SHORTEST_SEGMENT = 8
_SHORTEST_OPTION = 6
_PLAIN_WORDS = re.compile(r"[a-z]{1,15}(?:[_-][a-z]{1,15})*")
_PUBLIC_OPTIONS = frozenset({"format", "overflow"})
"""Apprise's options for the text of a message, whose values are common words."""


def secrets_in(
    *,
    token: str | None = None,
    urls: Iterable[str] = (),
    webhooks: Iterable[Webhook] = (),
    addresses: Iterable[str] = (),
    others: Iterable[str] = (),
) -> frozenset[str]:
    """Return the values that must never be shown.

    Of a channel URL these are the URL, its password, a user or host that looks like a token, path segments of at least
    8 characters and option values of at least 6, each as written, unquoted and quoted. Of a webhook these are its
    secrets with and without prefix, its path, and the segments that are no plain words: many paths end with
    `snapshots`, which logs need.

    Args:
        token: the API token.
        urls: the URLs of channels.
        webhooks: the webhooks.
        addresses: other URLs, which are treated like those of webhooks.
        others: texts that are secret as a whole.
    """
    secrets = {*others, *([token] if token else [])}
    for url in urls:
        secrets |= {url, *_shown_never(_secret_parts(url))}
    webhooks = tuple(webhooks)
    for address in (*addresses, *(webhook.url for webhook in webhooks)):
        secrets |= {address, *_shown_never(_secret_webhook_parts(address))}
    for webhook in webhooks:
        for secret in webhook.secrets:
            encoded = secret.removeprefix(PREFIX)
            secrets |= {secret, encoded, encoded.rstrip("=")}
    return frozenset(secrets)


def proxy_passwords(environ: Mapping[str, str]) -> set[str]:
    """Return the passwords of proxies in the environment, in all spellings: a proxy may echo its password."""
    proxies = [value for name, value in environ.items() if name.lower().endswith("_proxy")]
    userinfos = [proxy.rpartition("@")[0].partition("://")[2] or proxy.rpartition("@")[0] for proxy in proxies]
    return _shown_never(userinfo.partition(":")[2] for userinfo in userinfos)


def _shown_never(parts: Iterable[str]) -> set[str]:
    return {spelling for part in parts for spelling in _spellings(part) if len(spelling) >= _SHORTEST}


def masked_url(url: str) -> str:
    """Return the URL with everything but its scheme masked."""
    scheme, separator, _ = url.partition("://")
    return f"{scheme}://{MASK}" if separator else MASK


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """Return the text with every secret masked, the longest first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def _secret_parts(url: str) -> Iterator[str]:
    """Yield the parts of an Apprise URL that may be secret. Passwords may contain `/`, and hosts may be tokens."""
    rest = url.partition("://")[2]
    place, _, query = rest.partition("?")
    authority, *segments = re.split("[/#]", place)
    # Up to the last `@`, for a password with an unquoted `/` or `?` in it.
    for until_host in {authority.rpartition("@")[0], place.rpartition("@")[0], rest.rpartition("@")[0]}:
        user, _, password = until_host.partition(":")
        yield password
        if password:
            # A password that is too short to be masked is also sent as base64 (Basic authentication, RFC 7617).
            yield (
                base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode("utf-8", "surrogatepass"))
                .decode("ascii")
                .rstrip("=")
            )
        if _looks_like_token(user):
            yield user
    host, _, port = authority.rpartition("@")[2].rpartition(":")
    for part in (host or port, port if host else ""):
        if _looks_like_token(part):
            yield part
    if host and not port.isdecimal() and not port.endswith("]"):
        yield port  # Half of a bot's token, as Telegram has it.
    yield from (segment for segment in segments if len(segment) >= _SHORTEST_SEGMENT)
    yield from _secret_options(query)


def _secret_options(query: str) -> Iterator[str]:
    for option in re.split("[&;]", query):
        key, _, value = option.partition("=")
        if len(value) >= _SHORTEST_OPTION and key.lower() not in _PUBLIC_OPTIONS:
            yield value


def _secret_webhook_parts(url: str) -> Iterator[str]:
    """Yield the parts of an https URL without a user that may be secret."""
    place, _, query = url.partition("://")[2].partition("?")
    _, *segments = place.split("/")
    path = f"/{'/'.join(segments)}"
    yield from (whole for whole in (path, f"{path}?{query}" if query else "") if len(whole) > _SHORTEST_SEGMENT)
    yield from (
        segment for segment in segments if len(segment) >= _SHORTEST_SEGMENT and not _PLAIN_WORDS.fullmatch(segment)
    )
    yield from _secret_options(query)


def _looks_like_token(text: str) -> bool:
    if "." in text or "@" in text:
        return False
    mixed = any(char.isdigit() for char in text) and any(char.isalpha() for char in text)
    return (mixed and len(text) >= 8) or len(text) >= 20


def _spellings(part: str) -> set[str]:
    plain = unquote(part)
    return {part, plain, unquote_plus(part), quote(plain, safe=""), quote(plain)}
