"""Makes resources of the configuration: what is in effect, its channels, and one watch of it."""

from collections import Counter
from collections.abc import Mapping

from notifier.config.effective import as_dict, shown_watch
from notifier.config.model import AnyWatch, Config
from notifier.core.delivery.services import service_of
from notifier.core.health.vitals import LastReload
from notifier.core.resources import ChannelResource, ConfigurationResource
from notifier.core.snapshot.model import ADOPTED, Watch
from notifier.core.watch_resources import WatchSettingsResource


def configuration_resource(config: Config, reload: LastReload | None) -> ConfigurationResource:
    """Return the configuration in effect, with the last reload of its files."""
    return ConfigurationResource(
        effective=as_dict(config),
        files=tuple(map(str, config.files)),
        warnings=tuple(map(str, config.warnings)),
        reloaded_at=None if reload is None else reload.at,
        refused=() if reload is None else reload.refused,
        runs_of=None if reload is None else reload.runs_of,
    )


def channels_of(config: Config) -> list[ChannelResource]:
    """Return the channels as they are configured, in their order."""
    watching = Counter(name for watch in (*config.watches, *config.datasets) for name in watch.notify)
    return [
        ChannelResource(
            channel=channel.name,
            service="webhook" if channel.webhook else service_of(str(channel.url)),
            operators=channel.name in config.operators,
            watches=watching[channel.name],
        )
        for channel in config.channels.values()
    ]


def watch_settings_resource(watch: AnyWatch) -> WatchSettingsResource:
    """Return a watch as it is configured."""
    shown = shown_watch(watch)
    return WatchSettingsResource(
        watch=watch.id,
        name=watch.name,
        snapshot=watch.snapshot_id if isinstance(watch, Watch) else None,
        dataset=None if isinstance(watch, Watch) else watch.dataset_id,
        notify=watch.notify,
        on=watch.on,
        every=str(shown["every"]),
        stalled_after=str(shown["stalled_after"]),
        results_kept=str(shown["results_kept"]),
        expiring_before=str(shown["expiring_before"]),
        download=None if watch.download is None else {"folder": watch.download.folder, "format": watch.download.format},
        labels=watch.labels,
    )


def watch_settings(config: Config, watch_id: str) -> Mapping[str, object] | None:
    """Return the settings of a watch, or of the dataset's watch that found this snapshot; None if there is none.

    For an adopted snapshot they are those of `hooks:`.
    """
    parent, _, snapshot_id = watch_id.partition("/")
    if parent == ADOPTED and snapshot_id:
        return shown_watch(config.adopting.watch_for(snapshot_id))
    watches: list[AnyWatch] = [*config.watches, *config.datasets]
    watch = next((each for each in watches if each.id in (watch_id, parent)), None)
    return None if watch is None else shown_watch(watch)
