"""Where the products of a campaign stand, and which files each job reads: the rules' input functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from levelworks.core.layout import LineLayout
from levelworks.core.stage import stages
from levelworks.coronagraph.plan import Plan

LINE = "coronagraph"


class Layout(LineLayout):
    """Paths of products by wildcard (``{frame}``, ``{group}``, ``{setting}``) and inputs by wildcard values.

    Parameters
    ----------
    plan : Plan
    results : Path
        Folder of all products.
    """

    line = LINE

    def __init__(self, plan: Plan, results: Path) -> None:
        super().__init__(results)
        self.plan = plan
        self.noise_maps = self.product("make-noise-maps", "noise_maps.fits")
        self.bad_pixels = self.product("make-bad-pixel-map", "bad_pixels.fits")
        self.dark = self.product("make-dark", "{setting}.fits")
        self.level2a = self.product("calibrate-frame", "{frame}_L2a.fits")
        self.level2b = self.product("calibrate-frame", "{frame}_L2b.fits")
        self.photons = self.product("count-photons", "{group}_photons.fits")
        self.frame_outputs = {"level2b": self.level2b} | ({"level2a": self.level2a} if plan.writes_level2a else {})
        self.group_outputs = {kind: self.product("combine", f"{{group}}_{kind}.fits") for kind in ("mean", "median")}
        self.peer_links: dict[str, str] = {}
        if plan.section.peer_view:
            self._add_peer_view()

    def _add_peer_view(self) -> None:
        """Add cgi_iit_drp's documented names (bmap); the names that its code writes (bpmap) become links."""
        for level in ("2a", "2b"):
            for part, name in (("image", "image"), ("map", "bpmap")):
                self.frame_outputs[f"peer_level{level}_{part}"] = self.product(
                    "peer-view", f"{{frame}}_L{level}_{name}.fits"
                )
        for kind in ("mean", "median"):
            for part, name, code in (("image", "image", "image"), ("map", "bmap", "bpmap")):
                documented = self.product("peer-view", f"{{group}}_{kind}_comb_{name}.fits")
                self.group_outputs[f"peer_{kind}_{part}"] = documented
                self.peer_links[f"peer_{kind}_{part}"] = self.product("peer-view", f"{{group}}/{kind}_comb_{code}.fits")

    @property
    def peer_files(self) -> dict[str, str]:
        """Return the peer's files of a group, those that links point to."""
        return {name: self.group_outputs[name] for name in self.peer_links}

    def dark_inputs(self, wildcards: Any) -> dict[str, Any]:  # noqa: ARG002 - an input function
        """Return the maps of a master dark: those made here from dark frames, else the references."""
        made = {"noise_maps": self.noise_maps}
        return _complete("make-dark", made if self.plan.makes_noise_maps else self.plan.dark_references)

    def bad_pixel_inputs(self, wildcards: Any) -> dict[str, Any]:  # noqa: ARG002 - an input function
        """Return what bad pixels are sought in."""
        dark = self.noise_maps if self.plan.makes_noise_maps else self.plan.dark_references.get("dark_current")
        return _complete("make-bad-pixel-map", {"dark_current": dark, "flat": self.plan.frame_references.get("flat")})

    def frame_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return a frame and its references; a frame whose header can't be read has no dark."""
        frame = self.plan.inventory.frames[wildcards.frame]
        found: dict[str, Path | str] = {"frame": frame.path, **self.plan.frame_references}
        if frame.setting is not None and self.plan.has_dark:
            found["dark"] = self.dark.format(setting=frame.setting.name)
        if self.plan.makes_bad_pixel_map:
            found["bad_pixels"] = self.bad_pixels
        return _complete("calibrate-frame", found)

    def combine_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return the Level 2b frames of a group."""
        return {"frames": self._members(self.level2b, wildcards.group)}

    def counting_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return the Level 2a frames of a group and what their counts are corrected with."""
        dark = self.plan.photon_counting_dark(self.plan.inventory.groups[wildcards.group])
        references, made_map = self.plan.frame_references, self.plan.makes_bad_pixel_map
        found = {
            "fixed_pattern": self.plan.dark_references.get("fixed_pattern"),
            "noise_maps": self.noise_maps if self.plan.makes_noise_maps else None,
            "flat": references.get("flat"),
            "bad_pixels": self.bad_pixels if made_map else references.get("bad_pixels"),
            "dark": self.photons.format(group=dark.name) if dark else None,
        }
        return _complete("count-photons", found) | {"frames": self._members(self.level2a, wildcards.group)}

    def counting_options(self, wildcards: Any) -> dict[str, Any]:
        """Return what the options of a counted group must be: dark current is not smeared."""
        dataset = self.plan.section.datasets[self.plan.inventory.groups[wildcards.group].dataset]
        return {"desmear": "off"} if dataset.kind == "dark" else {}

    def noise_map_inputs(self, wildcards: Any) -> dict[str, Any]:  # noqa: ARG002 - an input function
        """Return the dark frames and the nonlinearity table."""
        found = _complete("make-noise-maps", {"nonlinearity": self.plan.frame_references.get("nonlinearity")})
        return found | {"frames": [str(path) for path in self.plan.dark_frames]}

    def _members(self, pattern: str, group: str) -> list[str]:
        return [pattern.format(frame=frame) for frame in self.plan.inventory.groups[group].members]

    def granules(self) -> list[str]:
        """Return one product of every frame, by whose outcomes a campaign is judged."""
        return [self.level2b.format(frame=frame.id) for frame in self.plan.calibrated]

    def targets(self) -> list[str]:
        """Return every product that the configuration asks for."""
        plan = self.plan
        groups = [group.name for group in plan.combined]
        found = _expand(self.frame_outputs.values(), "frame", [frame.id for frame in plan.calibrated])
        found += _expand(self.group_outputs.values(), "group", groups)
        found += _expand([self.photons], "group", [group.name for group in plan.counted])
        found += _expand(self.peer_links.values(), "group", groups)
        found += [self.noise_maps] * plan.makes_noise_maps + [self.bad_pixels] * plan.makes_bad_pixel_map
        if plan.section.plots:
            drawn = [Path(path).relative_to(self.root) for path in found if "peer-view" not in Path(path).parts]
            found += [self.product("plot", str(path.with_suffix(".png"))) for path in drawn]
        return found


def _expand(patterns: Any, wildcard: str, values: Sequence[str]) -> list[str]:
    return [pattern.format(**{wildcard: value}) for pattern in patterns for value in values]


def _complete(stage: str, found: Mapping[str, Path | str | None]) -> dict[str, Any]:
    """Return the inputs of a stage by name as text, with an empty list for each that is absent."""
    named: dict[str, Any] = {port.name: [] for port in stages(LINE)[stage].inputs}
    return named | {name: str(path) for name, path in found.items() if path is not None}
