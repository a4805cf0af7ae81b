"""A page of a list, and how fresh it must be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import bson
from fastapi import Depends, Header, Query, Request
from fastapi.responses import JSONResponse
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import ExecutionTimeout

from dependencies.answers import answer
from dependencies.cursors import MOST_CHARACTERS, Order, after, cursor_of
from dependencies.documents import split
from dependencies.services import Services, services_of
from domain.errors import Invalid, Unavailable

COUNTED = 10_000


@dataclass(frozen=True)
class Found:
    """The documents of a page, and where the next one begins; None: there is none."""

    documents: list[dict[str, Any]]
    next_cursor: str | None


@dataclass(frozen=True)
class FoundRaw:
    """The same in BSON."""

    documents: list[bytes]
    next_cursor: str | None


@dataclass(frozen=True)
class PageOfList:
    limit: int
    skip: int
    cursor: str | None = None

    def pagination(
        self, total: int, *, next_cursor: str | None = None, has_more: bool | None = None
    ) -> dict[str, Any]:
        """The member beside `data` in the answer of a list. A page by cursor does not know its number."""
        counted = self.cursor is None
        return {
            "page": self.skip // self.limit + 1 if counted else None,
            "limit": self.limit,
            "skip": self.skip if counted else None,
            "total": total,
            "pages": -(-total // self.limit),
            "hasMore": next_cursor is not None if has_more is None else has_more,
            "nextCursor": next_cursor,
        }

    def answer(
        self,
        items: Sequence[Any],
        total: int,
        *,
        next_cursor: str | None = None,
        has_more: bool | None = None,
    ) -> JSONResponse:
        """`has_more`: for a list that has no cursors."""
        pagination = self.pagination(total, next_cursor=next_cursor, has_more=has_more)
        return answer(list(items), pagination=pagination)

    async def find(
        self,
        collection: AsyncCollection[dict[str, Any]],
        query: Mapping[str, Any],
        order: Order,
        *,
        fields: Mapping[str, Any] | None = None,
        hint: Order | None = None,
    ) -> Found:
        """The page, and whether there is one after it. The order ends with `_id`."""
        if self.cursor is not None:
            query = {**query, **after(self.cursor, order)}
        found = collection.find(query, fields, sort=list(order), hint=hint)
        documents = await found.skip(self.skip).limit(self.limit + 1).to_list()
        has_more = len(documents) > self.limit
        documents = documents[: self.limit]
        return Found(documents, cursor_of(documents[-1], order) if has_more else None)

    async def find_raw(
        self,
        collection: AsyncCollection[dict[str, Any]],
        query: Mapping[str, Any],
        order: Order,
        *,
        fields: Mapping[str, Any] | None = None,
        hint: Order | None = None,
    ) -> FoundRaw:
        """As `find`, and only the last document is decoded, for the cursor."""
        if self.cursor is not None:
            query = {**query, **after(self.cursor, order)}
        found = collection.find_raw_batches(query, fields, sort=list(order), hint=hint)
        batches = found.skip(self.skip).limit(self.limit + 1)
        documents = [raw async for batch in batches for raw in split(batch)]
        if len(documents) <= self.limit:
            return FoundRaw(documents, None)
        documents.pop()
        last = bson.decode(documents[-1], collection.codec_options)
        return FoundRaw(documents, cursor_of(last, order))

    async def total(
        self,
        collection: AsyncCollection[dict[str, Any]],
        query: Mapping[str, Any],
        **options: Any,
    ) -> int:
        """How many there are, counted up to `COUNTED` beyond this page: nobody pages through more, and the
        count of a large shop would cost more than its page.
        """
        if not query:
            return await collection.estimated_document_count()
        try:
            return await collection.count_documents(query, limit=self.skip + COUNTED, **options)
        except ExecutionTimeout:  # few among very many: there may be more
            return self.skip + self.limit + 1


async def _page(
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
    skip: Annotated[int | None, Query(ge=0, le=100_000)] = None,
    cursor: Annotated[
        str | None, Query(max_length=MOST_CHARACTERS, description="nextCursor of the page before")
    ] = None,
) -> PageOfList:
    if cursor is not None:
        return PageOfList(limit=limit, skip=0, cursor=cursor)
    return PageOfList(limit=limit, skip=(page - 1) * limit if skip is None else skip)


Page = Annotated[PageOfList, Depends(_page)]
"""`?page=&limit=`, `?skip=&limit=` or `?cursor=&limit=`; at most 100 a page."""


async def fresh(
    request: Request,
    consistency_token: Annotated[str | None, Header(max_length=80)] = None,
) -> None:
    """A read that carries a Consistency-Token waits until it would not show an older state."""
    if consistency_token is None:
        return
    if not await _caught_up(consistency_token, services_of(request)):
        raise Unavailable("the read models have not caught up yet", retry_after_seconds=1)


async def _caught_up(token: str, services: Services) -> bool:
    """Tokens: `p<position>`, or `c<commit id>` for a commit that had no position yet."""
    seconds = services.settings.consistency_wait_seconds
    position = position_of(token)
    if position is not None:
        return await services.consistency.wait_for_position(position, seconds=seconds)
    commit = await services.store.commit(token[1:]) if token[:1] == "c" else None
    if commit is None:
        raise Invalid("this Consistency-Token is not one of ours", code="invalid-consistency-token")
    if commit.last_position is not None:
        return await services.consistency.wait_for_position(commit.last_position, seconds=seconds)
    found = await services.consistency.wait_for_commit(
        commit.id, seconds=seconds, events=commit.events
    )
    return found is not None


def position_of(token: str) -> int | None:
    """Of a token that names one."""
    number = token[1:]
    is_one = token[:1] == "p" and number.isascii() and number.isdecimal() and len(token) <= 20
    return int(number) if is_one else None
