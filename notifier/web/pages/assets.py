"""The files that pages load, from this machine alone. An address holds the file's hash, so that browsers keep it."""

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

STATIC = Path(__file__).parent / "static"

PATH = "/static"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

_IMPORT = re.compile(rb'from "\./([\w.-]+)"')
"""An import of another script, which stands in the same folder. None imports one that imports it."""

SCRIPTS = ("live.js", "forms.js", "copy.js")
"""The modules that every page loads; they import the others."""

KEPT = "public, max-age=31536000, immutable"
"""The `Cache-Control` of an address with the right hash."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """A file: its content, its type, and the beginning of its hash."""

    content: bytes
    media_type: str
    hash: str


class Assets:
    """All files of a folder, read once."""

    def __init__(self, folder: Path) -> None:
        self._files: dict[str, Asset] = {}
        for path in sorted(folder.iterdir()):
            if path.suffix in _TYPES:
                self._add(path)

    @property
    def scripts(self) -> tuple[str, ...]:
        """The names of the scripts that every page loads."""
        return tuple(name for name in SCRIPTS if name in self._files)

    def url(self, name: str) -> str:
        """Return the address of a file."""
        return f"{PATH}/{name}?{self._files[name].hash}"

    def get(self, name: str) -> Asset | None:
        """Return a file; None if there is none of that name."""
        return self._files.get(name)

    def _add(self, path: Path) -> Asset:
        """Read a file and those that it imports: it imports them by their hashes, and so its own changes with them."""
        if path.name not in self._files:
            content = path.read_bytes()
            if path.suffix == ".js":
                content = _IMPORT.sub(lambda found: self._import(path.parent / found[1].decode()), content)
            digest = sha256(content).hexdigest()[:12]
            self._files[path.name] = Asset(content=content, media_type=_TYPES[path.suffix], hash=digest)
        return self._files[path.name]

    def _import(self, path: Path) -> bytes:
        return f'from "./{path.name}?{self._add(path).hash}"'.encode()


def router() -> APIRouter:
    """Return the route of the files."""
    routes = APIRouter(include_in_schema=False)

    @routes.get(f"{PATH}/{{name}}")
    async def file(request: Request, name: str) -> Response:
        asset = ASSETS.get(name)
        if asset is None:
            return PlainTextResponse("there is no such file\n", 404)
        tag = f'"{asset.hash}"'
        headers = {"ETag": tag, "Cache-Control": KEPT if request.url.query == asset.hash else "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(asset.content, media_type=asset.media_type, headers=headers)

    return routes


ASSETS = Assets(STATIC)
"""The files of the pages."""
