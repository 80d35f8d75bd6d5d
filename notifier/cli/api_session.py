"""Bright Data's API for commands: through the limiter of the running daemon, else through one of its own.

So one limiter and one breaker serve everything that uses the token. If no daemon runs with the configuration's
database, a command makes at most one request a second, and a 429 holds it up as it does the daemon.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from notifier.app.loading.fallback import load_with_fallback
from notifier.app.loading.load import secrets_hint
from notifier.brightdata.datasets.client import Client
from notifier.brightdata.datasets.results import ResultsClient
from notifier.brightdata.datasets.trigger import TriggerClient
from notifier.brightdata.http.tokens import FileToken, Identity, StaticToken, TokenUnusable
from notifier.brightdata.limits.gate import Gate
from notifier.brightdata.limits.limiter import Limiter
from notifier.config.model import Api, Config
from notifier.config.sources.token import read_token
from notifier.config.yaml.interpolation import UNSET
from notifier.control.client import connected
from notifier.control.limiter_lease import LeasedLimiter
from notifier.control.protocol import LEASE
from notifier.core.errors import UsageError

REQUESTS_PER_SECOND = 1.0
TOKEN_VARIABLE = "BRIGHTDATA_API_KEY"
BASE_URL_VARIABLE = "BRIGHTDATA_BASE_URL"


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiSession:
    """The clients for progress, results and triggers."""

    client: Client
    results: ResultsClient
    collector: TriggerClient


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiAccess:
    """How to reach Bright Data, and the database of the daemon whose limiter to use.

    `hint_url` is where Bright Data can send hints to that daemon; a secret. None if it cannot.
    """

    api: Api
    database: Path | None = None
    hint_url: str | None = field(default=None, repr=False)


def access_of(
    config: Path | None, environ: Mapping[str, str], warn: Callable[[str], None] = lambda _: None
) -> ApiAccess:
    """Return how to reach Bright Data: by the configuration, or without one by the token in `BRIGHTDATA_API_KEY`.

    The secrets of channels may be unset.

    Args:
        config: the main file.
        environ: has the token, where there is no main file.
        warn: called with one line if the configuration has errors elsewhere.

    Raises:
        ConfigurationRefused: what the configuration says of the API has errors.
        UsageError: there is no token.
    """
    if config is None:
        token = environ.get(TOKEN_VARIABLE, "")
        if not token:
            raise UsageError(
                f"no configuration and no token: set {TOKEN_VARIABLE}, or name a configuration with --config"
            )
        base_url = environ.get(BASE_URL_VARIABLE)
        api = Api(token=token)
        return ApiAccess(api=replace(api, base_url=base_url) if base_url else api)
    loaded = load_with_fallback(config)
    found = loaded.config
    api = found.api
    no_token = (api.token is None and api.token_file is None) or (api.token is not None and UNSET in api.token)
    if loaded.refusal is not None:
        about_api = any(problem.key.partition(".")[0] == "api" for problem in loaded.refusal.problems)
        if no_token or (about_api and loaded.kept_at is None):
            raise loaded.refusal
        warn(loaded.warning)
    if no_token:
        cure = secrets_hint(config) or "set its environment variable"
        raise UsageError(f"{config}: api.token: there is no token: {cure}")
    return ApiAccess(api=api, database=found.database, hint_url=hint_url(found))


def hint_url(config: Config) -> str | None:
    """Return where Bright Data can send hints; None without `http: public_url:` or `hooks:`, or a variable of them."""
    if config.http is None or config.http.public_url is None or config.hooks is None:
        return None
    url = f"{config.http.public_url}/hooks/brightdata/{config.hooks.secrets[0]}"
    return None if UNSET in url else url


@asynccontextmanager
async def opened(access: ApiAccess, held: Callable[[timedelta], None] = lambda _: None) -> AsyncIterator[ApiSession]:
    """Open a session with the API.

    Args:
        access: how to reach it.
        held: called with the pause of each request that waits because the daemon is held up.

    Raises:
        UsageError: the address or the token cannot be used.
    """
    api = access.api
    own = Limiter(requests_per_second=min(api.requests_per_second, REQUESTS_PER_SECOND), clock=time.monotonic)
    client: Client  # the gate, which it is made with, asks for its identity only later
    async with _gate(access.database, own, lambda: client.gateway.identity, held) as gate:
        try:
            client = Client(
                base_url=api.base_url,
                token=StaticToken(api.token) if api.token is not None else FileToken(lambda: read_token(api)),
                timeout=api.timeout,
                limiter=gate,
                max_connections=2,
            )
        except (ValueError, TokenUnusable) as error:
            raise UsageError(f"cannot send requests to Bright Data: {error}") from error
        async with client:
            yield ApiSession(
                client=client, results=ResultsClient(client.gateway), collector=TriggerClient(client.gateway)
            )


@asynccontextmanager
async def _gate(
    database: Path | None, own: Limiter, identity: Callable[[], Identity], held: Callable[[timedelta], None]
) -> AsyncIterator[Gate]:
    try:
        connection = await connected(database) if database is not None else None
    except OSError:
        connection = None  # the socket is another user's, for example
    if connection is None:
        yield own
        return
    reader, writer = connection
    writer.write(LEASE)
    borrower = LeasedLimiter(reader, writer, own, identity=identity, held=held)
    try:
        yield borrower
    finally:
        await borrower.aclose()
