// The matrix: only rows in sight are in the document, and are used again for others as it scrolls.

const HEIGHT = 24, NARROW = 74, WIDEST = 96, THINNEST = 26, MORE = 6;  // pixels; rows beyond the edges
const grid = find("grid"), rowsPart = find("rows"), heading = find("heading");
const here = { place: 0, column: 0 };  // among the rows that are shown
let pool = [];  // rows of the document, by place modulo their number

function layOut() {
  const matrix = store.matrix;
  heading.replaceChildren();
  rowsPart.replaceChildren();
  pool = [];
  if (!matrix) return;
  const longest = matrix.granules.reduce((most, granule) => Math.max(most, granule.length), 8);
  const names = Math.min(Math.max(120, longest * 7.3 + 28), Math.max(150, grid.clientWidth * 0.42));
  const room = (grid.clientWidth - names - 8) / matrix.stages.length;
  const column = Math.floor(Math.min(WIDEST, Math.max(THINNEST, room)));
  grid.style.setProperty("--names", `${Math.round(names)}px`);
  grid.style.setProperty("--column", `${column}px`);
  grid.classList.toggle("narrow", column < NARROW);
  grid.setAttribute("aria-colcount", matrix.stages.length + 1);
  writeHeading(column);
}

function writeHeading(column) {
  const line = lineShown();
  const label = make("div", { class: "granule", role: "columnheader" }, "granule");
  heading.replaceChildren(label, ...line.stages.map((stage) => {
    const done = finished(stage);
    const part = column >= NARROW ? `${number(done)} / ${number(stage.jobs)}` : percent(done, stage.jobs).replace(" %", "");
    return make("button", {
      class: "stage", type: "button", role: "columnheader", tabindex: "-1", "data-stage": stage.stage,
      "aria-pressed": String(view.stage === stage.stage),
      title: `${stage.stage}: ${number(done)} of ${number(stage.jobs)} finished. Click: this stage alone`,
    }, make("span", { class: "name" }, stage.stage), make("span", { class: "part" }, part), stack(stage, stage.jobs));
  }));
}

function makeRow(width) {
  const cells = [];
  const start = make("span", { class: "start" }), end = make("span", { class: "end" });
  const name = make("div", { class: "granule", role: "rowheader" }, start, end);
  const row = make("div", { class: "row", role: "row" }, name);
  for (let column = 0; column < width; column += 1) {
    const chip = make("i", { class: "mark" });
    const cell = make("div", { class: "cell", role: "gridcell", "aria-colindex": String(column + 2) }, chip);
    row.append(cell);
    cells.push({ cell, chip, shown: -1 });
  }
  rowsPart.append(row);
  return { row, name, start, end, cells, place: -1, granule: null };
}

function draw() {
  const matrix = store.matrix;
  rowsPart.style.height = `${found.rows.length * HEIGHT}px`;
  grid.setAttribute("aria-rowcount", found.rows.length + 1);
  find("empty").hidden = found.rows.length > 0;
  find("empty").textContent = matrix ? "No granule fits these filters." : store.head ? "No job is planned yet." : "";
  if (!matrix) return;
  here.place = Math.max(0, Math.min(here.place, found.rows.length - 1));
  here.column = Math.max(0, Math.min(here.column, matrix.stages.length - 1));
  const visible = Math.ceil(grid.clientHeight / HEIGHT) + 2 * MORE;
  while (pool.length < Math.min(visible, Math.max(1, found.rows.length))) {
    pool.push(makeRow(matrix.stages.length));
    pool.forEach((one) => { one.place = -1; });
  }
  const first = Math.max(0, Math.min(Math.floor(grid.scrollTop / HEIGHT) - MORE, found.rows.length - pool.length));
  for (let place = first; place < first + pool.length; place += 1) drawRow(pool[place % pool.length], place);
  nameHere();
  drawWindow();
}

function drawRow(one, place) {
  const matrix = store.matrix;
  if (place >= found.rows.length) {
    one.row.hidden = true;
    one.place = -1;
    return;
  }
  const row = found.rows[place], granule = matrix.granules[row], width = matrix.stages.length;
  one.row.hidden = false;
  if (one.place !== place) {
    one.row.style.transform = `translateY(${place * HEIGHT}px)`;
    one.row.setAttribute("aria-rowindex", place + 2);
    one.place = place;
  }
  if (one.granule !== granule) {
    one.start.textContent = granule.slice(0, -14);
    one.end.textContent = granule.slice(-14);
    one.name.title = granule;
    one.granule = granule;
    one.cells.forEach((cell) => { cell.shown = -1; });
  }
  const before = place ? matrix.group[found.rows[place - 1]] : matrix.group[row];
  one.row.classList.toggle("first", before !== matrix.group[row]);
  one.row.classList.toggle("open", Boolean(view.open) && view.open.granule === granule);
  for (let column = 0; column < width; column += 1) {
    const code = matrix.codes[row * width + column];
    const faint = isFiltered() && code !== ABSENT && !isWanted(code, column) ? 64 : 0;
    const marked = place === here.place && column === here.column ? 128 : 0;
    drawCell(one.cells[column], code, faint, marked, column, granule);
  }
}

function drawCell(one, code, faint, marked, column, granule) {
  const shown = code | faint | marked;
  if (one.shown === shown) return;
  one.shown = shown;
  one.cell.className = `cell${faint ? " faint" : ""}${marked ? " here" : ""}`;
  const stage = store.matrix.stages[column];
  const state = stateOf(code);
  one.chip.className = state ? `mark s-${state.name}${code === WARNED ? " warned" : ""}` : "mark absent";
  one.chip.textContent = state ? state.glyph : "";
  const said = !state ? "no such job" : code === WARNED ? "done, with warnings" : state.name;
  one.cell.setAttribute("aria-label", `${granule}, ${stage}: ${said}`);
}

// Tell readers of the screen which cell is marked.
function nameHere() {
  const one = pool.length ? pool[here.place % pool.length] : null;
  const cell = one && one.place === here.place ? one.cells[here.column].cell : null;
  if (cell && cell.id === "here") return;
  find("here")?.removeAttribute("id");
  if (cell) cell.id = "here";
  if (cell) grid.setAttribute("aria-activedescendant", "here");
  else grid.removeAttribute("aria-activedescendant");
}

function bring(place, column) {
  here.place = Math.max(0, Math.min(place, found.rows.length - 1));
  here.column = column;
  const top = here.place * HEIGHT, head = heading.offsetHeight;
  if (top < grid.scrollTop) grid.scrollTop = top;
  if (top + HEIGHT + head > grid.scrollTop + grid.clientHeight) grid.scrollTop = top + HEIGHT + head - grid.clientHeight;
  const style = getComputedStyle(grid);
  const names = parseFloat(style.getPropertyValue("--names")), wide = parseFloat(style.getPropertyValue("--column"));
  const left = column * wide;
  if (left < grid.scrollLeft) grid.scrollLeft = left;
  if (left + wide + names > grid.scrollLeft + grid.clientWidth) grid.scrollLeft = left + wide + names - grid.clientWidth;
  draw();
}

// The next or previous job that failed or was quarantined, among those that are shown.
function seek(step) {
  const matrix = store.matrix;
  if (!matrix || !found.rows.length) return;
  const width = matrix.stages.length, all = found.rows.length * width;
  const from = here.place * width + here.column;
  for (let far = 1; far <= all; far += 1) {
    const at = (((from + step * far) % all) + all) % all;
    const place = Math.floor(at / width), column = at % width;
    const code = matrix.codes[found.rows[place] * width + column];
    if (code !== ABSENT && FLAGGED.includes(stateOf(code).name)) {
      bring(place, column);
      grid.focus();
      return;
    }
  }
}

grid.addEventListener("mouseover", (event) => {
  const cell = event.target.closest(".cell");
  if (cell) cell.title = cell.ariaLabel;
});
grid.addEventListener("scroll", draw, { passive: true });
