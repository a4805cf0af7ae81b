"""A small aggregate of the tests' own: a notebook with an owner and lines."""

from typing import Annotated, ClassVar, Self

from domain.kernel import AggregateRoot, DomainEvent, InitialEvent, PersonalData, applies
from domain.ports.events import CommandContext


class NotebookOpened(InitialEvent):
    TOPIC: ClassVar[str] = "TestNotebookOpened"
    SUBJECT: ClassVar[str | None] = "owner_id"
    owner_id: str
    owner_name: Annotated[str, PersonalData(erased="erased")]
    colour: str = "red"


class LineWritten(DomainEvent):
    TOPIC: ClassVar[str] = "TestLineWritten"
    class_version: ClassVar[int] = 2
    text: str
    language: str

    @staticmethod
    def upcast_v1_v2(state: dict[str, object]) -> None:
        state.setdefault("language", "en")


class Notebook(AggregateRoot):
    TOPIC: ClassVar[str] = "TestNotebook"
    CATEGORY: ClassVar[str] = "notebook"

    @classmethod
    def open(cls, notebook_id: str, *, owner_id: str, owner_name: str) -> Self:
        return cls.start(notebook_id, NotebookOpened, owner_id=owner_id, owner_name=owner_name)

    def write(self, text: str) -> None:
        self.record(LineWritten, text=text, language="en")

    @applies(NotebookOpened)
    def _opened(self, event: NotebookOpened) -> None:
        self.owner_name: str = event.owner_name


def opened(notebook_id: str, *, lines: int = 0, owner: str = "asha") -> list[DomainEvent]:
    notebook = Notebook.open(notebook_id, owner_id=owner, owner_name=f"{owner} of Pune")
    for number in range(lines):
        notebook.write(f"line {number}")
    return list(notebook.collect_events())  # type: ignore[arg-type]


def line(notebook_id: str, version: int, text: str = "more") -> LineWritten:
    return LineWritten(
        originator_id=f"notebook-{notebook_id}",  # type: ignore[call-arg]
        originator_version=version,
        text=text,
        language="en",
    )


def context(command_id: str | None = None, **more: str) -> CommandContext:
    return CommandContext(
        command="WriteLine", actor="user-asha", correlation="r1", command_id=command_id, **more
    )
