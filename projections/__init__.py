"""Events in, documents out. To know which read models there are, read this tuple."""

from projections.projection import Projection

PROJECTIONS: tuple[Projection, ...] = ()
