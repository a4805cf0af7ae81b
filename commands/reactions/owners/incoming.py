"""What has no owner by design: it is gone as soon as it is old. A name that we do not make is left alone."""

import re
from collections.abc import Mapping, Sequence

from commands.reactions.owners.rule import Standing, matched
from dependencies.services import Services

KEY = re.compile(r"incoming/[0-9a-f]{24}/[0-9a-f]{32}\.[a-z]{3,4}|doctor/probe\.txt")
"""`incoming/{user}/{random}.{ext}`: brought by a browser, and completed within the hour or never. The
doctor's probe.
"""


async def owners(keys: Sequence[str], _: Services) -> Mapping[str, Standing]:
    return dict.fromkeys(matched(KEY, keys), Standing.GONE)
