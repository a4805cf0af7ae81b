"""The simulator's entities, in memory, and in a SQLite file when it is to survive a restart."""

import json
import sqlite3
from pathlib import Path
from typing import Self

from integrations.payments.simulator.entities import Entity
from integrations.payments.simulator.refusals import Refusal

MAX_ENTITIES = 100_000


class Storage:
    """Entities by id, in the order in which they were made. Call `save` after a change."""

    def __init__(self, file: Path | None = None) -> None:
        self.entities: dict[str, Entity] = {}
        self._database = sqlite3.connect(file or ":memory:", isolation_level=None)
        self._database.execute("PRAGMA synchronous=OFF")  # it holds play money
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS entities (id TEXT PRIMARY KEY, body TEXT NOT NULL)"
        )
        for key, body in self._database.execute("SELECT id, body FROM entities ORDER BY rowid"):
            self.entities[key] = json.loads(body)

    def save(self, *changed: Entity) -> None:
        """Raise Refusal when the simulator is full."""
        for entity in changed:
            if entity["id"] not in self.entities and len(self.entities) >= MAX_ENTITIES:
                raise Refusal(
                    "The simulator is full: start it with another --data file.", status=500
                )
            self.entities[entity["id"]] = entity
            self._database.execute(
                "INSERT INTO entities VALUES (?, ?)"
                " ON CONFLICT (id) DO UPDATE SET body = excluded.body",
                (entity["id"], json.dumps(entity)),
            )

    def of(self, kind: str) -> list[Entity]:
        """All orders, payments or refunds, oldest first."""
        return [entity for entity in self.entities.values() if entity["entity"] == kind]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()
