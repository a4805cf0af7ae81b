"""What the values alone do not tell: formulas without a value, error values, hidden rows."""

import re
from dataclasses import dataclass, field

from integrations.workbook_process.places import REFERENCE, Place, place_of
from integrations.workbook_process.xml_parser import safe_parser

NEEDS_A_SCAN = re.compile(
    rb"<(?:\w+:)?f[\s/>]|\bt=[\"']e[\"']|\bhidden=|<!DOCTYPE|\A\xff\xfe|\A\xfe\xff"
)
"""Most sheets have none of these, and are spared the second reading."""


@dataclass
class Scan:
    faults: dict[Place, tuple[str, str]] = field(default_factory=dict)
    hidden_rows: int = 0


def scan_sheet(xml: bytes) -> Scan:
    """The faults of the sheet's cells, by place, and the number of hidden rows."""
    if not NEEDS_A_SCAN.search(xml):
        return Scan()
    scanner = _Scanner()
    parser = safe_parser()
    parser.StartElementHandler = scanner.start
    parser.EndElementHandler = scanner.end
    parser.CharacterDataHandler = scanner.text
    parser.Parse(xml, True)
    return scanner.scan


class _Scanner:
    def __init__(self) -> None:
        self.scan = Scan()
        self._place: Place = (-1, -1)
        self._type = ""
        self._inside = ""
        self._has_formula = False
        self._value = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._inside = tag.rpartition(":")[2]
        if self._inside == "row":
            self._place = (int(attributes.get("r", self._place[0] + 2)) - 1, -1)
            self.scan.hidden_rows += attributes.get("hidden") in {"1", "true"}
        elif self._inside == "c":
            self._place = self._place_of(attributes.get("r", ""))
            self._type = attributes.get("t", "n")
            self._has_formula, self._value = False, ""
        elif self._inside == "f":
            self._has_formula = True

    def _place_of(self, reference: str) -> Place:
        found = REFERENCE.fullmatch(reference)
        return place_of(found) if found else (self._place[0], self._place[1] + 1)

    def text(self, data: str) -> None:
        if self._inside == "v":
            self._value += data

    def end(self, tag: str) -> None:
        self._inside = ""
        if tag.rpartition(":")[2] != "c":
            return
        if self._type == "e":
            message = f"is the error {self._value[:20] or 'value'} of a formula"
            self.scan.faults[self._place] = ("formula-error", message)
        elif self._has_formula and not self._value and self._type != "str":
            message = (
                "is a formula without a value: open the file in a spreadsheet and save it again"
            )
            self.scan.faults[self._place] = ("formula-without-value", message)
