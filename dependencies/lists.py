"""A page of a list, and how fresh it must be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request
from fastapi.responses import JSONResponse
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import ExecutionTimeout

from dependencies.answers import answer
from dependencies.services import Services, services_of
from domain.errors import Invalid, Unavailable

COUNTED = 10_000


@dataclass(frozen=True)
class PageOfList:
    limit: int
    skip: int

    @property
    def page(self) -> int:
        return self.skip // self.limit + 1

    def pagination(self, total: int) -> dict[str, Any]:
        """The member beside `data` in the answer of a list."""
        pages = -(-total // self.limit)
        return {
            "page": self.page,
            "limit": self.limit,
            "skip": self.skip,
            "total": total,
            "pages": pages,
            "hasMore": self.skip + self.limit < total,
        }

    def answer(self, items: Sequence[Any], total: int) -> JSONResponse:
        return answer(list(items), pagination=self.pagination(total))

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
) -> PageOfList:
    return PageOfList(limit=limit, skip=(page - 1) * limit if skip is None else skip)


Page = Annotated[PageOfList, Depends(_page)]
"""`?page=&limit=` or `?skip=&limit=`; at most 100 a page."""


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
    if token[:1] == "p" and token[1:].isascii() and token[1:].isdecimal() and len(token) <= 20:
        return await services.consistency.wait_for_position(int(token[1:]), seconds=seconds)
    commit = await services.store.commit(token[1:]) if token[:1] == "c" else None
    if commit is None:
        raise Invalid("this Consistency-Token is not one of ours", code="invalid-consistency-token")
    if commit.last_position is not None:
        return await services.consistency.wait_for_position(commit.last_position, seconds=seconds)
    position = await services.consistency.wait_for_commit(
        commit.id, seconds=seconds, events=commit.events
    )
    return position is not None
