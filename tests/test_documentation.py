"""What the documentation names is there, and every setting does something."""

import re
from pathlib import Path

import pytest

from settings import Settings

ROOT = Path(__file__).parents[1]
NOT_THE_PRODUCT = {"tests", "benchmarks", ".venv", ".models", "web"}
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")
NAMED = re.compile(r"`([\w.][\w./-]*\.(?:py|toml|yml|csv|json|md|lock|ts)|[\w.][\w./-]*/)`")
MADE_AT_RUN_TIME = re.compile(
    r"\.data/|\.venv/|\.models/|^(photos|overlays|results|imports|incoming)/"
)


def product() -> str:
    files = (
        file
        for file in ROOT.rglob("*.py")
        if file.relative_to(ROOT).parts[0] not in NOT_THE_PRODUCT
    )
    return "\n".join(file.read_text("utf-8") for file in files)


def test_every_setting_is_read_somewhere() -> None:
    code = product()
    unread = [
        name
        for name in Settings.model_fields
        if not re.search(rf"(settings|given|self)\.{name}\b", code)
    ]
    assert unread == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_file_that_a_document_names_is_there(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    files = {f"/{file.relative_to(ROOT)}" for file in ROOT.rglob("*") if ".venv" not in file.parts}
    missing = [
        path
        for path in NAMED.findall(text)
        if not MADE_AT_RUN_TIME.search(path)
        and not any(file.endswith(f"/{path.strip('/')}") for file in files)
    ]
    assert missing == []
