"""The zip around a workbook, looked at before anything is unpacked."""

import zipfile

from integrations.workbook_process.limits import Limits
from integrations.workbook_process.refused import RefusedError

SMALL_PART_BYTES = 1 << 16
"""Below this, a high ratio of compression is only repetition, not a bomb."""


def check_archive(archive: zipfile.ZipFile, limits: Limits) -> None:
    """Raise RefusedError for what is no plain workbook, or would unpack to too much."""
    parts = archive.infolist()
    if len(parts) > limits["max_zip_entries"]:
        raise RefusedError("unreadable-file", "The workbook has too many parts")
    _check_kind({part.filename for part in parts})
    for part in parts:
        _check_part(part, limits["max_ratio"])
    if sum(part.file_size for part in parts) > limits["max_unpacked_bytes"]:
        raise RefusedError("file-too-large", "The workbook is too large when unpacked")


def _check_kind(names: set[str]) -> None:
    if any("vbaproject" in name.lower() for name in names):
        raise RefusedError(
            "unsupported-file-type", "Workbooks with macros are not read: save it as .xlsx"
        )
    if not {"[Content_Types].xml", "xl/workbook.xml"} <= names:
        raise RefusedError(
            "unsupported-file-type", "The archive is no XLSX workbook; CSV and XLSX are read"
        )


def _check_part(part: zipfile.ZipInfo, max_ratio: int) -> None:
    if part.flag_bits & 1:
        raise RefusedError(
            "unreadable-file", "The workbook is encrypted: save it without a password"
        )
    if part.filename.startswith("/") or "\\" in part.filename or ".." in part.filename.split("/"):
        raise RefusedError("unreadable-file", "The workbook has a part outside itself")
    if part.file_size > max(SMALL_PART_BYTES, max_ratio * part.compress_size):
        raise RefusedError("file-too-large", "The workbook unpacks to far more than it should")
