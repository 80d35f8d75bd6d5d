"""The commented configuration that `notifier init` writes. The repository's config.example.yaml is the same text."""

from importlib.resources import files

INITIAL: str = files("notifier.config").joinpath("initial.yaml").read_text("utf-8")
"""It loads as it is once BRIGHTDATA_API_KEY and SLACK_URL are set; its examples stand behind `#`."""
