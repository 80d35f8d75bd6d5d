"""The service of an Apprise URL: by its scheme, or by the host of an address that the service itself gives out."""

import re

_BY_HOST = {
    "hooks.slack.com": "slack",
    "discord.com": "discord",
    "discordapp.com": "discord",
    "webhook.office.com": "msteams",
    "outlook.office.com": "msteams",
    "logic.azure.com": "workflows",
    "api.powerplatform.com": "workflows",
    "api.telegram.org": "tgram",
    "chat.googleapis.com": "gchat",
    "open.feishu.cn": "feishu",
    "open.larksuite.com": "lark",
    "qyapi.weixin.qq.com": "wecombot",
    "maker.ifttt.com": "ifttt",
    "webexapis.com": "webex",
    "api.flock.com": "flock",
    "guilded.gg": "guilded",
    "alert.victorops.com": "splunk",
    "inbots.zoom.us": "zoom",
}
"""The service that gives out addresses on a host or its subdomains."""

_HOST = re.compile(r"https?://(?:[^/?#@]*@)?([^/?#:@]+)", re.IGNORECASE)


def service_of(url: str) -> str:
    """Return the service's scheme in Apprise: the URL's own, unless its host belongs to a service."""
    found = _HOST.match(url)
    if found is not None:
        host = found[1].lower().rstrip(".")
        for name, service in _BY_HOST.items():
            if host == name or host.endswith(f".{name}"):
                return service
    return url.partition("://")[0].lower()
