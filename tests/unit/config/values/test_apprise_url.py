"""A channel has one Apprise URL, without options that would retry or hide failures, however they are written."""

import pytest
from apprise.utils.parse import parse_urls

from notifier.channels.apprise.service import instantiate
from notifier.config.values.apprise_url import channel_url

CANARY = "canary7f3acanary7f3a"
NOT_ONE = "an Apprise URL is expected here"
TWO = "there are two URLs here"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (CANARY, NOT_ONE),
        ("://", NOT_ONE),
        (f"{CANARY} slack://x", NOT_ONE),
        (f"json://localhost/{CANARY} json://localhost", TWO),
        (f"json://localhost/{CANARY}, mailto://u:p@example.com", TWO),
        (f"json://localhost/{CANARY} 46elks://user:password@123", TWO),
        (f"json://localhost/{CANARY}?optional=yes", "remove `optional=`"),
        (f"json://localhost/{CANARY}?retry=3", "remove `retry=`"),
        (f"json://localhost/{CANARY}?a=b;WAIT=3", "remove `wait=`"),
    ],
)
def test_a_bad_url_is_refused_without_quoting_it(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        channel_url(url)
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("option", ["retry=3", "Retry=3", "%72etry=3", "retr%79=3", "optional=yes", "%6Fptional=yes"])
def test_an_option_that_apprise_reads_is_refused_in_every_spelling(option: str) -> None:
    url = f"json://localhost/?{option}"
    service = instantiate(url)
    assert service is not None
    assert service.retry or service.optional
    with pytest.raises(ValueError, match="remove"):
        channel_url(url)


@pytest.mark.parametrize("separator", [" ", ",", ", ", "\t", " ; "])
def test_what_apprise_reads_as_two_urls_is_refused(separator: str) -> None:
    url = f"json://localhost/a{separator}46elks://user:password@123"
    assert len(parse_urls(url)) > 1  # type: ignore[no-untyped-call]
    with pytest.raises(ValueError, match=r"two URLs|line break or a control"):
        channel_url(url)
