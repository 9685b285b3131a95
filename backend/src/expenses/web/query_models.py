"""What the OpenAPI document says of a model that a route reads from the address by itself."""

from typing import Any

from pydantic import BaseModel


def describe_query(model: type[BaseModel]) -> dict[str, Any]:
    """For the route's `openapi_extra`."""
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    return {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", ()),
                "schema": _in_an_address(_inlined(parameter, definitions)),
            }
            for name, parameter in schema["properties"].items()
        ]
    }


def _in_an_address(schema: dict[str, Any]) -> dict[str, Any]:
    """There is no null: what is empty counts as left out, as a form sends it."""
    if "anyOf" not in schema:
        return schema
    empty = {"type": "string", "maxLength": 0}
    kinds = [empty if kind == {"type": "null"} else kind for kind in schema["anyOf"]]
    return {name: value for name, value in schema.items() if name != "default"} | {"anyOf": kinds}


def _inlined(part: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(part, list):
        return [_inlined(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    reference = part.get("$ref")
    if reference is not None:
        return _inlined(definitions[reference.rpartition("/")[2]], definitions)
    return {name: _inlined(value, definitions) for name, value in part.items()}
