"""Bright Data as a command asks it by itself, without a daemon: the same door, limiter and breaker, at a gentle rate.

The daemon's budget is its own, so a command takes at most one request a second beside it. That is far from a block:
every 429 it gets holds it up as it does the daemon.
"""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from notifier.brightdata.client import Client
from notifier.brightdata.collect import Collector
from notifier.brightdata.limiter import Limiter
from notifier.brightdata.results import Results
from notifier.brightdata.tokens import FileToken, StaticToken, TokenUnusable
from notifier.config.model import Api
from notifier.config.secrets import read_token
from notifier.core.errors import UsageError
from notifier.loading import load_config

REQUESTS_PER_SECOND = 1.0
TOKEN_VARIABLE = "BRIGHTDATA_API_KEY"
BASE_URL_VARIABLE = "BRIGHTDATA_BASE_URL"
_UNSET = "unset://"


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """What can be asked of Bright Data: progress, results, and to collect."""

    client: Client
    results: Results
    collector: Collector


def api_of(config: Path | None, environ: Mapping[str, str]) -> Api:
    """How to reach Bright Data: as the configuration says, or, without one, with the token in `BRIGHTDATA_API_KEY`.

    Channels' secrets are not needed for it, and may be unset.

    Raises:
        ConfigurationRefused: the configuration has errors.
        UsageError: the token cannot be had.
    """
    if config is None:
        token = environ.get(TOKEN_VARIABLE, "")
        if not token:
            raise UsageError(f"no configuration and no token: set {TOKEN_VARIABLE}, or name a file with --config")
        base_url = environ.get(BASE_URL_VARIABLE)
        api = Api(token=token)
        return replace(api, base_url=base_url) if base_url else api
    api = load_config(config, secrets_needed=False).api
    if (api.token is None and api.token_file is None) or (api.token is not None and _UNSET in api.token):
        raise UsageError(f"{config}: api.token: the token cannot be had: set its environment variable")
    return api


@asynccontextmanager
async def opened(api: Api) -> AsyncIterator[Account]:
    """The account, for as long as this is entered.

    Raises:
        UsageError: the address or the token cannot be used.
    """
    try:
        client = Client(
            base_url=api.base_url,
            token=StaticToken(api.token) if api.token is not None else FileToken(lambda: read_token(api)),
            timeout=api.timeout,
            limiter=Limiter(
                requests_per_second=min(api.requests_per_second, REQUESTS_PER_SECOND), clock=time.monotonic
            ),
            max_connections=2,
        )
    except (ValueError, TokenUnusable) as error:
        raise UsageError(f"Bright Data cannot be asked: {error}") from error
    async with client:
        yield Account(client=client, results=Results(client.door), collector=Collector(client.door))
