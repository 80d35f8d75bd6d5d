"""The description of the API is complete: texts, examples, problems and access."""

import json
from typing import Any, cast

import jsonschema
import pytest

from notifier.web.api.application import routes
from notifier.web.api.examples import EXAMPLES
from notifier.web.api.openapi import document, operations
from notifier.web.api.published import published
from notifier.web.sources import WebSources

MADE: dict[str, Any] = json.loads(published())
SCHEMAS: dict[str, Any] = MADE["components"]["schemas"]
OPERATIONS = {operation["operationId"]: (method, operation) for method, operation in operations(MADE)}


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_schema_and_each_of_its_fields_has_a_text(name: str) -> None:
    schema = SCHEMAS[name]
    if "properties" in schema:
        assert schema["description"]
        assert "Attributes:" not in schema["description"]
        assert [field for field, each in schema["properties"].items() if not each.get("description")] == []


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_and_each_of_its_parameters_has_a_text(name: str) -> None:
    method, operation = OPERATIONS[name]
    assert operation["description"].endswith(".")
    assert [each["name"] for each in operation.get("parameters", ()) if not each.get("description")] == []
    assert ("304" in operation["responses"]) == (method == "get")


def test_an_operations_name_says_what_it_does() -> None:
    """They become the names of the methods of generated clients."""
    verbs = ("list", "get", "mute", "unmute", "poll", "retry", "test")
    assert [name for name in OPERATIONS if name.partition("_")[0] not in verbs] == []


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_example_is_valid(name: str) -> None:
    (example,) = SCHEMAS[name]["examples"]
    schema = {**SCHEMAS[name], "components": MADE["components"]}
    jsonschema.Draft202012Validator(schema).validate(example)


def test_every_answer_that_is_no_success_is_a_problem_by_reference() -> None:
    for _, operation in OPERATIONS.values():
        for status, each in operation["responses"].items():
            if status >= "400":
                name = each["$ref"].removeprefix("#/components/responses/")
                assert list(MADE["components"]["responses"][name]["content"]) == ["application/problem+json"]


def test_access_is_described_only_where_it_is_asked_for() -> None:
    open_to_all = document(routes(cast(WebSources, None)).routes, secured=False)
    assert "security" not in open_to_all
    assert MADE["security"] == [{"bearer": []}, {"session": []}]
    assert MADE["openapi"].startswith("3.1")
