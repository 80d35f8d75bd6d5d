"""Refuses what another web page has a browser send here (cross-site request forgery). Pure.

The rules of Go's `net/http.CrossOriginProtection`: a browser says with `Sec-Fetch-Site` from where a request comes, and
an older one with `Origin`. A request with neither comes from no browser, and has nobody's cookie.
"""

from collections.abc import Mapping

from notifier.web.access.own_names import is_same_host, origin_of

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

_OWN = frozenset({"same-origin", "none"})


def is_own_request(headers: Mapping[str, str], public_origin: str | None, *, from_browser: bool) -> bool:
    """Return whether a request that changes something comes from a page of this daemon.

    Args:
        headers: of the request, by names in lower case.
        public_origin: the origin of `http: public_url:`, if there is one.
        from_browser: whether it can only come from a browser, because it has a cookie; then it must say from where.
    """
    origin = headers.get("origin")
    if origin is not None and public_origin is not None and origin_of(origin) == public_origin:
        return True
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in _OWN
    if origin is not None:
        return is_same_host(origin, headers.get("host"))
    return not from_browser
