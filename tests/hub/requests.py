"""A request for each operation of the API, made from its own description: examples for bodies, ids of a given place."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
# A file that is a table of nothing: what an upload is tried with.
A_FILE = ("empty.csv", b"", "text/csv")
OF_FORMAT = {
    "uuid": "00000000-0000-7000-8000-000000000000", "date-time": "2026-11-22T08:00:00Z", "date": "2026-11-22",
}  # fmt: skip


@dataclass(frozen=True)
class Operation:
    """`name` is how the tables call it: `GET /api/v1/people/{person_id}`."""

    method: str
    path: str
    about: Mapping[str, Any]
    spec: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def path_parameters(self) -> list[str]:
        return [one["name"] for one in self._parameters("path")]

    @property
    def query_parameters(self) -> list[str]:
        return [one["name"] for one in self._parameters("query")]

    def arguments(self, ids: Mapping[str, Any], *, query: tuple[str, ...] = ()) -> dict[str, Any]:
        """What `httpx` is to send: ids by the name of their parameter, everything else an example of its type.

        `query`: optional parameters to send as well.
        """
        path = self.path
        for parameter in self._parameters("path"):
            path = path.replace(f"{{{parameter['name']}}}", str(self._value(parameter, ids)))
        wanted = [one for one in self._parameters("query") if one.get("required") or one["name"] in query]
        sent: dict[str, Any] = {"method": self.method.upper(), "url": path}
        sent["params"] = {one["name"]: self._value(one, ids) for one in wanted}
        content = self.about.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            sent["json"] = self._body(content["application/json"]["schema"], ids)
        elif "multipart/form-data" in content:
            sent["files"] = {"file": A_FILE}
        return sent

    def _parameters(self, place: str) -> list[Mapping[str, Any]]:
        return [one for one in self.about.get("parameters", []) if one["in"] == place]

    def _value(self, parameter: Mapping[str, Any], ids: Mapping[str, Any]) -> Any:
        if parameter["name"] in ids:
            return ids[parameter["name"]]
        return self._example(parameter["schema"])

    def _example(self, schema: Mapping[str, Any]) -> Any:
        if "$ref" in schema:
            schema = self.spec["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        if schema.get("examples"):
            return copy.deepcopy(schema["examples"][0])
        if "anyOf" in schema:
            return self._example(schema["anyOf"][0])
        if "enum" in schema:
            return schema["enum"][0]
        match schema.get("type"):
            case "object":
                wanted = schema.get("required", [])
                shown = {name: one for name, one in schema.get("properties", {}).items() if "examples" in one}
                return {name: self._example(schema["properties"][name]) for name in {*wanted, *shown}}
            case "array":
                return [self._example(schema["items"])]
            case "integer" | "number":
                return schema.get("minimum", 1)
            case "boolean":
                return False
            case _:
                return OF_FORMAT.get(schema.get("format", ""), "x" * max(1, schema.get("minLength", 1)))

    def _body(self, schema: Mapping[str, Any], ids: Mapping[str, Any]) -> Any:
        """The example, with what is known in its place, and of that site where it may be of one."""
        body = self._placed(self._example(schema), ids)
        named = self.spec["components"]["schemas"].get(schema.get("$ref", "").rsplit("/", 1)[-1], {})
        if isinstance(body, dict) and "site_id" in ids and "site_id" in named.get("properties", {}):
            body.setdefault("site_id", ids["site_id"])
        return body

    def _placed(self, body: Any, ids: Mapping[str, Any]) -> Any:
        """The body with every id that is known replaced."""
        match body:
            case dict():
                return {name: self._put(name, value, ids) for name, value in body.items()}
            case list():
                return [self._placed(one, ids) for one in body]
            case _:
                return body

    def _put(self, name: str, value: Any, ids: Mapping[str, Any]) -> Any:
        """The value of a field: an id, or a list of one, where such a thing is known."""
        if isinstance(value, list) and name.removesuffix("s") in ids:
            return [ids[name.removesuffix("s")]]
        is_meant = name in ids and (value is not None or name == "site_id")
        return ids[name] if is_meant else self._placed(value, ids)


def operations(spec: Mapping[str, Any]) -> Iterator[Operation]:
    """Every operation of the API, in the order of the description."""
    for path, item in spec["paths"].items():
        for method in METHODS:
            if method in item:
                yield Operation(method, path, item[method], spec)
