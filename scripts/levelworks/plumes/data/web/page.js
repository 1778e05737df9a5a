"use strict";

// What the pages of scenes add to Leaflet. Text reaches the page as text, never as markup.
const levelworks = {
  prepare(map) {
    map.createPane("pictures").style.zIndex = 350;
    map.attributionControl.setPrefix("Leaflet");
    L.control.scale({ imperial: false }).addTo(map);
  },

  // Shows a box beside the tree of layers where the window is wide enough for both.
  fit(map, bounds) {
    const wide = map.getSize().x > 900;
    map.fitBounds(bounds, { paddingTopLeft: [wide ? 60 : 10, 60], paddingBottomRight: [wide ? 390 : 10, 40], animate: false });
  },

  element(name, className, text, parent) {
    const made = L.DomUtil.create(name, className, parent);
    if (text !== undefined) made.textContent = text;
    return made;
  },

  title(map, title, subtitle) {
    const control = L.control({ position: "topleft" });
    control.onAdd = () => {
      const box = levelworks.element("div", "levelworks-title", title);
      levelworks.element("small", "", subtitle, box);
      return box;
    };
    control.addTo(map);
  },

  table(rows) {
    const box = levelworks.element("div", "levelworks-popup");
    const table = levelworks.element("table", "levelworks-table", undefined, box);
    for (const [name, value] of rows) {
      const row = levelworks.element("tr", "", undefined, table);
      levelworks.element("td", "", name, row);
      levelworks.element("td", "", value, row);
    }
    return box;
  },

  // Outlines, sources and rates of plumes.
  plumes(group, plumes) {
    for (const plume of plumes) {
      const popup = () => levelworks.table(plume.facts);
      if (plume.outline.length) {
        L.polygon(plume.outline, { color: "#00e5ff", weight: 2, fill: false, className: "levelworks-outline" })
          .bindPopup(popup, { maxWidth: 420 })
          .addTo(group);
      }
      if (plume.source) {
        L.circle(plume.source, { radius: 100, color: "yellow", weight: 2, fill: false }).addTo(group);
        L.circleMarker(plume.source, {
          radius: 5, color: "#222", weight: 1, fillColor: "yellow", fillOpacity: 1, className: "levelworks-source",
        })
          .bindTooltip(levelworks.element("span", "", plume.label))
          .bindPopup(popup, { maxWidth: 420 })
          .addTo(group);
      }
    }
  },

  markers(group, markers) {
    for (const marker of markers) {
      L.circleMarker(marker.place, { radius: 6, color: "#d7263d", weight: 2, fill: false, className: "levelworks-marker" })
        .bindTooltip(levelworks.element("span", "", marker.label))
        .bindPopup(() => levelworks.table(marker.facts), { maxWidth: 420 })
        .addTo(group);
    }
  },

  // An arrow for each source of winds, along the wind, its tail where the wind holds; people may drag it.
  winds(group, winds) {
    const colours = ["#0b3d91", "#b03a00", "#22661f", "#5b2a86"];
    winds.forEach((wind, number) => {
      const colour = colours[number % colours.length];
      const box = levelworks.element("div", "");
      const size = 96;
      const towards = (wind.direction + 180) % 360;
      box.innerHTML =
        `<svg width="${size}" height="${size}" viewBox="-48 -48 96 96">` +
        `<g transform="rotate(${towards})" stroke="white" stroke-width="1"><path fill="${colour}" ` +
        `d="M-2.5 0 V-30 H-8 L0 -46 L8 -30 H2.5 V0 Z"/><circle r="4" fill="${colour}"/></g></svg>`;
      const label = levelworks.element("span", "", wind.label, box);
      label.style.color = colour;
      label.style.top = `${52 + 17 * number}px`;
      L.marker(wind.place, {
        draggable: true,
        icon: L.divIcon({ html: box, className: "levelworks-wind", iconSize: [size, size], iconAnchor: [48, 48] }),
      }).addTo(group);
    });
  },

  // Colour bars of what is visible; layers of the same colours and limits share one.
  legend(map, entries) {
    const control = L.control({ position: "bottomright" });
    const box = levelworks.element("div", "levelworks-legend");
    L.DomEvent.disableClickPropagation(box);
    control.onAdd = () => box;
    control.addTo(map);
    const draw = () => {
      box.replaceChildren();
      const drawn = new Set();
      for (const { layer, bar } of entries) {
        const key = JSON.stringify(bar);
        if (!map.hasLayer(layer) || drawn.has(key)) continue;
        drawn.add(key);
        levelworks.element("div", "", bar.title, box);
        const strip = levelworks.element("div", "bar", undefined, box);
        strip.style.background = `linear-gradient(to right, ${bar.colours.join(", ")})`;
        const ends = levelworks.element("div", "ends", undefined, box);
        for (const text of bar.labels) levelworks.element("span", "", text, ends);
      }
    };
    map.on("layeradd layerremove", draw);
    draw();
  },

  // Meridians and parallels for maps without a background, drawn anew for each view.
  graticule(group, map) {
    const steps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30];
    const write = (value, step, ends) => {
      const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
      return `${Math.abs(value).toFixed(digits)}° ${value < 0 ? ends[1] : ends[0]}`;
    };
    const label = (place, text) =>
      L.marker(place, {
        interactive: false,
        keyboard: false,
        icon: L.divIcon({ html: levelworks.element("div", "levelworks-degree", text), className: "", iconSize: [0, 0] }),
      }).addTo(group);
    const draw = () => {
      group.clearLayers();
      const view = map.getBounds();
      const [south, north] = [Math.max(view.getSouth(), -85), Math.min(view.getNorth(), 85)];
      const [west, east] = [view.getWest(), view.getEast()];
      const step = steps.find((one) => (east - west) / one <= 9) || 45;
      const style = { color: "#8a949e", weight: 0.7, interactive: false, className: "levelworks-graticule" };
      const low = map.containerPointToLatLng([6, map.getSize().y - 40]);
      for (let number = Math.ceil(west / step); number * step <= east; number++) {
        const value = number * step;
        const shown = ((((value + 180) % 360) + 360) % 360) - 180;
        L.polyline([[south, value], [north, value]], style).addTo(group);
        label([low.lat, value], write(shown, step, ["E", "W"]));
      }
      for (let number = Math.ceil(south / step); number * step <= north; number++) {
        L.polyline([[number * step, west], [number * step, east]], style).addTo(group);
        label([number * step, map.containerPointToLatLng([60, 0]).lng], write(number * step, step, ["N", "S"]));
      }
    };
    map.on("moveend", draw);
    map.whenReady(draw);
  },
};
