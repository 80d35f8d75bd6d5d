"""The effective configuration as plain data in the YAML's own shape, with every secret masked."""

from notifier.config.durations import format_duration
from notifier.config.model import Api, Config
from notifier.config.secrets import MASK, masked_url
from notifier.core.model import Watch


def as_dict(config: Config) -> dict[str, object]:
    """The configuration with every default applied, to be printed as YAML or JSON: texts, numbers, lists and dicts."""
    return {
        "api": _api(config.api),
        "state": f"sqlite:///{config.database}",
        "operators": list(config.operators),
        "channels": {name: {"url": masked_url(channel.url)} for name, channel in config.channels.items()},
        "watches": [_watch(watch) for watch in config.watches],
    }


def _api(api: Api) -> dict[str, object]:
    rate = api.requests_per_second
    return {
        **({"token": MASK} if api.token is not None else {"token_file": str(api.token_file)}),
        "base_url": api.base_url,
        "requests_per_second": int(rate) if rate == int(rate) else rate,
        "timeout": format_duration(api.timeout),
    }


def _watch(watch: Watch) -> dict[str, object]:
    shown: dict[str, object] = {
        "snapshot": watch.snapshot_id,
        "id": watch.id,
        "name": watch.name,
        "notify": list(watch.notify),
        "on": list(watch.on),
        "every": format_duration(watch.every),
    }
    if watch.stalled_after is not None:
        shown["stalled_after"] = format_duration(watch.stalled_after)
    return {**shown, "labels": dict(watch.labels)}
