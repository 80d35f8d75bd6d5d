"""Reads a configuration with the checks that only other rooms can make, for all who need one."""

import os
from pathlib import Path

from notifier.config.load import load
from notifier.config.model import Config


def load_config(path: Path, *, secrets_needed: bool = True) -> Config:
    """Read and check a configuration as the daemon would.

    Args:
        path: the main file.
        secrets_needed: whether the token and the channels will be used. Commands that only read the database are
            run by people who have neither the service's credentials nor its environment; for them an unset variable
            is no error, and channel URLs are not tried.

    Raises:
        ConfigurationRefused: with all its errors.
    """
    if not secrets_needed:
        return load(path, environ=os.environ, check_url=lambda _: None, secrets_needed=False)
    from notifier.channels.apprise_channel import check_url
    from notifier.channels.webhook import check_webhook_url
    from notifier.templates.render import check_template

    return load(
        path,
        environ=os.environ,
        check_url=check_url,
        check_template=check_template,
        check_webhook=lambda url, private: check_webhook_url(url, allow_private=private),
    )
