"""The stage `plot-pair`: pictures of a pair's geocoded products, in a folder of their own."""

from __future__ import annotations

from pathlib import Path

from levelworks.core.aggregate import refuse_flagged
from levelworks.core.outcome import InvalidInput, NothingToProduce, Outcome
from levelworks.core.plots import draw_outcome
from levelworks.core.record import described_product
from levelworks.insar.drawing.drawing_options import PlotPair
from levelworks.insar.drawing.previews import draw_previews
from levelworks.insar.network.epochs import parse_pair


def plot_pair(geocoded: Path, *, pictures: Path, options: PlotPair) -> Outcome:
    """Draw the phase, the unwrapped phase and the coherence of a pair.

    Parameters
    ----------
    geocoded : Path
        Folder of `geocode`, or the record beside it.
    pictures : Path
        Folder that is written.

    Raises
    ------
    InvalidInput
        Where the folder isn't named as a pair.
    NothingToProduce
        Where it has no raster to draw.
    """
    folder = described_product(geocoded)
    refuse_flagged(folder)
    try:
        parse_pair(folder.name)
    except ValueError as error:
        raise InvalidInput(f"{folder}: {error}") from None
    pictures.mkdir()
    written = draw_previews(folder, folder.name, pictures=pictures, pixels=options.pixels, overlay=options.kmz)
    if not written:
        raise NothingToProduce(f"{folder} has no raster to draw")
    return Outcome(quality={"pictures": len(written)})


def write_empty_pictures(path: Path, outcome: Outcome) -> None:
    """Write a folder with a picture that says why there are no others."""
    path.mkdir()
    draw_outcome(path / "outcome.png", outcome, "pair")
