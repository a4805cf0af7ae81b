"""Places in a sheet: (row, column), both from 0; a person calls (8, 1) B9."""

import re
from typing import TypeAlias

Place: TypeAlias = tuple[int, int]

REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


def place_of(reference: re.Match[str]) -> Place:
    column = 0
    for letter in reference[1]:
        column = column * 26 + ord(letter) - 64
    return int(reference[2]) - 1, column - 1


def name_of(at: Place) -> str:
    letters, column = "", at[1] + 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{at[0] + 1}"
