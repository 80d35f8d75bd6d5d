"""A channel is called what people call it, also when its URL is the address that the service gave out."""

import pytest

from notifier.core.delivery.services import service_of


@pytest.mark.parametrize(
    ("url", "service"),
    [
        ("https://hooks.slack.com/services/T/B/x", "slack"),
        ("HTTPS://HOOKS.SLACK.COM:443/services/T/B/x", "slack"),
        ("https://discord.com/api/webhooks/1/x", "discord"),
        ("https://prod-1.westeurope.logic.azure.com:443/workflows/x?sig=y", "workflows"),
        ("https://acme.webhook.office.com/webhookb2/x", "msteams"),
        ("slack://a/b/c", "slack"),
        ("mailtos://user:password@example.com", "mailtos"),
        ("https://example.com/hooks.slack.com", "https"),
        ("https://hooks.slack.com.example.com/", "https"),
        ("https://user@discord.com/", "discord"),
        ("unset://SLACK_URL", "unset"),
    ],
)
def test_a_url_is_called_by_its_service(url: str, service: str) -> None:
    assert service_of(url) == service
