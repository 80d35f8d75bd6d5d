"""Without JavaScript the pages are whole: they show everything, and forms search, turn pages and do things."""

from dataclasses import replace

import pytest
from support.page_queries import World
from support.page_server import PageServer
from support.page_world import SNAPSHOTS

from browser.conftest import Visitor

pytestmark = pytest.mark.parametrize("visitor", [{"java_script_enabled": False}], indirect=True)


def test_the_five_questions_are_answered_in_their_order(server: PageServer, visitor: Visitor) -> None:
    server.show(World())
    page = visitor.visit("/")
    headings = page.locator("h1, h2").all_inner_texts()
    assert [each.split("\n")[0].rstrip("0123456789") for each in headings] == [
        "One thing needs you",
        "Running",
        "Ended",
        "Messages",
        "Next",
        "Watches",
    ]
    page.get_by_text("What to do").wait_for()
    assert "likely done in 6 min" in page.locator("#running").inner_text()
    assert "The input has no valid url" in page.locator("#ended").inner_text()
    assert "to pipeline, 3 tries, HTTP 503" in page.locator("#messages").inner_text()
    assert "in 2 min 10 s" in page.locator("#next").inner_text()


def test_a_form_searches_and_the_address_has_all_of_it(server: PageServer, visitor: Visitor) -> None:
    server.show(World())
    page = visitor.visit("/")
    page.get_by_label("Search").fill("a")
    page.get_by_label("Status", exact=True).select_option("ended")
    page.get_by_label("Sort by").select_option("name")
    page.get_by_role("button", name="Show").click()
    assert "q=a&status=ended" in page.url
    assert page.get_by_role("table").get_by_role("row").count() > 1
    assert page.get_by_label("Search").input_value() == "a"
    page.get_by_role("link", name="Clear the filters").click()
    page.get_by_role("heading", name="Running").wait_for()


def test_the_next_page_is_a_link(server: PageServer, visitor: Visitor) -> None:
    many = [replace(SNAPSHOTS[6], watch=f"s_{number}", snapshot=f"s_{number}") for number in range(150)]
    server.show(World(snapshots=many))
    page = visitor.visit("/")
    page.get_by_role("link", name="Next page").click()
    assert "after=more" in page.url
    page.get_by_role("link", name="First page").wait_for()


def test_a_dataset_unfolds_and_leads_to_its_history(server: PageServer, visitor: Visitor) -> None:
    server.show(World())
    page = visitor.visit("/")
    page.locator("summary", has_text="Profiles").click()
    page.get_by_role("link", name="History and charts of Profiles").click()
    page.get_by_role("img", name="Records").wait_for()
    assert page.get_by_role("table").get_by_role("row").count() == 41


def test_a_button_acts_and_the_page_says_what_came_of_it(server: PageServer, visitor: Visitor) -> None:
    server.show(World())
    page = visitor.visit("/channels")
    page.get_by_role("button", name="Send a test to pipeline").click()
    page.get_by_role("status").get_by_text("The test message to pipeline was accepted").wait_for()
    page = visitor.visit("/watches/sd_m9fhqq2dz0v1t4")
    page.get_by_label("Mute for").select_option("1d")
    page.get_by_role("button", name="Mute").click()
    page.get_by_text("Muted for a day").wait_for()
    page.get_by_role("button", name="Poll now").click()
    page.get_by_role("alert").get_by_text("Not done").wait_for()


def test_an_id_is_selected_by_one_click(server: PageServer, visitor: Visitor) -> None:
    server.show(World())
    page = visitor.visit("/deliveries/42")
    assert page.locator("code.id").first.evaluate("each => getComputedStyle(each).userSelect") == "all"
    assert page.locator("button.copy:visible").count() == 0
