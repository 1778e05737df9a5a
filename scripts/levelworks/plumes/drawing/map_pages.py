"""Maps as single HTML files that open without a network: what Leaflet needs stands in the page itself.

Folium writes the page; its links to the network are left out and the vendored files of ``data/web`` put in, with their
licences. Identifiers, random in Folium, are numbered, so that the same scene gives the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

import folium
from folium.plugins import Draw, Fullscreen, MousePosition, TreeLayerControl
from folium.template import Template

from levelworks.core.outcome import InvalidOptions

PACKAGES = ("leaflet", "leaflet.draw", "leaflet.fullscreen", "leaflet.control.layers.tree", "leaflet.mouse-position")
TILES = {
    "esri": (
        "Esri World Imagery",
        "https://server.arcgisonline.com/ArcGIS/rest/services/World_Imagery/MapServer/tile/{z}/{y}/{x}",
        "Esri, Maxar, Earthstar Geographics, and the GIS user community",
    ),
    "google": ("Google Satellite", "https://mt1.google.com/vt/lyrs=s&x={x}&y={y}&z={z}", "Google"),
    "osm": ("OpenStreetMap", "https://tile.openstreetmap.org/{z}/{x}/{y}.png", "OpenStreetMap contributors"),
}
"""Background maps by their option: name, address, attribution."""


def _offline(element: Any) -> Any:
    """Take an element's links to the network away and return it."""
    element.default_js, element.default_css = [], []
    return element


class Picture(folium.map.Layer):
    """An image on the map, given by an address that stands in the page as it is: relative, or a data URI.

    Parameters
    ----------
    place : int
        Order of drawing; higher ones lie above.
    """

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = L.imageOverlay({{ this.url|tojson }}, {{ this.bounds|tojson }}, {
                pane: "pictures", className: "levelworks-picture", opacity: {{ this.opacity|tojson }},
                zIndex: {{ this.place|tojson }}, alt: {{ this.layer_name|tojson }}
            });
        {% endmacro %}
        """
    )

    def __init__(
        self, url: str, bounds: Sequence[Sequence[float]], name: str, *, opacity: float, place: int, show: bool
    ) -> None:
        super().__init__(name=name, overlay=True, control=False, show=show)
        self._name = "Picture"
        self.url, self.bounds, self.opacity, self.place = url, bounds, opacity, place


class Call(folium.MacroElement):
    """A call of a function of ``page.js``; elements among the arguments become the names of their variables."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            levelworks.{{ this.function }}(
                {%- for one in this.arguments -%}{{ this.written(one) }}{{ ", " if not loop.last }}{%- endfor -%}
            );
        {% endmacro %}
        """
    )

    def __init__(self, function: str, *arguments: Any) -> None:
        super().__init__()
        self._name = "Call"
        self.function, self.arguments = function, arguments

    @classmethod
    def written(cls, value: Any) -> str:
        """Return an argument as JavaScript that may stand in a page."""
        from jinja2.utils import htmlsafe_json_dumps

        if isinstance(value, folium.Element):
            return str(value.get_name())
        if isinstance(value, dict):
            return (
                "{" + ", ".join(f"{htmlsafe_json_dumps(key)}: {cls.written(one)}" for key, one in value.items()) + "}"
            )
        if isinstance(value, list | tuple):
            return "[" + ", ".join(cls.written(one) for one in value) + "]"
        return str(htmlsafe_json_dumps(value))


def new_map(
    bounds: Sequence[Sequence[float]], title: str, subtitle: str, background: Sequence[str]
) -> tuple[Any, list[dict[str, Any]]]:
    """Return an empty map that shows a box, with its controls, and the tree of its backgrounds.

    Parameters
    ----------
    bounds : sequence
        South-west and north-east corner: latitude, longitude.
    background : sequence of str
        Of `TILES`; they need a network, unlike all else.
    """
    middle = [(low + high) / 2 for low, high in zip(*bounds, strict=True)]
    page = _offline(folium.Map(location=middle, tiles=None, zoom_start=11, control_scale=False, max_zoom=19))
    page.add_child(Call("prepare", page))
    page.add_child(Call("title", page, title, subtitle))
    page.add_child(Call("fit", page, bounds))
    if not background:
        return page, []
    plain = folium.FeatureGroup(name="plain", overlay=False, control=False, show=False).add_to(page)
    children: list[dict[str, Any]] = [{"label": "plain", "layer": plain}]
    for number, name in enumerate(background):
        if name not in TILES:
            raise InvalidOptions(f"base_layers: {name!r} is none of {', '.join(TILES)}")
        label, address, credit = TILES[name]
        tiles = folium.TileLayer(
            address, attr=credit, name=label, overlay=False, control=False, show=not number, max_zoom=19
        )
        children.append({"label": label, "layer": tiles.add_to(page)})
    return page, [{"label": "background", "children": children}]


def add_controls(page: Any, base: list[dict[str, Any]], overlays: list[dict[str, Any]], export: str) -> None:
    """Add the tree of layers, full screen, the position under the mouse, and the drawing tool.

    Parameters
    ----------
    export : str
        Name of the file that drawn places are saved to.
    """
    graticule = folium.FeatureGroup(name="graticule", control=False, show=True).add_to(page)
    page.add_child(Call("graticule", graticule, page))
    shapes = {"polyline": False, "circle": False, "circlemarker": False}
    tree = [*overlays, {"label": "graticule", "layer": graticule}]
    for control in (
        Fullscreen(title="full screen", title_cancel="leave full screen"),
        Draw(export=True, filename=export, show_geometry_on_click=False, draw_options=shapes),
        MousePosition(position="bottomleft", separator="° N, ", num_digits=5, prefix="", empty_string=""),
        TreeLayerControl(base, tree, collapsed=False),
    ):
        page.add_child(_offline(control))


def page_text(page: Any, title: str) -> str:
    """Return a map as the text of a page that needs no other file but its pictures."""
    from markupsafe import escape

    html = str(page.get_root().render())
    numbers: dict[str, str] = {}
    html = re.sub(r"(?<=_)[0-9a-f]{32}\b", lambda found: numbers.setdefault(found.group(), f"{len(numbers) + 1}"), html)
    head = f"<title>{escape(title)}</title>\n{_assets()}\n"
    before, mark, after = html.partition("</head>")
    body = "\n".join(line.strip() for line in after.splitlines() if line.strip())
    return f"{before}{head}{mark}{body}\n"


@cache
def _assets() -> str:
    """Return styles and scripts, the licence of each package before it."""
    folder = resources.files("levelworks.plumes") / "data" / "web"
    parts = []
    for package in PACKAGES:
        licence = (folder / f"{package}.LICENSE").read_text(encoding="utf-8").strip().replace("*/", "* /")
        parts.append(f"<style>{(folder / f'{package}.css').read_text(encoding='utf-8').strip()}</style>")
        script = (folder / f"{package}.js").read_text(encoding="utf-8").strip()
        parts.append(f"<script>/* {package}\n{licence}\n*/\n{script}</script>")
    parts.insert(2, f"<script>{(folder / 'leaflet.icons.js').read_text(encoding='utf-8').strip()}</script>")
    parts.append(f"<style>{(folder / 'page.css').read_text(encoding='utf-8')}</style>")
    parts.append(f"<script>{(folder / 'page.js').read_text(encoding='utf-8')}</script>")
    return "\n".join(parts)
