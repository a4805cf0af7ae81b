"""The writes of one batch in fewer writes of the same effect: a document is written once, mostly."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.read_models import RefusedWriteError, Write
from projections.memory import updated


def compact(writes: Sequence[Write]) -> Sequence[Write]:
    """Updates of a document go into its put, or into its update before, where MongoDB does not care.

    A change of many documents must find the others as they were, so nothing moves across it.
    """
    if len(writes) < 2:
        return writes
    kept: list[Write] = []
    places: dict[object, int] = {}
    for write in writes:
        key = write.where.get("_id")
        if write.many:
            places.clear()
        elif write.kind == "update" and key in places:
            place = places[key]
            if (merged := merge(kept[place], write)) is not None:
                kept[place] = merged
                continue
            places[key] = len(kept)
        elif write.kind == "delete":
            places.pop(key, None)
        else:
            places[key] = len(kept)
        kept.append(write)
    return kept


def merge(first: Write, then: Write) -> Write | None:
    """None where the two must stay two, or MongoDB will refuse the second: let it say so."""
    if first.kind == "update":
        fields = _plain_fields(first.what), _plain_fields(then.what)
        if fields[0] is None or fields[1] is None:
            return None
        return first._replace(what={"$set": {**fields[0], **fields[1]}})
    try:
        return first._replace(what=updated(first.what, then.what))
    except RefusedWriteError:
        return None


def _plain_fields(operators: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The fields of an update that sets whole fields and does nothing else."""
    if operators.keys() != {"$set"}:
        return None
    fields = operators["$set"]
    return None if any("." in name for name in fields) else fields
