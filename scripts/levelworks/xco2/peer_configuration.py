"""From a run configuration of OCO3-data-transformer to keys of the section `xco2`.

Two generations of that program are in use. The older one leaves out groups and variables and grids all the rest; the
newer one lists what it grids. Either's files are read; keys that a person gives beside the file go before it, and what
they replace is not looked at: who names `granules` may keep a file that lists objects of a bucket.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from levelworks.core.location import local_path
from levelworks.core.options import validate
from levelworks.core.outcome import InvalidOptions
from levelworks.xco2.options import Xco2
from levelworks.xco2.peer_inputs import read_items
from levelworks.xco2.peer_schema import Output, PeerConfiguration, Place


def read_peer_configuration(path: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return keys of `Xco2`: those that stand for a peer's run configuration, under those that a person gave.

    Without ``output.global`` mosaics of the world are made, as in the peer. They have no GeoTIFFs there, so
    ``output.cog`` counts only for cubes of targets. Grids have the peer's nodes and its interpolation; all else is
    ours, unless ``values`` say ``compat: seed``.

    Parameters
    ----------
    path : Path
        YAML file; relative paths in it start at the working directory.
    values : mapping
        What the person gave, ``peer`` included, by the names or aliases of `Xco2`; nested keys are merged one by one.

    Returns
    -------
    dict
        By aliases, as a person writes them.

    Raises
    ------
    InvalidOptions
        Where the file can't be read, a key is unknown, wrong or missing, or it asks for what can't be had: queues,
        objects and outputs in buckets. The message names the file, the key and its value.
    """
    where = f"peer configuration {path}"
    raw = _load(path, where)
    peer = validate(PeerConfiguration, raw, where)
    given = _by_alias(values)
    if peer.variables is not None and peer.says_what_to_leave_out:
        raise InvalidOptions(
            f"{where}: variables says what to grid, exclude-groups and drop-dims what not to: keep one of the two"
        )
    found: dict[str, Any] = {}
    if "granules" not in given:
        if peer.input.queue is not None:
            raise InvalidOptions(
                f"{where}: input.queue: queues are not read; list the files under input.files, or as xco2.granules in "
                "the campaign's configuration"
            )
        found["granules"] = read_items(peer.input.files or [], f"{where}: input.files")
    if "cube-folder" not in given:
        found["cube-folder"] = _folder(peer.output, where, "output", "cube-folder")
    found |= _targets(peer, given, where)
    found |= _products(peer)
    if not peer.output.world and peer.output.cog is not None:
        found["cogs"] = "on"
        found["write-cog"]["options"] = peer.output.cog.options
        if "cog-folder" not in given:
            found["cog-folder"] = _folder(peer.output.cog.output, where, "output.cog.output", "cog-folder")
    found |= _variables(peer, given, one_target_file=isinstance(raw.get("target-file"), str))
    return _merged(found, given)


def _load(path: Path, where: str) -> dict[str, Any]:
    import yaml

    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidOptions(f"{where}: can't be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidOptions(f"{where}: is no YAML ({error})") from None
    if not isinstance(raw, dict):
        raise InvalidOptions(f"{where}: must hold keys and values (input, output, grid, ...)")
    return raw


def _folder(place: Place, where: str, section: str, key: str) -> str:
    if place.local is None:
        raise InvalidOptions(
            f"{where}: {section}.s3: products are written to this machine's file systems only; name a folder as "
            f"{section}.local, or as xco2.{key} in the campaign's configuration, and copy it to the bucket afterwards"
        )
    return str(local_path(place.local, f"{where}: {section}.local"))


def _products(peer: PeerConfiguration) -> dict[str, Any]:
    """Return what is made, on which grid, in which chunks, under which names."""
    output, grid = peer.output, peer.grid
    prefix, store = ("world_", "update-global") if output.world else ("", "update-cube")
    titles = _titles(output)
    found: dict[str, Any] = {
        "cubes": "off" if output.world else "on",
        "world": "on" if output.world else "off",
        "quality-sets": {"pre": output.naming.pre_qf, "post": output.naming.post_qf},
        "grid-capture": {
            f"{prefix}latitude": grid.latitude,
            f"{prefix}longitude": grid.longitude,
            "convention": "node",
            "method": grid.method,
            "scaling": peer.mask_scaling,
        },
        "update-cube": {**titles, "drop_empty": output.drop_empty},
        "update-global": titles,
        "write-cog": {"drop_empty": output.drop_empty},
    }
    found[store] = {**found[store], "resolution": grid.resolution_attr, "chunks": peer.chunking.model_dump()}
    return found


def _titles(output: Output) -> dict[str, str]:
    if output.title is not None:
        return {"title_pre": output.title.pre_qf, "title_post": output.title.post_qf}
    pre, post = (name.partition(".zarr")[0] for name in (output.naming.pre_qf, output.naming.post_qf))
    return {"title_pre": pre, "title_post": post}


def _targets(peer: PeerConfiguration, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the targets files that the person does not replace; centres stand for those of OCO-3."""
    own = given.get("targets", {})
    if not isinstance(own, Mapping):
        return {}
    replaced = {*own, *(["oco3"] if given.get("centres") is not None else [])}
    files = {
        name: str(local_path(file, f"{where}: target-file.{name}"))
        for name, file in peer.target_file.paths.items()
        if name not in replaced
    }
    return {"targets": files} if files else {}


def _variables(peer: PeerConfiguration, given: Mapping[str, Any], *, one_target_file: bool) -> dict[str, Any]:
    if peer.grids_everything(one_target_file=one_target_file):
        left_out = [variable.path for variable in peer.drop_dims or []]
        groups = peer.exclude_groups or []
        return {"cut-captures": {"everything": True, "left_out_groups": groups, "left_out_variables": left_out}}
    cut = given.get("cut-captures")
    chosen = isinstance(cut, Mapping) and (cut.get("variables") is not None or cut.get("everything"))
    # The key `variables` would go before what the person chose.
    if peer.variables is None or not peer.variables.paths or chosen:
        return {}
    return {"variables": peer.variables.paths}


def _by_alias(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return keys under their aliases: `Xco2` takes both names, but not both at once."""
    aliases = {name: info.alias or name for name, info in Xco2.model_fields.items()}
    found: dict[str, Any] = {}
    for key, value in values.items():
        found = _merged(found, {aliases.get(key, key): value})
    return found


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(under)
    for key, value in over.items():
        below = found.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            found[key] = _merged(below, value)
        else:
            found[key] = value
    return found
