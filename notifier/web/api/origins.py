"""From where an action came, for the history: the API, and the address that asked."""

from starlette.requests import Request

from notifier.web.access.client_address import client_address


def origin(request: Request) -> str:
    """Return the origin of an action, such as `api 127.0.0.1`."""
    return f"api {client_address(request.scope)}"
