"""Whether hints can arrive, and who is told of what they adopt, is checked where the configuration is loaded."""

from collections.abc import Callable

import pytest

from notifier.config.model import Config

Loader = Callable[..., Config]
Refusal = Callable[..., list[str]]

SECRET = "h00k-s3cret-0123456789abcdef"
HOOKS = f"hooks: {{secret: {SECRET}}}\n"
URL = "http: {public_url: 'https://notifier.example.com'}\n"


def test_hints_that_can_arrive_are_not_warned_of(loaded: Loader, root: str) -> None:
    assert not loaded(root + URL + HOOKS).warnings


@pytest.mark.parametrize(
    ("lines", "warning"),
    [
        ("http: off\n" + HOOKS, "hooks: nothing takes the hints, because `http:` is off"),
        (HOOKS, "hooks: `notifier trigger` does not ask Bright Data for hints, because it does not know the address"),
        ("http: {public_url: 'http://[::1]:80'}\n", "http.public_url: only this machine reaches this address"),
        ("http: {public_url: 'https://a.localhost'}\n", "http.public_url: only this machine reaches this address"),
        ("http: {public_url: 'http://example.com'}\n", "http.public_url: over http:// everybody on the way reads"),
    ],
)
def test_what_keeps_a_hint_from_arriving_safely_is_warned_of(
    loaded: Loader, root: str, lines: str, warning: str
) -> None:
    (found,) = loaded(root + lines).warnings
    assert warning in str(found)


def test_adopted_snapshots_need_a_channel(loaded: Loader, refused: Refusal, root: str) -> None:
    (error,) = refused(root + f"hooks: {{secret: {SECRET}, adopt: true}}\n")
    assert error.startswith(
        "config.yaml:3:54: hooks.adopt: adopted snapshots notify no channel: add `notify: [CHANNEL]`"
    )
    assert loaded(root + f"hooks: {{secret: {SECRET}, adopt: true, notify: team}}\n").adopting.notify == ("team",)
    assert loaded(root + f"defaults: {{notify: ops}}\nhooks: {{secret: {SECRET}, adopt: true}}\n").adopting.notify == (
        "ops",
    )


def test_no_watch_has_the_id_of_adopted_snapshots(refused: Refusal, root: str) -> None:
    (error,) = refused(root + "watches: [{snapshot: s_1, id: hooks, notify: team}]\n")
    assert error.startswith("config.yaml:3:31: watches[0].id: `hooks` stands for the snapshots that `hooks: adopt`")


def test_the_secret_is_never_shown(loaded: Loader, root: str) -> None:
    config = loaded(root + f"hooks: {{secret: [{SECRET}, {SECRET[::-1]}]}}\n")
    assert config.hooks is not None
    assert config.hooks.secrets == (SECRET, SECRET[::-1])
    assert {SECRET, SECRET[::-1]} <= config.secrets
    assert SECRET not in repr(config)
