"""A bounded memory of what was made from given bytes: the same input, the same answer, sooner."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Kept(Generic[Made]):
    """Keeps the values used last, up to max_bytes by what `weigh` says of each; thread-safe.

    A value that is larger than that by itself is not kept, and drives out no other.

    Two threads that want the same new value may both make it; the values are equal.
    """

    def __init__(self, *, max_bytes: int, weigh: Callable[[Made], int]) -> None:
        self._max_bytes = max_bytes
        self._weigh = weigh
        self._values: OrderedDict[str, Made] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: str, make: Callable[[], Made]) -> Made:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        made = make()
        with self._lock:
            self._remember(key, made)
        return made

    def _remember(self, key: str, made: Made) -> None:
        weight = self._weigh(made)
        if key in self._values or weight > self._max_bytes:
            return
        self._values[key] = made
        self._bytes += weight
        while self._bytes > self._max_bytes:
            _, oldest = self._values.popitem(last=False)
            self._bytes -= self._weigh(oldest)

    def clear(self) -> None:
        with self._lock:
            self._values.clear()
            self._bytes = 0

    def __len__(self) -> int:
        return len(self._values)
