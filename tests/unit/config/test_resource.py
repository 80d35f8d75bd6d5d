"""The resources of the configuration have everything but secrets, and say what the last reload did."""

from dataclasses import replace
from pathlib import Path

from support.fakes import START, watch
from support.histories import dataset_watch
from support.web import empty_config

from notifier.config.model import Channel, Webhook
from notifier.config.resource import channels_of, configuration_resource, watch_settings
from notifier.core.health.vitals import LastReload

CONFIG = replace(
    empty_config(Path("config.yaml")),
    files=(Path("config.yaml"), Path("more.yaml")),
    operators=("hook",),
    channels={
        "chat": Channel(name="chat", url="https://hooks.slack.com/services/T/B/secret"),
        "hook": Channel(name="hook", webhook=Webhook(url="https://example.com/secret", secrets=("whsec_secret",))),
    },
    watches=(watch("s_1", notify=("chat", "hook")),),
    datasets=(dataset_watch("gd_1", notify=("chat",)),),
)


def test_channels_have_their_service_and_how_many_watches_notify_them() -> None:
    chat, hook = channels_of(CONFIG)
    assert (chat.channel, chat.service, chat.watches, chat.operators) == ("chat", "slack", 2, False)
    assert (hook.channel, hook.service, hook.watches, hook.operators) == ("hook", "webhook", 1, True)


def test_the_configuration_is_shown_without_secrets_and_with_the_last_reload() -> None:
    shown = configuration_resource(CONFIG, LastReload(at=START, refused=("config.yaml:1:1: odd",)))
    assert "secret" not in repr(shown.effective).replace("'secret': '***'", "")
    assert shown.files == ("config.yaml", "more.yaml")
    assert (shown.reloaded_at, shown.refused, shown.runs_of) == (START, ("config.yaml:1:1: odd",), None)
    assert configuration_resource(CONFIG, None).reloaded_at is None


def test_a_snapshot_that_a_dataset_found_has_the_settings_of_the_datasets_watch() -> None:
    own, found = watch_settings(CONFIG, "s_1"), watch_settings(CONFIG, "gd_1/s_9")
    assert own is not None
    assert found is not None
    assert (own["snapshot"], found["dataset"]) == ("s_1", "gd_1")
    assert watch_settings(CONFIG, "none") is None
