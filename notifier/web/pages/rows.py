"""Single rows as HTML, the same as in the pages: live updates bring them one by one."""

from datetime import datetime

from notifier.core.resources import (
    ChannelResource,
    ConditionResource,
    DatasetResource,
    DeliveryResource,
    SnapshotResource,
)
from notifier.web.pages.renderer import RENDERER

Row = SnapshotResource | DatasetResource | DeliveryResource | ChannelResource | ConditionResource

_MACROS: dict[type[Row], str] = {
    SnapshotResource: "watch_row",
    DatasetResource: "dataset_row",
    DeliveryResource: "delivery_row",
    ChannelResource: "channel_row",
    ConditionResource: "condition_row",
}


def render_row(resource: Row, now: datetime) -> str:
    """Return the row of a resource; its `data-key` is the kind and the id, such as `watch:ID` or `delivery:17`."""
    return RENDERER.macro("rows", _MACROS[type(resource)], resource, now)
