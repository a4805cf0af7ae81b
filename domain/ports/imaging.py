"""Pictures of strangers are fetched, and imaging works away from the event loop."""

from typing import Any, Protocol


class Pictures(Protocol):
    """Pictures behind addresses that strangers wrote: never one of a host that is not public."""

    async def fetch(self, url: str) -> bytes:
        """The bytes, as they came. Raises Invalid `picture-address-refused` for an address that is never
        fetched, NotFound `picture-missing` when its host has none, TooLarge, Unreadable for an answer
        that is of no use, and Unavailable when the host cannot be reached now; with the code
        `picture-failed` when only this answer of it was bad.
        """


class ImageWorker(Protocol):
    """Imaging away from the event loop: bytes and plain dictionaries in and out."""

    async def run(self, function: str, *arguments: Any, **options: Any) -> Any:
        """Call `imaging.pipeline.<function>` in a worker process. Raises the ImageRefused that it raises,
        TooLarge, and ImagingFailed for any other failure of the call.
        """

    def forget(self) -> None:
        """Somebody's pictures were deleted: what is remembered of any is dropped before the next call."""
