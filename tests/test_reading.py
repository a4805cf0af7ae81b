"""What documents look like is worked out once, within a bound."""

import bson
from hypothesis import given
from hypothesis import strategies as st

from dependencies.documents import id_of, split
from dependencies.reading import Rendering, Renderings


def rendering(size: int) -> Rendering:
    return Rendering(json=b"x" * size, is_public=True, version=1)


def test_the_one_not_shown_for_longest_leaves_when_there_is_no_room() -> None:
    renderings = Renderings(most_bytes=30)
    for name in (b"a", b"b", b"c"):
        renderings.keep(name, rendering(9))
    assert renderings.get(b"a")
    renderings.keep(b"d", rendering(9))
    assert [bool(renderings.get(name)) for name in (b"a", b"b", b"c", b"d")] == [
        True,
        False,
        True,
        True,
    ]


def test_one_that_comes_twice_takes_its_room_once() -> None:
    renderings = Renderings(most_bytes=30)
    for _ in range(9):
        renderings.keep(b"a", rendering(9))
    renderings.keep(b"b", rendering(9))
    assert renderings.get(b"a")
    assert renderings.get(b"b")


def test_one_that_is_larger_than_the_room_is_not_kept() -> None:
    renderings = Renderings(most_bytes=30)
    renderings.keep(b"a", rendering(40))
    assert renderings.get(b"a") is None


@given(st.lists(st.dictionaries(st.text("abc", max_size=3), st.integers(-5, 5)), max_size=8))
def test_a_batch_falls_apart_into_its_documents(documents: list[dict[str, int]]) -> None:
    parts = list(split(b"".join(bson.encode(each) for each in documents)))
    assert [bson.decode(part) for part in parts] == documents


def test_a_document_is_known_by_its_id_without_being_decoded() -> None:
    object_id = bson.ObjectId()
    assert id_of(bson.encode({"_id": object_id, "name": "Rani Haar"})) == object_id
