"""Every answer that tests get over HTTP is held to the contract: a status, a field or a type that it does not
describe fails the test that got it.

`pytest --record-examples tests/commands tests/queries tests/test_main.py` writes `contract/examples.json`
anew, of real requests and answers.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import httpx
import jsonschema_rs
import pytest
from fastapi import FastAPI

from contract.document import EXAMPLES, describe, operations_of

PARAMETER = re.compile(r"\\{(\w+)\\}")
DEEP = frozenset({"key"})
"""Parameters that may hold slashes."""
NOT_OURS = frozenset({405})
"""The framework's own answers, to what is no operation at all."""


SECRET = {"accessToken": "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl", "refreshToken": "65f0….rt.1…"}
SIGNED = re.compile(r"(expires|signature)=[^&]+")
MOST_CHARACTERS = 6_000
"""Of an example."""


class Contract:
    """Also keeps the first telling answer of each operation, as an example."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._operations = [
            (method_and_path.split(" ")[0], pattern_of(path), operation)
            for method_and_path, path, operation in operations_of(document)
        ]
        self._operations.sort(key=lambda one: one[1].pattern.count("("))  # the plain ones first
        self._validators: dict[tuple[str, str], Any] = {}
        self.examples: dict[str, dict[str, Any]] = {}

    def breach(self, response: httpx.Response) -> str | None:
        """Why an answer does not keep the contract."""
        request = response.request
        operation = self.operation(request.method, request.url.path)
        if operation is None or response.status_code in NOT_OURS:
            return None
        told = f"{operation['operationId']} answers {response.status_code}"
        described = operation["responses"].get(str(response.status_code))
        if described is None:
            return f"{told}, which its contract does not know: {response.text[:300]}"
        media = response.headers.get("content-type", "").partition(";")[0]
        content = described.get("content", {})
        if not content:
            return None if not response.content else f"{told} with a body"
        if media in content and media.endswith("json"):
            fault = self._fault(operation, response, content[media]["schema"])
            if fault is None and response.is_success:
                self._keep(operation["operationId"], response)
            return None if fault is None else f"{told}: {fault}"
        is_file = not any(name.endswith("json") for name in content)
        return None if media in content or is_file else f"{told} as {media or 'nothing'}"

    def operation(self, method: str, path: str) -> Mapping[str, Any] | None:
        for known, pattern, operation in self._operations:
            if known == method and pattern.fullmatch(path):
                return operation
        return None

    def _keep(self, name: str, response: httpx.Response) -> None:
        """The longest of a bearable length: an empty list tells nothing."""
        status, answer = str(response.status_code), without_secrets(response.json())
        kept = self.examples.setdefault(name, {"answers": {}})
        before = json.dumps(kept["answers"].get(status, ""))
        if len(before) < len(json.dumps(answer)) < MOST_CHARACTERS:
            kept["answers"][status] = answer
            is_json = response.request.headers.get("content-type") == "application/json"
            if is_json and response.request.content:
                kept["body"] = without_secrets(json.loads(response.request.content))

    def fault_of(self, name: str, status: str, answer: Any) -> str | None:
        """Why an answer would not fit."""
        [operation] = [o for _, _, o in self._operations if o["operationId"] == name]
        schema = operation["responses"][status]["content"]["application/json"]["schema"]
        response = httpx.Response(int(status), json=answer)
        return self._fault(operation, response, schema)

    def _fault(
        self, operation: Mapping[str, Any], response: httpx.Response, schema: Mapping[str, Any]
    ) -> str | None:
        key = (operation["operationId"], str(response.status_code))
        if key not in self._validators:
            whole = {**schema, "components": self._document["components"]}
            self._validators[key] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        for error in self._validators[key].iter_errors(response.json()):
            return f"{'.'.join(map(str, error.instance_path))}: {error.message[:500]}"
        return None


def without_secrets(told: Any) -> Any:
    if isinstance(told, Mapping):
        return {name: SECRET.get(name) or without_secrets(inner) for name, inner in told.items()}
    if isinstance(told, list):
        return [without_secrets(one) for one in told]
    return SIGNED.sub(r"\1=…", told) if isinstance(told, str) else told


def pattern_of(path: str) -> re.Pattern[str]:
    def piece(match: re.Match[str]) -> str:
        return "(.+)" if match[1] in DEEP else "([^/]+)"

    return re.compile(PARAMETER.sub(piece, re.escape(path)))


_known: list[Contract] = []


def contract_of(app: FastAPI) -> Contract:
    """One for all tests: they all have the same application."""
    if not _known:
        _known.append(Contract(describe(app, strict=True)))
    return _known[0]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record-examples", action="store_true", help="write the contract's examples")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.getoption("--record-examples") and _known:
        examples = dict(sorted(_known[0].examples.items()))
        EXAMPLES.write_text(json.dumps(examples, indent=1, ensure_ascii=False) + "\n", "utf-8")
