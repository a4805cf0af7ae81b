"""Making collections while other processes make them too."""

from typing import Any

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

NAMESPACE_EXISTS = 48


async def make_collection(
    database: AsyncDatabase[dict[str, Any]], name: str, **options: Any
) -> None:
    """Make it unless it is there. Whoever looks first and makes it then meets one that starts beside it."""
    try:
        await database.create_collection(name, check_exists=False, **options)
    except OperationFailure as e:  # made before, or by a process that starts at this moment
        if e.code != NAMESPACE_EXISTS:
            raise
