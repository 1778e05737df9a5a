// What happens when.

const THEMES = { auto: "◐ auto", light: "☀\uFE0E light", dark: "☾ dark" };
const system = matchMedia("(prefers-color-scheme: dark)");
let theme = "auto", laidOut = "";

function remembered() {
  try {
    return localStorage.getItem("levelworks theme") || "auto";
  } catch (error) {
    return "auto";
  }
}

function setTheme(name) {
  theme = name in THEMES ? name : "auto";
  const dark = theme === "dark" || (theme === "auto" && system.matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  find("theme").textContent = THEMES[theme];
  find("theme").setAttribute("aria-label", `Colours: ${theme}`);
  try {
    localStorage.setItem("levelworks theme", theme);
  } catch (error) { /* a page from disk may have no storage */ }
  readColours();
  drawOverview();
}

function nextTheme() {
  const names = Object.keys(THEMES);
  setTheme(names[(names.indexOf(theme) + 1) % names.length]);
}

// After other data came.
function showData() {
  const matrix = store.matrix;
  writeTop();
  writeLines();
  const layout = matrix ? `${matrix.line} ${matrix.names}` : "";
  const kept = layout === laidOut ? null : placeOf(view.open);
  if (matrix && view.stage && !matrix.stages.includes(view.stage)) view.stage = null;
  if (matrix && view.group && !matrix.groups.includes(view.group)) view.group = null;
  choose();
  countGroups();
  if (layout !== laidOut) {
    laidOut = layout;
    layOut();
    if (kept) here.column = kept.column;
  } else if (matrix) {
    writeHeading(parseFloat(grid.style.getPropertyValue("--column")));
  }
  showFiltered();
  writePanel();
}

function placeOf(open) {
  const matrix = store.matrix;
  if (!open || !matrix) return null;
  return { column: Math.max(0, matrix.stages.indexOf(open.stage)) };
}

function showFiltered() {
  writeBar();
  writeStates();
  writeGroups();
  if (view.tab === "stages") writeStages();
  draw();
  drawOverview();
}

// After another filter was chosen.
function filtered() {
  choose();
  here.place = 0;
  grid.scrollTop = 0;
  heading.querySelectorAll(".stage").forEach((one) => one.setAttribute("aria-pressed", String(one.dataset.stage === view.stage)));
  showFiltered();
  writeAddress();
}

function toggle(state) {
  if (!view.states.delete(state)) view.states.add(state);
  filtered();
}

function chooseStage(stage) {
  view.stage = view.stage === stage ? null : stage;
  filtered();
}

function showOnly(stage, state) {
  Object.assign(view, { stage, states: new Set([state]), tab: "granules" });
  filtered();
  fitAgain();
  grid.focus();
}

async function chooseLine(line) {
  Object.assign(view, { line, stage: null, group: null, open: null });
  here.place = 0;
  here.column = 0;
  grid.scrollTop = 0;
  try {
    await refreshLine();
  } catch (error) {
    store.failing += 1;
  }
  showData();
  writeAddress();
}

function chooseTab(name) {
  view.tab = name;
  showFiltered();
  fitAgain();
  writeAddress();
}

// After the room for the matrix changed.
function fitAgain() {
  if (!store.matrix || grid.clientWidth === 0) return;
  layOut();
  draw();
  drawOverview();
}

function move(event) {
  const matrix = store.matrix;
  if (!matrix || !found.rows.length) return false;
  const page = Math.max(1, Math.floor((grid.clientHeight - heading.offsetHeight) / HEIGHT) - 1);
  const last = matrix.stages.length - 1, end = found.rows.length - 1;
  const steps = {
    ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageDown: [page, 0], PageUp: [-page, 0],
    Home: event.ctrlKey ? [-end, 0] : [0, -last], End: event.ctrlKey ? [end, 0] : [0, last],
  };
  const step = steps[event.key];
  if (!step) return false;
  bring(here.place + step[0], Math.max(0, Math.min(last, here.column + step[1])));
  return true;
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, textarea, select");
  const open = find("help").open;
  let taken = false;
  if (event.altKey || event.metaKey || (event.ctrlKey && !["Home", "End"].includes(event.key)) || open) return;
  if (event.key === "Escape") {
    if (event.target === find("filter") && view.text) {
      view.text = "";
      filtered();
    } else if (view.open) closeJob();
    else grid.focus();
    taken = true;
  } else if (typing) {
    if (event.target === find("filter") && ["Enter", "ArrowDown"].includes(event.key)) {
      grid.focus();
      taken = true;
    }
  } else if (event.key === "/") {
    find("filter").focus();
    find("filter").select();
    taken = true;
  } else if (event.key === "?") {
    find("help").showModal();
    taken = true;
  } else if (event.key === "t") {
    nextTheme();
    taken = true;
  } else if ((event.key === "n" || event.key === "p") && view.tab === "granules") {
    seek(event.key === "n" ? 1 : -1);
    taken = true;
  } else if (event.target === grid) {
    if (event.key === "s" && store.matrix) {
      chooseStage(store.matrix.stages[here.column]);
      taken = true;
    } else if (event.key === "Enter") {
      openJob(here.place, here.column);
      taken = true;
    } else taken = move(event);
  }
  if (taken) event.preventDefault();
});

grid.addEventListener("click", (event) => {
  const stage = event.target.closest(".stage");
  if (stage) {
    chooseStage(stage.dataset.stage);
    return;
  }
  const cell = event.target.closest(".cell");
  const one = pool.find((row) => row.row.contains(event.target));
  if (!cell || !one) return;
  const column = one.cells.findIndex((other) => other.cell === cell);
  bring(one.place, column);
  openJob(one.place, column);
});

find("filter").addEventListener("input", () => {
  view.text = find("filter").value;
  filtered();
});
find("clear").addEventListener("click", () => {
  Object.assign(view, { text: "", states: new Set(), stage: null, group: null });
  filtered();
  find("filter").focus();
});
for (const name of ["granules", "stages"]) find(`tab-${name}`).addEventListener("click", () => chooseTab(name));
find("tabs").addEventListener("keydown", (event) => {
  if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  chooseTab(view.tab === "granules" ? "stages" : "granules");
  find(`tab-${view.tab}`).focus();
});
find("theme").addEventListener("click", nextTheme);
find("help-button").addEventListener("click", () => find("help").showModal());
find("legend").append(...STATES.map((state) => make("span", {}, mark(state), state.name === state.says ? state.name : `${state.name}: ${state.says}`)),
  make("span", {}, mark(STATES[0], true), "with warnings"));
system.addEventListener("change", () => setTheme(theme));
new ResizeObserver(fitAgain).observe(grid);
addEventListener("hashchange", () => {
  readAddress();
  refreshLine().then(showData, showData);
});
store.changed = showData;
setInterval(writeAge, 1000);
readAddress();
setTheme(remembered());
keepFresh();
