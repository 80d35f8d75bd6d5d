"""Takes the README's pictures of the page, on a desk and on a phone: `python -m browser.screenshots FOLDER`.

The notifier in them is made up (`support.page_world`), and nothing in them depends on the time.
"""

import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright
from support.page_queries import World
from support.page_server import page_server

from browser.conftest import ARGUMENTS, CHROMIUM

DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 1120}, "color_scheme": "light"}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 1000},
    "device_scale_factor": 2,
    "color_scheme": "dark",
    "is_mobile": True,
}
PICTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "desk": ("/", DESK),
    "phone": ("/watches/sd_mu3j5zf4i64vu5aoj", PHONE),
}


def take(folder: Path) -> None:
    """Take all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with page_server() as server, sync_playwright() as playwright:
        server.show(World())
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name, (path, options) in PICTURES.items():
            (folder / f"{name}.png").write_bytes(recompressed(picture(browser, f"{server.url}{path}", options)))
        browser.close()


def picture(browser: Browser, url: str, options: dict[str, Any]) -> bytes:
    """Return what a window shows of a page, without scripts: what they change would depend on the time."""
    context = browser.new_context(java_script_enabled=False, **options)
    page = context.new_page()
    page.goto(url)
    taken = page.screenshot()
    context.close()
    return taken


def recompressed(png: bytes) -> bytes:
    """Return a picture without what is not needed, and compressed as far as zlib goes."""
    chunks = list(chunks_of(png))
    pixels = zlib.compress(zlib.decompress(b"".join(data for kind, data in chunks if kind == b"IDAT")), 9)
    kept = [(kind, data) for kind, data in chunks if kind in (b"IHDR", b"PLTE")]
    written = [png[:8]]
    for kind, data in [*kept, (b"IDAT", pixels), (b"IEND", b"")]:
        written.append(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
    return b"".join(written)


def chunks_of(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks of a PNG: their kind and their data."""
    place = 8
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        yield png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        place += length + 12


if __name__ == "__main__":
    take(Path(sys.argv[1]))
