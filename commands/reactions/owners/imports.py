"""`imports/{hash}.bin`: a product file, named by its content, owned by every import of it.

No one stream tells whether any import has it, so none is ever said to be nobody's: it is reported at most.
It holds nothing personal, and the same file is stored once.
"""

from collections.abc import Mapping, Sequence

from commands.reactions.owners.rule import Standing, loaded
from dependencies.services import Services
from domain.imports import Import


async def owners(keys: Sequence[str], services: Services) -> Mapping[str, Standing]:
    """The read model proposes, the stream says."""
    proposed = await services.proposals.imports_of(keys, limit=len(keys) * 10)
    imports = await loaded(Import, proposed, services)
    return dict.fromkeys({job.key for job in imports.values()} & set(keys), Standing.OWNED)
