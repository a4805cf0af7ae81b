"""Who owns a stored file: a module for each folder of the object store, and one rule in each.

A rule is asked about files that are older than any command takes. It reads streams, never read models, when
it says that nobody owns one: that file is deleted. What a rule leaves out of its answer cannot be told.
"""

from commands.owners import imports, overlays, photos, results
from commands.owners.rule import Rule, Standing, nobodys

OWNERS: dict[str, Rule] = {
    "doctor/": nobodys,  # the doctor's probe
    "imports/": imports.owners,
    "incoming/": nobodys,  # brought by a browser, and completed within the hour or never
    "overlays/": overlays.owners,
    "photos/": photos.owners,
    "results/": results.owners,
}

__all__ = ["OWNERS", "Rule", "Standing", "nobodys"]
