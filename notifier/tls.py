"""Whose certificates are believed over TLS: one rule for every connection, whatever library makes it.

The first of these variables that is set decides, alone: SSL_CERT_FILE and SSL_CERT_DIR (one rule of OpenSSL's, both
count together), then REQUESTS_CA_BUNDLE, then CURL_CA_BUNDLE. Without any, the system's authorities count, to which a
company adds its own; and where the system has none at all (a container without `ca-certificates`), those of certifi.
"""

import os
import ssl
from functools import cache
from pathlib import Path

import certifi

_OPENSSL = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
VARIABLES = (*_OPENSSL, *_BUNDLES)
"""The environment variables that may name authorities, the first that counts first."""


def tls_context(purpose: str = "") -> ssl.SSLContext:
    """What a connection over TLS is checked with; read once, for all of the process, as it takes some 25 ms.

    Args:
        purpose: who uses it. Libraries set options on a context, such as their protocol: each gets its own.
    """
    return _context(purpose, *(os.environ.get(name) for name in VARIABLES))


@cache
def _context(_purpose: str, *_named: str | None) -> ssl.SSLContext:
    if any(os.environ.get(name) for name in _OPENSSL):
        return ssl.create_default_context()
    bundle = next((named for name in _BUNDLES if (named := os.environ.get(name))), None)
    if bundle is not None:
        return _believing(bundle)
    context = ssl.create_default_context()
    if not _system_has_any():
        context.load_verify_locations(certifi.where())
    return context


def _believing(bundle: str) -> ssl.SSLContext:
    """A file or folder of authorities. One that cannot be read makes none, as with OpenSSL's own variables."""
    where = "capath" if Path(bundle).is_dir() else "cafile"
    try:
        return ssl.create_default_context(**{where: bundle})  # type: ignore[arg-type]
    except (OSError, ssl.SSLError):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def cure() -> str:
    """What to do about a certificate that is not believed."""
    for name in VARIABLES:
        named = os.environ.get(name)
        if not named:
            continue
        if not Path(named).exists():
            return f"{name} names {named}, which does not exist"
        return f"{name} names {named}, and only its authorities are believed: add the one that signed the certificate"
    return "if an authority of your own has signed its certificate, name that authority's file in SSL_CERT_FILE"


def _system_has_any() -> bool:
    paths = ssl.get_default_verify_paths()
    if paths.cafile is not None:
        return True
    try:
        return paths.capath is not None and any(Path(paths.capath).iterdir())
    except OSError:
        return False
