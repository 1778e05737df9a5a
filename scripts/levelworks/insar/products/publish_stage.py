"""The stage `publish`: the products of a frame as LiCSAR's tree, validated before it is handed over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from levelworks.core.aggregate import Inputs, refuse_flagged, usable_inputs
from levelworks.core.checksum import checksum
from levelworks.core.outcome import NothingToProduce, Outcome
from levelworks.core.record import described_product
from levelworks.insar.frames.frame import read_frame
from levelworks.insar.network.closure import Verdict
from levelworks.insar.products.links import link_file
from levelworks.insar.products.network_table import merged_verdicts, pair_of
from levelworks.insar.products.products_options import Publish
from levelworks.insar.products.validate_tree import MANIFEST, MANIFEST_COLUMNS, refuse_invalid, validate_tree

WITHHELD = "withheld.tsv"
SLANT_DELAY = "sltd.geo.tif"
UNCLOSED = "all its triplets fail to close"
MOVED = ("offsets", "along-track")
GEOC_RASTERS = ("E", "N", "U", "hgt", "mli")


def publish(
    frame: Path,
    metadata: Path,
    pairs: list[Path],
    pictures: list[Path] | None,
    epochs: list[Path],
    closure: list[Path],
    delays: list[Path] | None = None,
    tides: list[Path] | None = None,
    corrections: list[Path] | None = None,
    offsets: list[Path] | None = None,
    along_track: list[Path] | None = None,
    *,
    tree: Path,
    options: Publish,
) -> Outcome:
    """Put the products of a frame together as a tree.

    Parameters
    ----------
    frame : Path
        Definition of the frame.
    metadata : Path
        Of `describe-frame`: the folder, or the record beside it.
    pairs, pictures, closure : list of Path
        Of `geocode`, `plot-pair` and `check-closure`: folders, or the records beside them.
    epochs : list of Path
        Of `geocode-epoch`, named by their dates.
    delays, tides : list of Path, optional
        Of `geocode-delay` and `geocode-tide`, named by their dates.
    corrections : list of Path, optional
        Of `correct-atmosphere`: folders, or the records beside them.
    offsets, along_track : list of Path or None
        Of `estimate-azimuth-offsets` and `measure-along-track`: folders, or the records beside them.
    tree : Path
        Folder that is written: ``interferograms``, ``epochs``, ``metadata``, ``withheld.tsv`` (what was left out and
        why) and ``manifest.tsv`` (path, size, SHA-256). Files are hard links where the file system has them.

    Raises
    ------
    NothingToProduce
        Where no pair is left.
    TooManyQuarantined
        With the list, where too many pairs are bad.
    InvalidTree
        With the list, where readers of the tree would fail or err.
    """
    name = read_frame(frame).frame
    described = described_product(metadata)
    refuse_flagged(described)
    folders = usable_inputs([described_product(path) for path in pairs], options.max_quarantined, "pairs")
    drawn = usable_inputs([described_product(path) for path in pictures or ()], 1.0, "pictures")
    dates = usable_inputs(epochs, 1.0, "dates")
    slant, moved_by_tides = usable_inputs(delays or (), 1.0, "delays"), usable_inputs(tides or (), 1.0, "tides")
    corrected = usable_inputs([described_product(path) for path in corrections or ()], 1.0, "corrections")
    bad = {pair for pair, verdict in merged_verdicts(closure).items() if verdict == Verdict.BAD}
    withheld = {path for path in folders.usable if options.closure_gate == "withhold" and pair_of(path) in bad}
    kept = [path for path in folders.usable if path not in withheld]
    if not kept:
        raise NothingToProduce(f"frame {name} has no pair that may be published")
    tree.mkdir()
    _link_all(kept, tree / "interferograms", ("tif", "png"))
    names = {path.name for path in kept}
    _link_all([path for path in drawn.usable if path.name in names], tree / "interferograms", ("png", "kmz"))
    _link_all([path for path in corrected.usable if path.name in names], tree / "interferograms", ("tif",))
    moved = [_usable_of(paths, names, what) for paths, what in ((offsets, "offsets"), (along_track, "along-track"))]
    for one in moved:
        _link_all(one.usable, tree / "interferograms", ("tif", "csv"))
    for path in dates.usable:
        link_file(path, tree / "epochs" / path.stem / f"{path.stem}.geo.mli.tif")
    for path in (*slant.usable, *moved_by_tides.usable):
        link_file(path, tree / "epochs" / path.name.split(".")[0] / path.name)
    for path in sorted(described.iterdir()):
        link_file(path, tree / "metadata" / path.name)
    reference = f"{read_frame(frame).reference:%Y%m%d}"
    backscatter = tree / "metadata" / f"{name}.geo.mli.tif"
    for path in dates.usable:
        if path.stem == reference and not backscatter.exists():
            link_file(path, backscatter)
    if options.licsbas:
        _lay_out_geoc(tree, name)
    left_out = [("pair", *one) for one in folders.left_out] + [("date", *one) for one in dates.left_out]
    left_out += [("pair", path.name, UNCLOSED) for path in sorted(withheld)]
    left_out += [("delay", *one) for one in slant.left_out] + [("tide", *one) for one in moved_by_tides.left_out]
    left_out += [("correction", *one) for one in corrected.left_out]
    left_out += [(kind, *one) for kind, found in zip(MOVED, moved, strict=True) for one in found.left_out]
    _write_table(tree / WITHHELD, ("kind", "name", "reason"), left_out)
    write_manifest(tree)
    violations = validate_tree(tree)
    refuse_invalid(violations, tree)
    files = [path for path in tree.rglob("*") if path.is_file()]
    quality = {
        "pairs": len(kept),
        "dates": len(dates.usable),
        "withheld_pairs": len(withheld),
        "flagged_pairs": sum(pair_of(path) in bad for path in kept),
        "left_out_pairs": len(folders.left_out),
        "delays": len(slant.usable),
        "tides": len(moved_by_tides.usable),
        "corrected_pairs": sum(path.name in names for path in corrected.usable),
        "uncorrected_pairs": len(corrected.left_out),
        "files": len(files),
        "size_mb": round(sum(path.stat().st_size for path in files) / 1e6, 3),
    }
    listed = (folders, dates, slant, moved_by_tides, corrected, *moved)
    warnings = (*(text for one in listed for text in one.warnings), *(str(one) for one in violations))
    return Outcome(quality=quality, warnings=warnings)


def _usable_of(paths: Sequence[Path] | None, names: set[str], what: str) -> Inputs:
    """Return what of the pairs that are published can be used."""
    return usable_inputs([path for path in map(described_product, paths or ()) if path.name in names], 1.0, what)


def _link_all(folders: Sequence[Path], target: Path, endings: Sequence[str]) -> None:
    """Link files of folders that are named by them; a picture that is there already gives way."""
    for folder in folders:
        for ending in endings:
            for path in sorted(folder.glob(f"{folder.name}.*{ending}")):
                place = target / folder.name / path.name
                place.unlink(missing_ok=True)
                link_file(path, place)


def _lay_out_geoc(tree: Path, frame: str) -> None:
    """Lay out what LiCSBAS reads side by side in one folder, and delays in the folder that its step 03 looks in."""
    geoc, metadata = tree / "GEOC", tree / "metadata"
    for path in sorted((tree / "epochs").glob(f"*/*.{SLANT_DELAY}")):
        link_file(path, tree / "GACOS" / path.name)
    for path in sorted((tree / "interferograms").glob("*/*.geo.*.tif")):
        link_file(path, geoc / path.parent.name / path.name)
    for name in (*(f"{frame}.geo.{kind}.tif" for kind in GEOC_RASTERS), "baselines", "metadata.txt"):
        if (metadata / name).is_file():
            link_file(metadata / name, geoc / name)


def write_manifest(tree: Path) -> None:
    """List the files of a tree with size and SHA-256, in the order of their paths."""
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    rows = [
        (path.relative_to(tree).as_posix(), str(path.stat().st_size), checksum(path).removeprefix("sha256:"))
        for path in files
    ]
    _write_table(tree / MANIFEST, MANIFEST_COLUMNS, rows)


def _write_table(path: Path, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    lines = [head, *rows]
    text = "".join("\t".join(" ".join(cell.split()) for cell in line) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")
