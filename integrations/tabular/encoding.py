"""Which encoding a text file is in: what its byte order mark says, else strict UTF-8, else a guess that
is reported, because a wrong guess spares the prices but spoils the names.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from charset_normalizer import from_bytes

from domain.import_rules.problems import UnreadableTable

CHUNK_BYTES = 1 << 16
SAMPLE_BYTES = 1 << 18

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""In this order: the mark of UTF-32 begins with the one of UTF-16."""

CONTROL = re.compile(r"[\x01-\x08\x0e-\x19\x1b-\x1f\x7f-\x9f]")
FOREIGN_WORD = re.compile(r"[^\s,;|\"]*[^\x00-\x7f][^,;|\"\r\n]{0,30}")


@dataclass(frozen=True)
class Encoding:
    name: str
    warning: str | None = None


def encoding_of(file: BinaryIO) -> Encoding:
    """Read the whole file once, to be sure. Raise UnreadableTable `unsupported-encoding`."""
    head = file.read(4)
    for mark, name in MARKS:
        if head.startswith(mark):
            if _decodes(file, name):
                return Encoding(name)
            raise _unsupported("The file is damaged: it is not the Unicode text that it says it is")
    if _decodes(file, "utf-8"):
        return Encoding("utf-8")
    return _guessed(file)


def _guessed(file: BinaryIO) -> Encoding:
    """Windows-1252 is what Excel writes in most of the world; other guesses need better evidence."""
    file.seek(0)
    sample = file.read(SAMPLE_BYTES)
    best = from_bytes(sample).best()
    for name in ("cp1252", best.encoding if best else "cp1252"):
        if _decodes(file, name) and not CONTROL.search(sample.decode(name, errors="ignore")):
            return Encoding(name, _warning(name, sample))
    raise _unsupported("The file's encoding is not known: save it as CSV UTF-8")


def _warning(name: str, sample: bytes) -> str:
    words = [
        found[0].strip() for found in FOREIGN_WORD.finditer(sample.decode(name, errors="ignore"))
    ]
    return f"The file is not UTF-8 and was read as {name}; check: {', '.join(words[:3])}"


def _decodes(file: BinaryIO, name: str) -> bool:
    try:
        for text in _decoded(file, name):
            if "\0" in text:
                raise _unsupported("The file contains NUL characters: save it as CSV UTF-8")
    except UnicodeDecodeError:
        return False
    return True


def _decoded(file: BinaryIO, name: str) -> Iterator[str]:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(name)("strict")
    while chunk := file.read(CHUNK_BYTES):
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _unsupported(detail: str) -> UnreadableTable:
    return UnreadableTable(detail, code="unsupported-encoding")
