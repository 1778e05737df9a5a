"""Options of the stages that read and write FORCE's own files."""

from __future__ import annotations

from levelworks.core.options import Options, option


class IndexQueue(Options):
    """States of the images of FORCE's queue."""

    write_back: bool = option(True, "write the states into FORCE's own file", alias="write-back")


class MakeParameterFile(Options):
    """FORCE's parameter file for a campaign."""

    parameters: dict[str, str] = option({}, "values by FORCE's tags; tags that are not named have FORCE's defaults")
