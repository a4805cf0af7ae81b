"""The file behind a table, and what its first bytes say it is."""

import tempfile
from pathlib import Path
from typing import BinaryIO, Literal, cast

from domain.import_rules.problems import TableTooLarge, UnreadableTable, UnsupportedTable
from domain.import_rules.table import MIB, TableLimits

ZIP = b"PK"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
NO_TABLES = {
    b"%PDF": "a PDF", b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"GIF8": "a picture",
    b"\x1f\x8b": "a gzip archive", b"7z\xbc\xaf": "a 7z archive", b"Rar!": "a RAR archive",
    b"MZ": "a program", b"\x7fELF": "a program", b"{\\rtf": "an RTF document",
    b"<html": "a web page", b"<!doctype": "a web page", b"<?xml": "an XML document",
    b"<table": "a web page",
}  # fmt: skip


def open_source(source: Path | bytes, limits: TableLimits) -> BinaryIO:
    """A real file, because a reading process inherits it. Raise TableTooLarge or UnreadableTable."""
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if size > limits.max_bytes:
        raise TableTooLarge(f"The file is larger than {limits.max_bytes / MIB:.0f} MB")
    if size == 0:
        raise UnreadableTable("The file is empty")
    if isinstance(source, Path):
        return source.open("rb")
    file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - the reading closes it
    file.write(source)
    file.seek(0)
    return file


def format_of(file: BinaryIO) -> Literal["csv", "xlsx"]:
    """Raise UnsupportedTable for what is certainly no table. A zip is xlsx until its contents differ."""
    head = file.read(64)
    file.seek(0)
    if head.startswith(OLE):
        raise UnsupportedTable(
            "An old or password-protected workbook: save it as .xlsx, open to all"
        )
    if head.startswith(ZIP):
        return "xlsx"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for magic, kind in NO_TABLES.items():
        if start.startswith(magic.lower()):
            raise UnsupportedTable(f"The file is {kind}; CSV and XLSX files are read")
    return "csv"
