"""Makes Apprise's objects from URLs, with the settings that all of them share."""

from functools import cache

from apprise import Apprise, AppriseAsset, NotifyBase, PersistentStoreMode


@cache
def asset() -> AppriseAsset:
    """Returns the settings that every object of Apprise gets."""
    return AppriseAsset(
        app_id="notifier",
        app_desc="Bright Data snapshot notifier",
        app_url="",
        storage_mode=PersistentStoreMode.MEMORY,
        service_timeout=0,  # with a deadline of its own, Apprise sends through its shared pool of a few threads
        secure_logging=True,
    )


def instantiate(url: str) -> NotifyBase | None:
    """Returns Apprise's object for a URL; None if Apprise refuses it."""
    service = Apprise.instantiate(url, asset=asset())
    return service if isinstance(service, NotifyBase) else None
