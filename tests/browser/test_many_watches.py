"""With 100,000 watches in 20 datasets the pages stay whole: a page has 100 rows, and everything can be found."""

from pathlib import Path

import pytest
from support.many_watches import many_watches, sources_of
from support.page_server import PageServer

from browser.conftest import Visitor
from browser.test_accessibility import walked


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database, made once."""
    made = tmp_path_factory.mktemp("many") / "notifier.db"
    many_watches(made)
    return made


@pytest.fixture
def large(server: PageServer, database: Path) -> None:
    """The server shows it."""
    server.show_sources(sources_of(database))


@pytest.mark.usefixtures("large")
def test_the_overview_is_accessible_and_shows_a_hundred(visitor: Visitor) -> None:
    assert walked(visitor, "/", widths=(320,)) == []
    assert visitor.page.locator("#rows tr").count() == 100
    assert visitor.page.locator("#datasets details").count() == 20
    assert "100,000 in all" in visitor.page.locator("#counts").inner_text().replace("\n", " ")
    assert visitor.troubles == []


@pytest.mark.usefixtures("large")
def test_failures_come_first_and_the_next_page_goes_on(visitor: Visitor) -> None:
    page = visitor.visit("/")
    first = page.locator("#rows tr").first
    assert "failed" in first.inner_text()
    known = set(page.locator("#rows tr").evaluate_all("rows => rows.map(each => each.dataset.key)"))
    page.get_by_role("link", name="Next page").click()
    page.get_by_role("link", name="First page").wait_for()
    following = set(page.locator("#rows tr").evaluate_all("rows => rows.map(each => each.dataset.key)"))
    assert (len(known | following), known & following) == (200, set())


@pytest.mark.usefixtures("large")
def test_one_in_a_hundred_thousand_is_found_by_its_id(visitor: Visitor) -> None:
    page = visitor.visit("/")
    page.get_by_label("Search").fill("sd_0001869f")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("heading", name="Watches that match").wait_for()
    assert page.locator("#rows tr").count() == 1


@pytest.mark.usefixtures("large")
def test_a_dataset_of_five_thousand_has_its_page(visitor: Visitor) -> None:
    page = visitor.visit("/datasets/gd_3")
    page.get_by_role("img", name="Records").wait_for()
    assert visitor.troubles == []
