"""The commented configuration that `notifier init` writes, the same as config.example.yaml of the repository."""

from importlib.resources import files

INITIAL: str = files("notifier.config").joinpath("initial.yaml").read_text("utf-8")
"""Valid as it is once BRIGHTDATA_API_KEY and SLACK_URL are set; its examples are comments."""
