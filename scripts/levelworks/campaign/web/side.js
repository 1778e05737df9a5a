// What stands around the matrix: the run, lines, states, groups, and the table of stages.

const SILENT = 30;  // seconds beyond twice the expected time after which no news is bad news
const SHOWN_GROUPS = 300;

function sumOf(lines) {
  const counts = { jobs: 0 };
  for (const line of lines) {
    for (const stage of line.stages) {
      counts.jobs += stage.jobs;
      for (const state of STATES) counts[state.name] = (counts[state.name] || 0) + stage[state.name];
    }
  }
  return counts;
}

function runState() {
  const { run, following, seen } = store.head;
  if (!run) return ["", "no run is known"];
  if (run.ended) {
    const bad = sumOf(store.head.lines).failed;
    return [bad ? "bad" : "ended", `ended ${clock(run.ended)} after ${duration(run.ended - run.began)}${bad ? `, ${number(bad)} failed` : ""}`];
  }
  if (!run.alive) return ["killed", "killed: its controller ended without a word"];
  return age() > 2 * (following || 0) + SILENT ? ["silent", "no news"] : ["alive", `running since ${clock(run.began)}`];
}

function age() {
  return Math.max(0, Date.now() / 1000 - store.skew - store.head.seen);
}

function writeTop() {
  const head = store.head;
  if (!head) {
    find("age").textContent = store.failing ? "" : "loading …";
    writeBanners([]);
    return;
  }
  document.title = `${head.campaign} · levelworks`;
  find("campaign").textContent = head.campaign;
  find("campaign").title = head.folder;
  const counts = sumOf(head.lines);
  const said = make("div", { class: "said" },
    make("span", {}, make("strong", {}, percent(finished(counts), counts.jobs)), ` · ${number(finished(counts))} of ${number(counts.jobs)} jobs finished`));
  for (const name of ["failed", "quarantined", "skipped", "running"]) {
    if (counts[name]) said.append(make("span", {}, make("strong", {}, number(counts[name])), ` ${name}`));
  }
  if (head.run && head.run.alive) {
    if (head.pace.jobs_per_minute) said.append(make("span", {}, `${number(Number(head.pace.jobs_per_minute.toFixed(1)))} jobs a minute`));
    const left = head.pace.seconds_left;
    if (left) said.append(make("span", {}, "expected to end ", make("strong", {}, clock(head.seen + left)), `, in ${duration(left)}`));
  }
  find("progress").replaceChildren(stack(counts, counts.jobs), said);
  writeAge();
}

// Once a second: how old the data are, and whether that is as it should be.
function writeAge() {
  const head = store.head;
  if (!head) return;
  const [kind, says] = runState();
  const badge = find("run");
  if (badge.textContent !== says || badge.className !== `badge ${kind}`) {
    badge.className = `badge ${kind}`;
    badge.textContent = says;
    badge.title = head.run ? `process ${head.run.pid} on ${head.run.host}\n${head.run.words}` : "";
  }
  const old = age();
  find("age").textContent = old < 86400 * 2 && head.run && head.run.alive ? `updated ${duration(Math.round(old / 5) * 5).replace(".0", "")} ago`
    : `as of ${clock(head.seen)}`;
  const silent = kind === "silent"
    ? [`No news for ${duration(old)}: the run was killed, or the file system hangs. \`levelworks status\` tells which.`] : [];
  writeBanners([...silent, ...head.notes]);
}

function writeBanners(texts) {
  const all = [...texts];
  if (store.failing > 1 || (store.failing && !store.head)) {
    all.unshift(`${FOLDER}/ beside this page can't be read${store.head ? ": what you see is old" : ""}. It is tried again.`);
  }
  const banners = find("banners");
  if (banners.dataset.texts === JSON.stringify(all)) return;
  banners.dataset.texts = JSON.stringify(all);
  banners.replaceChildren(...all.map((text) => make("div", {}, text)));
}

function pick(properties, ...children) {
  return make("button", { class: "pick", type: "button", ...properties }, ...children);
}

// Replace the children of a part, and keep the focus where it was.
function renew(part, ...children) {
  const key = part.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  part.replaceChildren(...children);
  if (key) [...part.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key)?.focus();
}

function writeLines() {
  const head = store.head;
  const lines = head ? head.lines : [];
  find("lines-part").hidden = lines.length < 2;
  const shown = lineShown();
  renew(find("lines"), ...lines.map((line) => {
    const counts = sumOf([line]);
    return pick({ "data-key": `line ${line.line}`, "aria-pressed": String(line === shown), onclick: () => chooseLine(line.line) },
      make("span", { class: "name" }, line.line || "other"),
      make("span", { class: "count" }, percent(finished(counts), counts.jobs)), stack(counts, counts.jobs));
  }));
}

function writeStates() {
  const counted = [...STATES, { name: "warned", glyph: "✓", says: "done, with warnings" }];
  renew(find("states"), ...counted.map((state) => {
    const count = found.counts[state.name] || 0;
    const chosen = view.states.has(state.name);
    if (!count && !chosen && ["warned", "removed"].includes(state.name)) return "";
    const swatch = state.name === "warned" ? mark(STATES[0], true) : mark(state);
    return pick({
      class: `pick${count ? "" : " none"}`, "data-key": `state ${state.name}`, "aria-pressed": String(chosen), title: state.says,
      onclick: () => toggle(state.name),
    }, swatch, make("span", { class: "name" }, state.name === "warned" ? "with warnings" : state.name),
    make("span", { class: "count" }, number(count)));
  }));
}

function writeGroups() {
  find("groups-part").hidden = !found.groups.length;
  const words = view.text.toLowerCase().split(/\s+/).filter(Boolean);
  const fitting = found.groups.filter((group) => group.name === view.group
    || !words.length || words.some((word) => group.name.toLowerCase().includes(word)));
  const fits = fitting.length ? fitting : found.groups;
  const shown = fits.slice(0, SHOWN_GROUPS);
  renew(find("groups"), ...shown.map((group) => {
    const flagged = FLAGGED.filter((name) => group.states[name]).map((name) => `${number(group.states[name])} ${name}`).join(", ");
    return pick({
      "data-key": `group ${group.name}`, "aria-pressed": String(view.group === group.name),
      title: `${group.name}: ${number(group.finished)} of ${number(group.all)} jobs finished${flagged ? `; ${flagged}` : ""}`,
      onclick: () => { view.group = view.group === group.name ? null : group.name; filtered(); },
    }, make("span", { class: "name" }, group.name), make("span", { class: "count" }, percent(group.finished, group.all)),
    stack(group.states, group.all));
  }), shown.length < fits.length ? make("p", { class: "more" }, `and ${number(fits.length - shown.length)} more: filter by text`) : "");
}

function writeStages() {
  const line = lineShown();
  if (!line) {
    find("stages").replaceChildren();
    return;
  }
  const states = STATES.filter((state) => state.name !== "removed" || line.stages.some((stage) => stage.removed));
  const headings = ["stage", "", "jobs", ...states, "finished", "retried", "warnings", "wall, mean", "CPU, sum", "peak memory"];
  const cells = (stage, total) => [
    make("td", {}, total ? "" : stack(stage, stage.jobs)),
    make("td", {}, number(stage.jobs)),
    ...states.map((state) => {
      const count = stage[state.name];
      if (!count) return make("td", { class: "zero" }, "·");
      if (total) return make("td", {}, number(count));
      const show = make("button", { type: "button", title: `show ${state.name} at ${stage.stage}`, "data-key": `${stage.stage} ${state.name}`, onclick: () => showOnly(stage.stage, state.name) }, number(count));
      return make("td", {}, show);
    }),
    make("td", {}, percent(finished(stage), stage.jobs)),
    ...["retried", "warnings"].map((name) => make("td", { class: stage[name] ? null : "zero" }, stage[name] ? number(stage[name]) : "·")),
    make("td", {}, total || !stage.wall_s ? "" : duration(stage.wall_s / Math.max(1, finished(stage)))),
    make("td", {}, stage.cpu_s ? duration(stage.cpu_s) : ""),
    make("td", {}, stage.peak_memory_mb ? memory(stage.peak_memory_mb) : ""),
  ];
  const total = { ...sumOf([line]), retried: 0, warnings: 0, cpu_s: 0, peak_memory_mb: 0 };
  for (const stage of line.stages) {
    for (const name of ["retried", "warnings", "cpu_s"]) total[name] += stage[name];
    total.peak_memory_mb = Math.max(total.peak_memory_mb, stage.peak_memory_mb);
  }
  const table = make("table", {},
    make("thead", {}, make("tr", {}, ...headings.map((one) => make("th", { scope: "col" }, ...(one.name ? [mark(one), one.name] : [one]))))),
    make("tbody", {}, ...line.stages.map((stage) => make("tr", {}, make("th", { scope: "row" }, stage.stage), ...cells(stage, false)))),
    make("tfoot", {}, make("tr", {}, make("th", { scope: "row" }, "all"), ...cells(total, true))));
  renew(find("stages"), table);
}

function writeBar() {
  const matrix = store.matrix;
  const all = matrix ? matrix.granules.length : 0;
  find("shown").textContent = !matrix ? "" : isFiltered() ? `${number(found.rows.length)} of ${number(all)} granules` : `${number(all)} granules`;
  find("clear").hidden = !isFiltered();
  if (find("filter").value !== view.text) find("filter").value = view.text;
  const chosen = [view.stage && `stage ${view.stage}`, view.group && `group ${view.group}`].filter(Boolean).join(", ");
  find("clear").textContent = chosen ? `Clear filters (${chosen})` : "Clear filters";
  for (const name of ["granules", "stages"]) {
    find(`tab-${name}`).setAttribute("aria-selected", String(view.tab === name));
    find(`tab-${name}`).tabIndex = view.tab === name ? 0 : -1;
    find(name).hidden = view.tab !== name;
  }
}
