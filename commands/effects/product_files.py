"""Product files are opened, and the products that their rows mean are found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from commands.decisions.importing import claimed_as, snapshots
from dependencies.services import Services
from domain.catalogue import Product
from domain.claims import Claim, claim_id
from domain.import_rules import (
    ProductSnapshot,
    ReadRow,
    TableRefused,
    read_header,
    read_rows,
)
from domain.import_rules.table import TableReading


@dataclass
class OpenTable:
    """A file with its header understood; `rows` are drafts or problems."""

    reading: TableReading
    rows: Iterator[ReadRow]
    header_warnings: tuple[str, ...]

    def warnings(self) -> list[str]:
        """Complete once the rows are exhausted."""
        return [*self.header_warnings, *self.reading.warnings]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.reading.close()


def opened(data: bytes, file_name: str, services: Services) -> OpenTable:
    """Raise TableRefused when the file or its header cannot be read. Blocks: call it in a thread."""
    reading = services.tables.read_table(data, file_name=file_name)
    try:
        header = read_header(reading.header.cells)
    except TableRefused:
        reading.close()
        raise
    return OpenTable(reading, read_rows(header, reading.rows), header.warnings)


async def existing_products(
    rows: Sequence[ReadRow], services: Services
) -> dict[str, ProductSnapshot]:
    """The products that these rows mean, by key, as their streams say; for a check without commits."""
    names = {
        row.draft.key: claim_id(*claimed_as(row.draft.key), services.keyring.claims)
        for row in rows
        if row.draft is not None
    }
    claims = await services.store.load_many(Claim, list(names.values()))
    owners = {key: claims[name].owner for key, name in names.items() if name in claims}
    products = await services.store.load_many(Product, [o for o in owners.values() if o])
    return snapshots(owners, products)
