"""Every field of a resource is described, because the API's reference prints these texts."""

import inspect
import re
from dataclasses import fields, is_dataclass

import pytest

from notifier.core import action_results, resource_pages, resource_parts, resources, watch_resources
from notifier.core.health import resources as health_resources

MODULES = (resources, resource_parts, resource_pages, watch_resources, action_results, health_resources)
RESOURCES = {
    each
    for module in MODULES
    for each in vars(module).values()
    if isinstance(each, type) and is_dataclass(each) and each.__module__ == module.__name__
}


@pytest.mark.parametrize("resource", sorted(RESOURCES, key=str))
def test_every_field_has_a_line_under_attributes(resource: type) -> None:
    _, _, attributes = inspect.cleandoc(resource.__doc__ or "").partition("Attributes:\n")
    lines = re.findall(r"^    (\w+(?:, \w+)*): \S", attributes, re.MULTILINE)
    described = [name for names in lines for name in names.split(", ")]
    assert sorted(described) == sorted(field.name for field in fields(resource))
