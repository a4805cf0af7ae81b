"""What a timer asks about in which of its rounds: the young in each, the older ones in one of thirty."""

import zlib
from datetime import datetime, timedelta

YOUNG = timedelta(hours=1)
ROUNDS = 30


def is_due(name: str, *, since: datetime, now: datetime) -> bool:
    """The name spreads the older ones over the rounds of half an hour."""
    minute = int(now.timestamp()) // 60
    return now - since < YOUNG or zlib.crc32(name.encode()) % ROUNDS == minute % ROUNDS
