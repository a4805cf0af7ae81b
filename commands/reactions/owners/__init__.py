"""Who owns a stored file: a module for each folder of the object store, and one rule in each.

A rule is asked about files that are older than any command takes. It reads streams, never read models, when
it says that nobody owns one: that file is deleted. What a rule leaves out of its answer cannot be told.
"""

from commands.reactions.owners import imports, incoming, overlays, photos, results
from commands.reactions.owners.rule import Rule, Standing

OWNERS: dict[str, Rule] = {
    "doctor/": incoming.owners,
    "imports/": imports.owners,
    "incoming/": incoming.owners,
    "overlays/": overlays.owners,
    "photos/": photos.owners,
    "results/": results.owners,
}

SWEPT = tuple(folder for folder in OWNERS if OWNERS[folder] is not imports.owners)
"""Of a product file nobody is ever sure: there is nothing to sweep, and no index to ask about it."""
ORPHANED = frozenset({Standing.GONE, Standing.NOBODYS})

__all__ = ["ORPHANED", "OWNERS", "SWEPT", "Rule", "Standing"]
