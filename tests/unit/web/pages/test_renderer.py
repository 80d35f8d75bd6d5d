"""Templates are compiled ahead: all of them, so that no first page waits."""

import pytest

from notifier.web.pages.renderer import TEMPLATES, Renderer


def test_after_compiling_no_template_is_read_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = Renderer()
    renderer.compile()
    loader = renderer._environment.loader
    assert loader is not None
    monkeypatch.setattr(loader, "get_source", None)
    for path in TEMPLATES.glob("*.html"):
        renderer._environment.get_template(path.name)
