"""Imports of products: started with a file, carried out in chunks, finished, failed or cancelled.

Each chunk's commit holds its products and the import's progress together, so a crash loses nothing and
repeats nothing.

Event topics and fields are a storage format: change them only by adding.
"""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from domain.errors import NotFound, RuleViolation
from domain.import_rules.plan import OnDuplicate
from domain.import_rules.problems import RowProblem
from domain.kernel import AggregateRoot, DomainEvent, InitialEvent, ValueObject, applies
from domain.values import ImportId, UserId

MAX_PROBLEMS = 1_000
"""So many are told in full; beyond them the rows are only counted."""


class ImportStatus(StrEnum):
    PROCESSING = "processing"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Counts(ValueObject):
    """How many rows came to what."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0

    @property
    def rows(self) -> int:
        return self.created + self.updated + self.unchanged + self.skipped + self.failed

    def plus(self, other: "Counts") -> "Counts":
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in COUNTED})


COUNTED = tuple(Counts.model_fields)


class ImportStarted(InitialEvent):
    TOPIC: ClassVar[str] = "ImportStarted"
    user_id: UserId
    file_name: str
    file_size: int
    sha256: str
    key: str
    """Where the file lies in the object store; empty when it could not be read at all."""
    on_duplicate: OnDuplicate = "skip"
    started_at: datetime


class ImportProgressed(DomainEvent):
    TOPIC: ClassVar[str] = "ImportProgressed"
    through_row: int
    """As a spreadsheet numbers rows: the header is 1."""
    counts: Counts
    problems: tuple[RowProblem, ...] = ()


class ImportFinished(DomainEvent):
    TOPIC: ClassVar[str] = "ImportFinished"
    status: ImportStatus
    counts: Counts
    warnings: tuple[str, ...] = ()
    processing_ms: int


class ImportFailed(DomainEvent):
    """The file as a whole could not be read."""

    TOPIC: ClassVar[str] = "ImportFailed"
    code: str
    reason: str
    processing_ms: int


class ImportCancelled(DomainEvent):
    TOPIC: ClassVar[str] = "ImportCancelled"


class Import(AggregateRoot):
    TOPIC: ClassVar[str] = "Import"
    CATEGORY: ClassVar[str] = "import"

    @classmethod
    def begin(
        cls,
        import_id: ImportId,
        *,
        user_id: UserId,
        file_name: str,
        file_size: int,
        sha256: str,
        key: str,
        on_duplicate: OnDuplicate,
        now: datetime,
    ) -> Self:
        return cls.start(
            import_id,
            ImportStarted,
            user_id=user_id,
            file_name=file_name,
            file_size=file_size,
            sha256=sha256,
            key=key,
            on_duplicate=on_duplicate,
            started_at=now,
        )

    def must_belong_to(self, user_id: UserId) -> None:
        if self.user_id != user_id:
            raise NotFound("there is no such import")

    def progress(
        self, *, through_row: int, counts: Counts, problems: tuple[RowProblem, ...]
    ) -> None:
        """Rows up to this one are done. What was done before is not done again."""
        if self.status is not ImportStatus.PROCESSING or through_row <= self.through_row:
            return
        room = max(0, MAX_PROBLEMS - self.problems)
        self.record(
            ImportProgressed, through_row=through_row, counts=counts, problems=problems[:room]
        )

    def finish(self, *, warnings: tuple[str, ...], now: datetime) -> None:
        if self.status is ImportStatus.PROCESSING:
            self.record(
                ImportFinished,
                status=_status(self.counts),
                counts=self.counts,
                warnings=warnings,
                processing_ms=self._milliseconds(now),
            )

    def fail(self, *, code: str, reason: str, now: datetime) -> None:
        if self.status is ImportStatus.PROCESSING:
            self.record(
                ImportFailed, code=code, reason=reason, processing_ms=self._milliseconds(now)
            )

    def cancel(self) -> None:
        """Raise RuleViolation when it has ended: what is imported stays imported."""
        if self.status is ImportStatus.CANCELLED:
            return
        if self.status is not ImportStatus.PROCESSING:
            raise RuleViolation(f"the import has {self.status} already", code="import-ended")
        self.record(ImportCancelled)

    def _milliseconds(self, now: datetime) -> int:
        return max(0, round((now - self.started_at).total_seconds() * 1000))

    @applies(ImportStarted)
    def _started(self, event: ImportStarted) -> None:
        self.user_id: str = event.user_id
        self.file_name: str = event.file_name
        self.key: str = event.key
        self.on_duplicate: OnDuplicate = event.on_duplicate
        self.started_at: datetime = event.started_at
        self.status: ImportStatus = ImportStatus.PROCESSING
        self.through_row: int = 0
        self.counts: Counts = Counts()
        self.problems: int = 0

    @applies(ImportProgressed)
    def _progressed(self, event: ImportProgressed) -> None:
        self.through_row = event.through_row
        self.counts = self.counts.plus(event.counts)
        self.problems += len(event.problems)

    @applies(ImportFinished)
    def _finished(self, event: ImportFinished) -> None:
        self.status = event.status

    @applies(ImportFailed)
    def _failed(self, _: ImportFailed) -> None:
        self.status = ImportStatus.FAILED

    @applies(ImportCancelled)
    def _cancelled(self, _: ImportCancelled) -> None:
        self.status = ImportStatus.CANCELLED


def _status(counts: Counts) -> ImportStatus:
    """Completed without a failed row, partial with some, failed when no row succeeded."""
    if counts.failed == 0:
        return ImportStatus.COMPLETED
    return ImportStatus.FAILED if counts.failed == counts.rows else ImportStatus.PARTIAL
