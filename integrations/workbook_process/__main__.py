"""Standard input is the file, the only argument a JSON object of limits. Standard output is a JSON value a
line: `{"sheet", "warnings"}` once, then `[row number, cells, faults]` for each row that is not blank,
then `{"end"}`; or `{"refused": [code, message]}`.
"""

import json
import resource
import sys
import zipfile
from collections.abc import Iterator
from typing import BinaryIO
from xml.parsers import expat

from python_calamine import CalamineError, CalamineWorkbook

from integrations.workbook_process.archive import check_archive
from integrations.workbook_process.limits import Limits
from integrations.workbook_process.refused import RefusedError
from integrations.workbook_process.rows import sheet_rows
from integrations.workbook_process.scan import Scan, scan_sheet
from integrations.workbook_process.sheets import choose_sheet, part_of

COMPLAINT_BYTES = 1 << 16
"""So much may be written to files: only standard error is one."""


def messages(file: BinaryIO, limits: Limits) -> Iterator[object]:
    """All that this process says about the file."""
    try:
        yield from _told(file, limits)
    except RefusedError as refused:
        yield {"refused": [refused.code, str(refused)]}
    except (CalamineError, zipfile.BadZipFile, expat.ExpatError) as e:
        yield {"refused": ["unreadable-file", f"The workbook is damaged: {str(e)[:100]}"]}


def _told(file: BinaryIO, limits: Limits) -> Iterator[object]:
    with zipfile.ZipFile(file) as archive:
        check_archive(archive, limits)
        file.seek(0)
        with CalamineWorkbook.from_filelike(file) as book:
            name, warnings = choose_sheet(book, limits["sheet"])
            part = part_of(archive, name)
            scan = scan_sheet(archive.read(part)) if part else Scan()
            if scan.hidden_rows:
                warnings.append(f"Hidden rows were read as well: {scan.hidden_rows}")
            yield {"sheet": name, "warnings": warnings}
            yield from sheet_rows(book.get_sheet_by_name(name), scan, limits)
    yield {"end": True}


def restrict(limits: Limits) -> None:
    """From here on, too much memory ends in an abort and too much time in a signal."""
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (limits["memory_bytes"],) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_seconds"], limits["cpu_seconds"] + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (COMPLAINT_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    limits = json.loads(sys.argv[1])
    restrict(limits)
    with open(0, "rb", closefd=False) as file:
        for message in messages(file, limits):
            sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
