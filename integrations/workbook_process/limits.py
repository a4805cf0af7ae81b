"""How much may be read: the fields of `TableLimits` that concern workbooks, and the wanted sheet."""

from typing import TypedDict


class Limits(TypedDict):
    max_columns: int
    max_cell_chars: int
    max_zip_entries: int
    max_unpacked_bytes: int
    max_ratio: int
    memory_bytes: int
    cpu_seconds: int
    sheet: str | None
