"""Imports, loads and compiles, once, what every fork of a process needs."""

import asyncio
import gc
import logging
import tempfile
import threading
from pathlib import Path

import alembic.command
import alembic.config
import alembic.script  # noqa: F401
import apscheduler.executors.asyncio  # noqa: F401
import httpx_aiohttp  # noqa: F401
import structlog
from support import compiled_once

import notifier.app.demo
import notifier.app.loading.first_config
import notifier.app.loading.loading_process
import notifier.app.loading.loading_process_main
import notifier.channels.webhook.channel
import notifier.cli
import notifier.control.client
import notifier.downloads.worker
import notifier.store.migrate
import notifier.store.retention  # noqa: F401
from notifier.app.daemon import Daemon
from notifier.app.loading.load import all_checks
from notifier.config.load import load
from notifier.telemetry.log import configure
from notifier.telemetry.redaction import EVERY_SECRET, Redactor

_MAIN = """\
api: {token: none, base_url: "http://127.0.0.1:9"}
channels:
  people: {url: "json://localhost", templates: {default: {body: "{{ name }}"}}}
  program: {webhook: "https://localhost", secret: whsec_bm90IGEgc2VjcmV0LCBidXQgMjQgYnl0ZXM=, allow_private: true}
defaults: {notify: [people, program]}
watches: [{snapshot: s_1}]
http: "off"
"""


def preload() -> None:
    """Load all that is imported late, Apprise's plugins with it, and let a daemon live once, without a network.

    So its statements and regular expressions are compiled, and the authorities that are believed are loaded.
    """
    compiled_once.share()
    configure(level="error", redactor=Redactor())
    with tempfile.TemporaryDirectory() as folder:
        main = Path(folder) / "config.yaml"
        main.write_text(_MAIN, encoding="utf-8")
        asyncio.run(_live(main))
    vars(EVERY_SECRET).update(vars(Redactor()))
    structlog.reset_defaults()
    logging.root.handlers.clear()
    assert threading.active_count() == 1, "a fork has only one of them"
    gc.collect()
    gc.freeze()


async def _live(main: Path) -> None:
    config = load(main, environ={}, checks=all_checks(True))
    daemon, stop = Daemon(config, reporters=[], redactor=Redactor()), asyncio.Event()
    await daemon.run(stop, stop.set)
