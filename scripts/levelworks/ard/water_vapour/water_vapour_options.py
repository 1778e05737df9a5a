"""Options of `build-water-vapour-table`."""

from __future__ import annotations

from levelworks.core.options import Options


class BuildWaterVapourTable(Options):
    """Water vapour tables of FORCE's layout, from a reanalysis."""
