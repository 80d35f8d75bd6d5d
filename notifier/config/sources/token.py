"""Reads the API token from `api.token`, `api.token_file`, or the systemd credential."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from notifier.config.model import Api
from notifier.config.sources.regular_file import read_regular
from notifier.config.values import tokens
from notifier.config.yaml.nodes import Flaw, KeyPath, Node, locate
from notifier.core.errors import NotifierError

CREDENTIAL = "brightdata-token"

_LARGEST_FILE = 64 * 1024

_THREE_WAYS = (
    "the Bright Data token is missing: write `token: ${BRIGHTDATA_API_KEY}` or `token_file: PATH` under `api:`, "
    f"or give the service the systemd credential `{CREDENTIAL}`"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenLocation:
    """Where the token is.

    Attributes:
        token: the token, if it is in the configuration.
        file: the file that has the token, if it is in a file.
        value: the token, wherever it is; None with a flaw.
        unreadable: a token file that cannot be read now.
        flaw: what is wrong.
    """

    token: str | None = field(default=None, repr=False)
    file: Path | None = None
    value: str | None = field(default=None, repr=False)
    unreadable: Path | None = None
    flaw: Flaw | None = None


def read_token(api: Api) -> str:
    """Returns the API token. Read a `token_file` again at each call, to notice a new token.

    Raises:
        NotifierError: the file cannot be read or holds no token. Its text says which, and quotes nothing of the file.
    """
    if api.token is not None:
        return api.token
    assert api.token_file is not None
    try:
        return token_in(api.token_file)
    except ValueError as error:
        raise NotifierError(f"cannot read the token from {api.token_file}: {error}") from error


def token_in(path: Path) -> str:
    """Returns the token that a file holds, without the line break at its end.

    Raises:
        ValueError: the file cannot be read, or holds no token.
    """
    try:
        content = read_regular(path, _LARGEST_FILE + 1)
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror or 'an error of the system'}") from error
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise ValueError("the file is not a text") from None
    if not text:
        raise ValueError("the file is empty")
    return tokens.token(text)


def token_source(data: object, root: Node, folder: Path, environ: Mapping[str, str]) -> TokenLocation:
    """Find where the token is, and try to read it if it is in a file.

    Args:
        data: the data of the main file. Errors of single values are reported elsewhere.
        root: the tree of the main file, for the places.
        folder: where a relative `token_file` starts.
        environ: for systemd's `CREDENTIALS_DIRECTORY`.
    """
    api = data.get("api") if isinstance(data, dict) else None
    if api is not None and not isinstance(api, dict):
        return TokenLocation()
    api = api or {}
    if "token" in api and "token_file" in api:
        text = "`token` and `token_file` are both given: keep one of them"
        return TokenLocation(flaw=_at_key(root, ("api", "token_file"), text))
    if "token" in api:
        token = str(api["token"])
        return TokenLocation(token=token, value=token)
    if "token_file" in api:
        name = api["token_file"]
        if not isinstance(name, str) or not name.strip() or "\0" in name:
            return TokenLocation()
        return _from_file(folder / name, root, ("api", "token_file"))
    if credential := _credential(environ):
        return _from_file(credential, root, ("api",))
    place = locate(root, ("api",)).key_place
    return TokenLocation(flaw=Flaw(place=place, path=("api", "token"), text=_THREE_WAYS))


def _credential(environ: Mapping[str, str]) -> Path | None:
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        return None
    file = Path(directory) / CREDENTIAL
    with contextlib.suppress(OSError):
        return file if file.exists() else None
    return None


def _from_file(file: Path, root: Node, path: KeyPath) -> TokenLocation:
    try:
        value = token_in(file)
    except ValueError as error:
        found = locate(root, path)
        text = str(error) if path[-1] == "token_file" else f"the systemd credential `{CREDENTIAL}`: {error}"
        return TokenLocation(unreadable=file, flaw=Flaw(place=found.node.place, path=path, text=text))
    return TokenLocation(file=file, value=value)


def _at_key(root: Node, path: KeyPath, text: str) -> Flaw:
    return Flaw(place=locate(root, path).key_place, path=path, text=text)
