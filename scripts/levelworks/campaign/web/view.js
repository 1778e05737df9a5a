// What is chosen to be seen, and the granules that fit.

const view = { line: null, tab: "granules", text: "", states: new Set(), stage: null, group: null, open: null };
const found = {
  rows: new Int32Array(0),  // of the matrix that fit
  counts: {},  // jobs by state of granules that fit text and group, at the stage that is chosen
  groups: [],  // of each group: finished, all, flagged
};

function choose() {
  const matrix = store.matrix;
  if (!matrix) {
    Object.assign(found, { rows: new Int32Array(0), counts: {}, groups: [] });
    return;
  }
  const width = matrix.stages.length;
  const only = matrix.stages.indexOf(view.stage);
  const from = only < 0 ? 0 : only;
  const to = only < 0 ? width : only + 1;
  const group = matrix.groups.indexOf(view.group);
  const words = view.text.toLowerCase().split(/\s+/).filter(Boolean);
  let wanted = 0;
  STATES.forEach((state, code) => { if (view.states.has(state.name)) wanted |= 1 << code; });
  if (wanted & 1) wanted |= 1 << WARNED;
  if (view.states.has("warned")) wanted |= 1 << WARNED;
  const counts = new Int32Array(ABSENT + 1);
  const rows = new Int32Array(matrix.granules.length);
  let length = 0;
  for (let row = 0; row < matrix.granules.length; row += 1) {
    if (group >= 0 && matrix.group[row] !== group) continue;
    if (words.length && !words.every((word) => matrix.lower[row].includes(word))) continue;
    let seen = 0;
    for (let at = row * width + from; at < row * width + to; at += 1) {
      const code = matrix.codes[at];
      counts[code] += 1;
      seen |= 1 << code;
    }
    if (wanted ? seen & wanted : only < 0 || seen !== 1 << ABSENT) rows[length++] = row;
  }
  found.rows = rows.subarray(0, length);
  found.wanted = wanted;
  found.counts = { warned: counts[WARNED] };
  STATES.forEach((state, code) => { found.counts[state.name] = counts[code] + (code ? 0 : counts[WARNED]); });
}

// Groups change with the data alone.
function countGroups() {
  const matrix = store.matrix;
  found.groups = [];
  if (!matrix) return;
  const width = matrix.stages.length;
  const counts = matrix.groups.map(() => new Int32Array(ABSENT + 1));
  for (let row = 0; row < matrix.granules.length; row += 1) {
    const own = counts[matrix.group[row]];
    for (let at = row * width; at < (row + 1) * width; at += 1) own[matrix.codes[at]] += 1;
  }
  found.groups = matrix.groups.map((name, at) => {
    const states = {};
    STATES.forEach((state, code) => { states[state.name] = counts[at][code] + (code ? 0 : counts[at][WARNED]); });
    const all = STATES.reduce((sum, state) => sum + states[state.name], 0);
    return { name, states, all, finished: finished(states) };
  }).filter((one) => one.name);
}

function isFiltered() {
  return Boolean(view.text || view.states.size || view.stage || view.group);
}

function isWanted(code, column) {
  if (view.stage && store.matrix.stages[column] !== view.stage) return false;
  return !found.wanted || Boolean(found.wanted & (1 << code));
}

// The view stands in the address, so that a reload or a copy shows the same.
function writeAddress() {
  const words = new URLSearchParams();
  if (view.line && store.head && store.head.lines.length > 1) words.set("line", view.line);
  if (view.tab !== "granules") words.set("tab", view.tab);
  if (view.text) words.set("text", view.text);
  if (view.states.size) words.set("states", [...view.states].join(" "));
  if (view.stage) words.set("stage", view.stage);
  if (view.group) words.set("group", view.group);
  if (view.open) words.set("job", `${view.open.stage} ${view.open.granule}`);
  const hash = words.toString();
  if (hash !== location.hash.slice(1)) history.replaceState(null, "", hash ? `#${hash}` : location.pathname);
}

function readAddress() {
  const words = new URLSearchParams(location.hash.slice(1));
  view.line = words.get("line");
  view.tab = words.get("tab") === "stages" ? "stages" : "granules";
  view.text = words.get("text") || "";
  view.states = new Set((words.get("states") || "").split(" ").filter(Boolean));
  view.stage = words.get("stage");
  view.group = words.get("group");
  const [stage, ...granule] = (words.get("job") || "").split(" ");
  view.open = granule.length ? { stage, granule: granule.join(" ") } : null;
}
