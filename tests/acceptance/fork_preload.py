"""Imports and loads, once, what every fork of a process needs."""

import gc
import tempfile
from pathlib import Path

import alembic.command
import alembic.config
import alembic.script  # noqa: F401
import apscheduler.executors.asyncio  # noqa: F401
import httpx_aiohttp  # noqa: F401

import notifier.app.daemon
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
from notifier.app.loading.load import load_config_parts
from notifier.config.incremental import KnownFiles
from notifier.config.sources.origin import Disk
from notifier.network import tls_context

_MAIN = """\
api: {token: none}
channels:
  people: {url: "json://localhost", templates: {default: {body: "{{ name }}"}}}
  program: {webhook: "https://localhost", secret: whsec_bm90IGEgc2VjcmV0LCBidXQgMjQgYnl0ZXM=, allow_private: true}
defaults: {notify: [people, program]}
watches: [{snapshot: s_1}]
"""


def preload() -> None:
    """Load all that is imported late, Apprise's plugins with it, and the authorities that are believed."""
    with tempfile.TemporaryDirectory() as folder:
        main = Path(folder) / "config.yaml"
        main.write_text(_MAIN, encoding="utf-8")
        load_config_parts(main, {}, KnownFiles(), Disk())
    tls_context()
    gc.collect()
    gc.freeze()
