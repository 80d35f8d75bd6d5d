"""Notes in the history what the API did: the action, and the address that asked."""

from contextlib import suppress

from starlette.requests import Request

from notifier.core.errors import StoreError
from notifier.web.access.client_address import client_address
from notifier.web.sources import WebSources


async def noted(sources: WebSources, request: Request, action: str, subject: str, detail: str) -> None:
    """Note an action that was done, with an origin such as `api 127.0.0.1`.

    If the database cannot be written now, only the log has it: an error would say that nothing was done, and have the
    client do it again.
    """
    with suppress(StoreError):
        await sources.actions.note(action, subject, f"api {client_address(request.scope)}", detail)
