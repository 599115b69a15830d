"""The API's documentation shows by example what to send, and its examples are true."""

from collections.abc import Iterator
from typing import Any

import pytest

from hub.api import create_app
from hub.texts import load_texts
from kit.http import Schema

SPEC: dict[str, Any] = create_app(load_texts()).openapi()


def json_bodies() -> set[str]:
    """The schemas of request bodies, also those sent as items of a list. Uploads are files and need no example."""
    found: set[str] = set()
    for operations in SPEC["paths"].values():
        for operation in operations.values():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if body:
                found.add(body["schema"].get("items", body["schema"])["$ref"].rsplit("/", 1)[1])
    return found


def every_schema(root: type[Schema] = Schema) -> Iterator[type[Schema]]:
    for cls in root.__subclasses__():
        yield cls
        yield from every_schema(cls)


def own_examples() -> list[tuple[type[Schema], Any]]:
    found: list[tuple[type[Schema], Any]] = []
    for cls in every_schema():
        match cls.model_config.get("json_schema_extra"):
            case {"examples": [*examples]}:
                found += [(cls, example) for example in examples]
    return found


@pytest.mark.parametrize("name", sorted(json_bodies()))
def test_a_request_body_has_an_example(name: str) -> None:
    schema = SPEC["components"]["schemas"][name]
    assert "examples" in schema or any("examples" in field for field in schema["properties"].values())


@pytest.mark.parametrize(("cls", "example"), own_examples(), ids=lambda given: getattr(given, "__name__", ""))
def test_an_example_is_a_valid_one(cls: type[Schema], example: Any) -> None:
    cls.model_validate(example)


def test_every_schema_has_a_name_of_its_own() -> None:
    """Two alike are both prefixed with their modules, and whoever generated a client finds neither again."""
    alike = [name for name in SPEC["components"]["schemas"] if "__" in name and not name.startswith("Body_")]
    assert alike == []
