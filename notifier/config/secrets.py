"""Find the values that may never be shown, and mask them."""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, unquote, unquote_plus

from notifier.config.model import Webhook
from notifier.config.values.webhook import PREFIX
from notifier.core.words import MASK

_SHORTEST = 4
"""Of what stands in a URL. Masking every occurrence of less would hide nothing and make logs unreadable."""
_SHORTEST_SEGMENT = 8
_SHORTEST_OPTION = 6
_PLAIN_WORDS = re.compile(r"[a-z]{1,15}(?:[_-][a-z]{1,15})*")
_PUBLIC_OPTIONS = frozenset({"format", "overflow"})
"""Apprise's options for the text of a message: their values are common words and no secrets."""


def secrets_in(
    *,
    token: str | None = None,
    urls: Iterable[str] = (),
    webhooks: Iterable[Webhook] = (),
    addresses: Iterable[str] = (),
    others: Iterable[str] = (),
) -> frozenset[str]:
    """The values that may never be shown: the token, each channel URL as a whole, and what stands secret inside it.

    That is its password, a user or a host that looks like a token (not a host's name), path segments of at least 8
    characters and option values of at least 6, each as written, unquoted and quoted. Of a webhook it is also the path
    as a whole, and its segments but for plain words: its path often ends with `snapshots`, which no log can do without.
    And its secrets, with their prefix and without. Other `addresses` are taken apart like a webhook's; `others` are
    secrets as a whole.
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
    """The passwords of the proxies in the environment, in their spellings: a proxy may repeat what it was sent."""
    proxies = [value for name, value in environ.items() if name.lower().endswith("_proxy")]
    userinfos = [proxy.rpartition("@")[0].partition("://")[2] or proxy.rpartition("@")[0] for proxy in proxies]
    return _shown_never(userinfo.partition(":")[2] for userinfo in userinfos)


def _shown_never(parts: Iterable[str]) -> set[str]:
    return {spelling for part in parts for spelling in _spellings(part) if len(spelling) >= _SHORTEST}


def masked_url(url: str) -> str:
    """The URL as it may be shown: its scheme only."""
    scheme, separator, _ = url.partition("://")
    return f"{scheme}://{MASK}" if separator else MASK


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret in it masked, the longest first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def _secret_parts(url: str) -> Iterator[str]:
    """What may be secret in an Apprise URL, which follows no standard: passwords may hold `/`, hosts may be tokens."""
    rest = url.partition("://")[2]
    place, _, query = rest.partition("?")
    authority, *segments = re.split("[/#]", place)
    # Up to the last `@` of all, for a password with a `/` or a `?` in it that nobody quoted.
    for until_host in {authority.rpartition("@")[0], place.rpartition("@")[0], rest.rpartition("@")[0]}:
        user, _, password = until_host.partition(":")
        yield password
        if password:
            # One that is too short to be looked for itself still travels as base64 (Basic authentication, RFC 7617).
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
    """What may be secret in an https URL without a user."""
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
