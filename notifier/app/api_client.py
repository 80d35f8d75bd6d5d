"""Builds the client of Bright Data's API, from the settings under `api:`."""

from collections.abc import Callable

from notifier.brightdata.datasets.client import Client
from notifier.brightdata.http.tokens import FileToken, StaticToken, TokenSource
from notifier.brightdata.limits.limiter import Limiter, most_in_flight
from notifier.config.model import Api
from notifier.config.sources.token import read_token
from notifier.core.outcomes import AnyOutcome, RequestOutcome, UnreadableEntries


def client_of(
    api: Api, limiter: Limiter, learned: Callable[[str], None], report: Callable[[AnyOutcome], None]
) -> Client:
    """Return the client. `learned` is called with each token that is read, `report` with what requests come to."""
    return Client(
        base_url=api.base_url,
        token=token_of(api, learned),
        timeout=api.timeout,
        limiter=limiter,
        max_connections=most_in_flight(api.requests_per_second),
        requested=lambda status: report(RequestOutcome(status=status)),
        unreadable=lambda dataset_id, entries: report(UnreadableEntries(dataset_id=dataset_id, entries=tuple(entries))),
    )


def token_of(api: Api, learned: Callable[[str], None]) -> TokenSource:
    """Return where the token comes from."""
    return StaticToken(api.token) if api.token is not None else FileToken(lambda: read_token(api), learned)


def token_source_of(api: Api) -> str:
    """Return where the token comes from, in words."""
    return "`api: token`" if api.token is not None else f"the file {api.token_file}"
