"""Which sheet of the workbook is read, and where in the archive it is."""

import posixpath
import zipfile

from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from integrations.workbook_process.refused import RefusedError
from integrations.workbook_process.xml_parser import safe_parser


def choose_sheet(book: CalamineWorkbook, wanted: str | None) -> tuple[str, list[str]]:
    """The wanted sheet, else the first that shows; and a warning about the ones not read."""
    sheets = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    shown = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
    names = [sheet.name for sheet in sheets] if wanted is not None else shown
    if not names:
        raise RefusedError("unreadable-file", "The workbook has no visible sheet")
    if wanted is not None and wanted not in names:
        raise RefusedError(
            "unreadable-file", f"There is no sheet {wanted!r}, only {', '.join(names[:5])}"
        )
    chosen = names[0] if wanted is None else wanted
    others = [name for name in shown if name != chosen]
    return chosen, [f"Other sheets were not read: {', '.join(others[:5])}"] if others else []


def part_of(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The path of the sheet's XML in the archive, by way of the workbook's relations."""
    names, relations = set(archive.namelist()), "xl/_rels/workbook.xml.rels"
    if relations not in names:
        return None
    ids = {
        attributes.get("name"): next((v for k, v in attributes.items() if k.endswith(":id")), "")
        for attributes in _elements(archive.read("xl/workbook.xml"), "sheet")
    }
    targets = {
        attributes.get("Id"): attributes.get("Target", "")
        for attributes in _elements(archive.read(relations), "Relationship")
    }
    path = posixpath.normpath(posixpath.join("/xl", targets.get(ids.get(sheet), ""))).lstrip("/")
    return path if path in names else None


def _elements(xml: bytes, wanted: str) -> list[dict[str, str]]:
    """The attributes of each element of this local name."""
    found: list[dict[str, str]] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == wanted:
            found.append(attributes)

    parser = safe_parser()
    parser.StartElementHandler = start
    parser.Parse(xml, True)
    return found
