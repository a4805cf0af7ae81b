"""The TypeScript client, written from the contract by `python -m contract.typescript`.

One interface for each component, one method for each operation. What speaks HTTP is written by hand, in
`web/client/src/asking.ts`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from contract.document import operations_of

OUTPUT = Path(__file__).parents[1] / "web" / "client" / "src" / "api.ts"
PLAIN = re.compile(r"[A-Za-z_$][\w$]*")
HEAD = """\
// Written by `python -m contract.typescript` from the contract. Do not change it by hand.

import { Asking, type Input, type Success } from "./asking.js";
"""
PRIMITIVES = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}
HEADERS = {"consistency-token": "consistencyToken", "if-match": "ifMatch"}

Schema = Mapping[str, Any]


def client_of(document: Mapping[str, Any]) -> str:
    """The module's text."""
    components = document["components"]["schemas"]
    types = [declaration(name, schema) for name, schema in sorted(components.items())]
    operations = [operation for _, _, operation in operations_of(document)]
    answers = [answer_type(operation) for operation in operations]
    methods = [method(name, path, told) for name, path, told in operations_of(document)]
    client = "export class Kundan extends Asking {\n" + "\n".join(methods) + "}\n"
    return "\n".join([HEAD, *types, *answers, client])


def declaration(name: str, schema: Schema) -> str:
    comment = said(schema.get("description"), indent="")
    if schema.get("type") == "object" and "properties" in schema:
        return f"{comment}export interface {name} {fields(schema)}\n"
    return f"{comment}export type {name} = {type_of(schema)};\n"


def fields(schema: Schema, indent: str = "") -> str:
    """`{ name: type; … }`, a line each."""
    required = set(schema.get("required", ()))
    lines = [
        f"{said(inner.get('description'), indent=indent + '  ')}"
        f"{indent}  {key(name)}{'' if name in required else '?'}: {type_of(inner, indent + '  ')};"
        for name, inner in schema["properties"].items()
    ]
    return "{\n" + "\n".join(lines) + f"\n{indent}}}"


def type_of(schema: Schema, indent: str = "") -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return union(type_of(one, indent) for one in schema[several])
    if isinstance(types := schema.get("type"), list):
        return union(PRIMITIVES[name] for name in types)
    return _by_type(schema, indent)


def _by_type(schema: Schema, indent: str) -> str:
    match schema.get("type"):
        case "array":
            inner = type_of(schema.get("items", {}), indent)
            return f"({inner})[]" if "|" in inner or "&" in inner else f"{inner}[]"
        case "object" if "properties" in schema:
            return fields(schema, indent)
        case "object":
            values = schema.get("additionalProperties", {})
            return (
                f"Record<string, {type_of(values if isinstance(values, Mapping) else {}, indent)}>"
            )
        case "string" if schema.get("format") == "binary" or "contentMediaType" in schema:
            return "Blob"
        case str() as name:
            return PRIMITIVES[name]
        case _:
            return "unknown"


def union(types: Iterator[str]) -> str:
    return " | ".join(dict.fromkeys(types))


def answer_type(operation: Mapping[str, Any]) -> str:
    """`export type GetOrderAnswer = Success<200, OrderShown>;`."""
    told = []
    for status, response in operation["responses"].items():
        if status < "300":
            told.append(f"Success<{status}, {body_of(response)}>")
    return f"export type {capital(operation['operationId'])}Answer = {' | '.join(told)};\n"


def body_of(response: Mapping[str, Any]) -> str:
    """What `data` is: of an envelope its data and what stands beside, of a file its bytes."""
    content = response.get("content", {})
    if not content:
        return "null"
    media, described = next(iter(content.items()))
    if media != "application/json":
        return "string" if media.startswith("text/") else "Blob"
    schema = described["schema"]
    properties = schema.get("properties", {})
    if "data" not in properties:
        return type_of(schema)
    beside = [type_of(properties[name]) for name in ("pagination", "meta") if name in properties]
    return ", ".join([type_of(properties["data"]), *beside])


def method(name: str, path: str, operation: Mapping[str, Any]) -> str:
    verb = name.partition(" ")[0]
    known = operation["operationId"]
    inputs, is_needed = input_type(operation)
    default = "" if is_needed else " = {}"
    comment = said(operation.get("description") or operation["summary"], indent="  ")
    media = "".join(operation.get("requestBody", {}).get("content", {}))
    form = ', "form"' if media == "multipart/form-data" else ""
    call = f'this.ask("{verb}", "{path}", input{form})'
    return (
        f"{comment}  {known}(input: {inputs}{default}): Promise<{capital(known)}Answer> {{\n"
        f"    return {call};\n  }}\n"
    )


def input_type(operation: Mapping[str, Any]) -> tuple[str, bool]:
    """The method's one parameter, and whether it may be left out."""
    parts: list[str] = []
    is_needed = False
    for place in ("path", "query"):
        some = [p for p in operation.get("parameters", ()) if p["in"] == place]
        if some:
            needed = any(p["required"] for p in some)
            is_needed |= needed
            parts.append(f"{place}{'' if needed else '?'}: {{ {'; '.join(map(parameter, some))} }}")
    body = operation.get("requestBody")
    if body is not None:
        needed = bool(body.get("required"))
        is_needed |= needed
        described = next(iter(body["content"].values()))
        parts.append(f"body{'' if needed else '?'}: {type_of(described['schema'])}")
    return f"Input<{{ {'; '.join(parts)} }}>" if parts else "Input", is_needed


def parameter(described: Mapping[str, Any]) -> str:
    mark = "" if described["required"] else "?"
    return f"{key(described['name'])}{mark}: {type_of(described['schema'])}"


def said(text: str | None, *, indent: str) -> str:
    """A comment, or nothing."""
    if not text:
        return ""
    lines = [line.strip().replace("*/", "*\u200b/") for line in text.strip().splitlines()]
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    middle = "\n".join(f"{indent} * {line}".rstrip() for line in lines)
    return f"{indent}/**\n{middle}\n{indent} */\n"


def key(name: str) -> str:
    return name if PLAIN.fullmatch(name) else json.dumps(name)


def capital(name: str) -> str:
    return name[0].upper() + name[1:]


def main() -> None:
    """Write the module, from an application without servers."""
    from contract.offline import document  # noqa: PLC0415 # only here: it needs the whole application

    OUTPUT.write_text(client_of(document()), encoding="utf-8")


if __name__ == "__main__":
    main()
