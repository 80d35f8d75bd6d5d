"""Whose certificates are believed over TLS: the system's authorities, or those that SSL_CERT_FILE or SSL_CERT_DIR name.

So an authority that a company adds to its machines counts here, too. Where the system has none at all (a container
without `ca-certificates`), it is those of certifi, as everywhere in Python.
"""

import os
import ssl
from functools import cache
from pathlib import Path

import certifi

_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def tls_context() -> ssl.SSLContext:
    """What a connection over TLS is checked with; read once, for all of the process, as it takes some 25 ms."""
    return _context(*(os.environ.get(name) for name in _VARIABLES))


@cache
def _context(*_named: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not any(os.environ.get(name) for name in _VARIABLES) and not _system_has_any():
        context.load_verify_locations(certifi.where())
    return context


def share_with_requests() -> None:
    """Have what Apprise sends by believe SSL_CERT_FILE as well, which `requests` does not know."""
    if named := os.environ.get("SSL_CERT_FILE"):
        os.environ.setdefault("REQUESTS_CA_BUNDLE", named)


def cure() -> str:
    """What to do about a certificate that is not believed."""
    for name in _VARIABLES:
        named = os.environ.get(name)
        if named and not Path(named).exists():
            return f"{name} names {named}, which does not exist"
    return "if an authority of your own has signed its certificate, name that authority's file in SSL_CERT_FILE"


def _system_has_any() -> bool:
    paths = ssl.get_default_verify_paths()
    if paths.cafile is not None:
        return True
    try:
        return paths.capath is not None and any(Path(paths.capath).iterdir())
    except OSError:
        return False
