"""The effective configuration as plain data in the shape of the YAML, with every secret masked."""

from collections.abc import Mapping

from notifier.config.model import AnyWatch, Api, Channel, Config, HeartbeatSettings, Hooks, Http, Template, Webhook
from notifier.config.secrets import masked_url
from notifier.config.values.durations import format_duration
from notifier.config.values.rates import format_pace
from notifier.config.values.times import format_time
from notifier.core.delivery.channel_policy import Quiet
from notifier.core.snapshot.model import AdoptingWatch, Watch, WatchOptions
from notifier.core.words import MASK


def as_dict(config: Config) -> dict[str, object]:
    """Return the configuration with every default applied, as texts, numbers, lists and dicts for YAML or JSON."""
    watches: list[AnyWatch] = [*config.watches, *config.datasets]
    return {
        "api": _api(config.api),
        "state": f"sqlite:///{config.database}",
        "http": _http(config.http),
        **({} if config.hooks is None else {"hooks": _hooks(config.hooks, config.adopting)}),
        **({} if config.heartbeat is None else {"heartbeat": _heartbeat(config.heartbeat)}),
        "operators": list(config.operators),
        "channels": {name: shown_channel(channel) for name, channel in config.channels.items()},
        "watches": [shown_watch(watch) for watch in watches],
        "keep": format_duration(config.keep),
    }


def as_yaml(data: Mapping[str, object]) -> str:
    """Return plain data, such as that of `as_dict`, as YAML."""
    import yaml

    return str(yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True))


def _api(api: Api) -> dict[str, object]:
    rate = api.requests_per_second
    return {
        **({"token": MASK} if api.token is not None else {"token_file": str(api.token_file)}),
        "base_url": api.base_url,
        "requests_per_second": int(rate) if rate == int(rate) else rate,
        "timeout": format_duration(api.timeout),
        "batch": "auto" if api.batches else "never",
    }


def _http(http: Http | None) -> dict[str, object]:
    if http is None:
        return {"listen": "off"}
    return {
        "listen": http.address,
        **({} if http.token is None else {"token": MASK}),
        **({} if http.public_url is None else {"public_url": http.public_url}),
    }


def _hooks(hooks: Hooks, adopting: AdoptingWatch) -> dict[str, object]:
    secrets: list[str] = [MASK for _ in hooks.secrets]
    return {
        "secret": secrets[0] if len(secrets) == 1 else secrets,
        "adopt": adopting.enabled,
        **_shown_options(adopting),
    }


def _heartbeat(heartbeat: HeartbeatSettings) -> dict[str, object]:
    return {"url": masked_url(heartbeat.url), "every": format_duration(heartbeat.every)}


def shown_channel(channel: Channel) -> dict[str, object]:
    """Return one entry of `channels:`, without its name."""
    policy = channel.policy
    shown: dict[str, object] = {} if channel.url is None else {"url": masked_url(channel.url)}
    if channel.webhook is not None:
        shown |= _webhook(channel.webhook)
    if policy.fallback is not None:
        shown |= {"fallback": policy.fallback, "fallback_after": format_duration(policy.fallback_after)}
    if not policy.stretches:  # without `pace:` a channel adapts its pace, which no value of the key can say
        shown["pace"] = format_pace(policy.pace)
    if policy.quiet is not None:
        shown["quiet"] = _quiet(policy.quiet)
    shown["on_uncertain"] = policy.on_uncertain.value
    shown["give_up_after"] = format_duration(policy.give_up_after)
    if channel.templates:
        shown["templates"] = {word: _template(template) for word, template in channel.templates.items()}
    return shown


def _webhook(webhook: Webhook) -> dict[str, object]:
    secrets: list[str] = [MASK for _ in webhook.secrets]
    return {
        "webhook": masked_url(webhook.url),
        "secret": secrets[0] if len(secrets) == 1 else secrets,
        "allow_private": webhook.allow_private,
    }


def _quiet(quiet: Quiet) -> dict[str, object]:
    return {
        "from": format_time(quiet.start),
        "to": format_time(quiet.end),
        "timezone": str(quiet.zone),
        **({"except": list(quiet.exceptions)} if quiet.exceptions else {}),
    }


def _template(template: Template) -> dict[str, object]:
    texts = {"title": template.title, "body": template.body}
    return {key: text for key, text in texts.items() if text is not None}


def shown_watch(watch: AnyWatch) -> dict[str, object]:
    """Return one entry of `watches:`."""
    return {
        **({"snapshot": watch.snapshot_id} if isinstance(watch, Watch) else {"dataset": watch.dataset_id}),
        "id": watch.id,
        "name": watch.name,
        **_shown_options(watch),
    }


def _shown_options(watch: WatchOptions) -> dict[str, object]:
    """Return what watches of snapshots, of datasets and of adopted snapshots have in common."""
    shown: dict[str, object] = {
        "notify": list(watch.notify),
        "on": list(watch.on),
        "every": format_duration(watch.every),
        "stalled_after": "off" if watch.stalled_after is None else format_duration(watch.stalled_after),
        "results_kept": format_duration(watch.results_kept),
        "expiring_before": format_duration(watch.expiring_before),
    }
    if watch.download is not None:
        shown["download"] = {"folder": watch.download.folder, "format": watch.download.format}
    return {**shown, "labels": dict(watch.labels)}
