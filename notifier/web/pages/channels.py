"""The page of the channels: how each does, its last success, what waits and until when."""

from collections.abc import Sequence
from typing import Any

from notifier.core.resources import ChannelResource
from notifier.core.words import count


def context(found: Sequence[ChannelResource]) -> dict[str, Any]:
    """Return what the template `channels` needs; broken channels come first."""
    return {
        "path": "/channels",
        "rows": sorted(found, key=lambda each: each.broken_since is None),
        "summary": summary(found),
    }


def summary(found: Sequence[ChannelResource]) -> str:
    """Say how the channels do."""
    if not found:
        return "Where messages go, and how that does."
    broken = [each.channel for each in found if each.broken_since is not None]
    if not broken:
        return f"{count(len(found), 'channel')}, none of them broken."
    return f"{count(len(found), 'channel')}; broken: {', '.join(broken)}."
