"""Files: objects that are stored, forms that bring them, tables of rows."""

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.import_rules.problems import RowProblem
from domain.import_rules.table import TableLimits, TableReading


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    key: str
    size: int
    content_type: str
    modified: datetime
    """When it was last written, by the clock of the store."""


@dataclass(frozen=True, kw_only=True)
class DirectUpload:
    """What a browser needs to bring one file past us: a POST of these fields, and the file last."""

    url: str
    fields: Mapping[str, str]
    key: str
    expires_at: datetime


class ObjectStore(Protocol):
    async def put(self, key: str, data: bytes, *, content_type: str) -> None: ...

    async def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        """Raises NotFound, and TooLarge before anything is read of one that has more bytes."""

    async def delete(self, key: str) -> None:
        """With every version of it. Repeating it changes nothing."""

    async def delete_old(self, key: str, *, before: datetime) -> bool:
        """Delete it unless it was written at `before` or later; whether it is gone by now."""

    async def exists(self, key: str) -> bool: ...

    def list(self, prefix: str, *, after: str = "") -> AsyncGenerator[StoredObject, None]:
        """In the store's own order, from behind the key `after`, which need not exist any more."""

    def signed_url(self, key: str, *, seconds: int = 300) -> str:
        """A URL that anybody may read for so long, and not longer."""

    def presigned_post(
        self, key: str, *, content_type: str, max_bytes: int, seconds: int = 300
    ) -> DirectUpload:
        """Let anybody who has it store this one key, of this type, with one to `max_bytes` bytes.

        The store itself refuses everything else, over HTTP. Nothing of it is true of the bytes but
        their number: look at them before they are believed.
        """


class Tables(Protocol):
    """Files of rows. Every method blocks: call it away from the event loop."""

    def read_table(
        self,
        source: bytes,
        *,
        file_name: str = "",
        limits: TableLimits | None = None,
        sheet: str | None = None,
    ) -> TableReading:
        """Raises TableRefused, now or while the rows are read."""

    def errors_csv(
        self,
        names: Sequence[str],
        failures: Iterable[tuple[Sequence[str], Sequence[RowProblem]]],
    ) -> Iterator[bytes]:
        """The rows that failed and what was wrong, safe to open in a spreadsheet."""
