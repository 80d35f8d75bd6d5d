"""`config check` refuses a template whose message its channel could not take, however short the reason."""

from pathlib import Path

import pytest

from notifier.app.loading.load import load_config
from notifier.core.errors import ConfigurationRefused

DISCORD = "discord://1234567890/abcdefghijklmnop"
CONFIG = """\
api: {{token: 0123456789abcdef}}
channels:
  chat:
    url: {url}
    templates:
      {own}
templates:
  {general}
defaults: {{notify: [chat]}}
watches: [{{snapshot: s_1}}]
"""


def refused(folder: Path, *, url: str = DISCORD, own: str = "{}", general: str = "{}") -> list[str]:
    """The errors of a configuration with these templates."""
    path = folder / "config.yaml"
    path.write_text(CONFIG.format(url=url, own=own, general=general), encoding="utf-8")
    try:
        load_config(path)
    except ConfigurationRefused as error:
        return [f"{problem.key}: {problem.text}" for problem in error.problems]
    return []


def test_a_template_that_no_message_could_fit_is_an_error_at_its_place(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, own=f'cancelled: {{body: "{"x" * 2_010}"}}')
    assert problem.startswith("channels.chat.templates.cancelled: the message is 2,0")
    assert "and Discord takes 2,000" in problem
    assert problem.endswith("however short the reason (channel chat): shorten the template")


def test_so_is_one_for_all_channels(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, general=f'all: {{body: "{"x" * 2_010}"}}')
    assert problem.startswith("templates.all: ")


@pytest.mark.parametrize("url", ["mailto://a@example.com?to=b@example.com", "json://example.com", DISCORD])
def test_one_that_fits_once_the_reason_is_short_is_none(tmp_path: Path, url: str) -> None:
    assert refused(tmp_path, url=url, own=f'all: {{body: "{"x" * 1_500}{{{{ body }}}}"}}') == []


def test_escapes_and_lines_count(tmp_path: Path) -> None:
    assert refused(tmp_path, own=f'all: {{body: "{{{{ name }}}} {"*" * 1_600}"}}') == []
    (problem,) = refused(tmp_path, url="kodi://example.com", own='all: {body: "one\\ntwo\\nthree"}')
    assert "lines, and Kodi/XBMC shows 2" in problem
