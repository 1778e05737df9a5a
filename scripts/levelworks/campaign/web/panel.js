// One job: its state and why, what it asked for and used, where it ran, its files, and the end of its log.

const panel = find("panel");
const ATTEMPT = ["", "ended by", "on", "memory of asked", "time of asked"];
let shownJob = "", broughtTo = null;

async function openJob(place, column) {
  const matrix = store.matrix;
  if (!matrix || place >= found.rows.length) return;
  view.open = { granule: matrix.granules[found.rows[place]], stage: matrix.stages[column] };
  broughtTo = view.open;
  writeAddress();
  draw();
  await writePanel();
  panel.querySelector("h2")?.focus();
}

function closeJob() {
  if (!view.open) return;
  view.open = null;
  shownJob = "";
  panel.hidden = true;
  panel.replaceChildren();
  writeAddress();
  fitAgain();
  grid.focus();
}

// Write the panel; again only where what it shows has changed.
async function writePanel() {
  const matrix = store.matrix, open = view.open;
  if (!matrix || !open) {
    panel.hidden = true;
    return;
  }
  const row = matrix.granules.indexOf(open.granule), column = matrix.stages.indexOf(open.stage);
  const code = row < 0 || column < 0 ? ABSENT : matrix.codes[row * matrix.stages.length + column];
  if (code !== ABSENT && broughtTo !== open) {  // opened by the address
    broughtTo = open;
    const place = found.rows.indexOf(row);
    if (place >= 0) bring(place, column);
  }
  let job = null, pictures = [], missing = "";
  if (code !== ABSENT) {
    try {
      const part = await details(row);
      job = part.jobs[column];
      pictures = part.pictures;
    } catch (error) {
      missing = `Its details can't be read (${FOLDER}/${error.message}.js).`;
    }
  }
  if (view.open !== open) return;
  const now = JSON.stringify([open, code, job, pictures, missing]);
  if (now === shownJob) return;
  const resized = panel.hidden;
  shownJob = now;
  panel.hidden = false;
  panel.setAttribute("aria-label", `${open.granule}, ${open.stage}`);
  panel.replaceChildren(...panelParts(open, code, job || null, pictures, missing));
  if (resized) fitAgain();
}

function panelParts(open, code, job, pictures, missing) {
  const state = code === ABSENT ? null : stateOf(code);
  const parts = [
    make("div", { class: "head" }, make("h2", { tabindex: "-1" }, open.granule),
      make("button", { type: "button", title: "Close (Esc)", "aria-label": "Close", onclick: closeJob }, "✕")),
    make("div", { class: "state" }, ...(state ? [mark(state, code === WARNED)] : []),
      `${open.stage}: ${state ? state.name : "no such job of this granule"}`),
  ];
  if (missing) parts.push(make("div", { class: "why" }, missing));
  if (!job) return parts;
  const why = [job.reason, [job.cause, job.message].filter(Boolean).join(": ")].filter(Boolean).join("\n");
  if (why) parts.push(make("div", { class: `why ${state.name}` }, why));
  if (job.warnings) parts.push(make("div", {}, `${job.warnings} warning${job.warnings > 1 ? "s" : ""}: the record holds them`));
  if (job.tail) parts.push(logEnd(job.tail));
  parts.push(facts(job), ...links(open, job), ...attempts(job), ...drawn(open, pictures));
  return parts;
}

function logEnd(text) {
  const end = make("pre", { tabindex: "0", "aria-label": "End of the log" }, text);
  requestAnimationFrame(() => { end.scrollTop = end.scrollHeight; });
  return make("div", {}, make("h3", {}, "End of the log"), end);
}

function facts(job) {
  const list = make("dl", { class: "facts" });
  const add = (name, ...values) => list.append(make("dt", {}, name), make("dd", {}, ...values));
  if (job.attempt) add("attempt", String(job.attempt));
  if (job.memory || job.asked_memory) {
    add("memory", used(job.memory && memory(job.memory), job.asked_memory && memory(job.asked_memory)), meter(job.memory, job.asked_memory));
  }
  if (job.wall || job.asked_minutes) {
    add("wall time", used(job.wall && duration(job.wall), job.asked_minutes && duration(60 * job.asked_minutes)), meter(job.wall, 60 * job.asked_minutes));
  }
  if (job.cpu) add("CPU time", duration(job.cpu));
  if (job.threads) add("threads", String(job.threads));
  if (job.host) add("host", job.host);
  if (job.external) add("scheduler", job.external);
  for (const name of ["queued", "began", "ended"]) if (job[name]) add(name, clock(job[name], true));
  if (job.queued && job.began) add("waited", duration(Math.max(0, job.began - job.queued)));
  return list;
}

function used(what, asked) {
  if (what && asked) return `${what} of ${asked} asked for`;
  return what || `${asked} asked for`;
}

function ofAsked(what, asked) {
  return what || asked ? `${what || "?"} of ${asked || "?"}` : "";
}

function meter(what, asked) {
  if (!what || !asked) return null;
  const bar = make("i", { class: what > asked ? "over" : "" });
  bar.style.width = `${Math.min(100, (100 * what) / asked)}%`;
  return make("div", { class: "meter", "aria-hidden": "true" }, bar);
}

function links(open, job) {
  const line = store.matrix.line;
  const record = job.record === 1 ? `${job.product}.json` : job.record;
  const log = job.log === 1 ? `logs/${line}/${open.stage}/${open.granule}.log` : job.log;
  const list = make("dl", {}, make("dt", {}, "product"), make("dd", {}, make("code", {}, job.product)));
  const frame = make("div", {});
  for (const [name, path] of [["record", record], ["log", log]]) {
    if (!path) continue;
    list.append(make("dt", {}, name), make("dd", { class: "links" },
      make("button", { type: "button", "aria-expanded": "false", onclick: (event) => unfold(event.target, frame, name, path) }, "show"),
      make("a", { href: address(path), target: "_blank", rel: "noopener" }, "open in a tab")));
  }
  return [make("h3", {}, "Files"), list, frame];
}

function unfold(button, frame, name, path) {
  const open = frame.dataset.shows === name;
  frame.previousElementSibling.querySelectorAll("button").forEach((one) => one.setAttribute("aria-expanded", "false"));
  frame.dataset.shows = open ? "" : name;
  button.setAttribute("aria-expanded", String(!open));
  frame.replaceChildren(...(open ? [] : [make("iframe", { src: address(path), title: name, sandbox: "" })]));
  frame.scrollIntoView({ block: "nearest" });
}

function attempts(job) {
  if (!job.attempts) return [];
  const head = make("thead", {}, make("tr", {}, ...ATTEMPT.map((name) => make("th", { scope: "col" }, name))));
  const body = make("tbody", {}, ...job.attempts.map(([attempt, cause, detail, host, external, asked, minutes, peak, wall]) => make("tr", {},
    make("td", {}, String(attempt)),
    make("td", {}, [cause, detail].filter(Boolean).join(": ")),
    make("td", {}, [host, external].filter(Boolean).join(" ")),
    make("td", {}, ofAsked(peak && memory(peak), asked && memory(asked))),
    make("td", {}, ofAsked(wall && duration(wall), minutes && duration(60 * minutes))))));
  return [make("h3", {}, "Attempts that ended badly"), make("div", { class: "scroll" }, make("table", {}, head, body))];
}

function drawn(open, pictures) {
  const own = pictures.filter(([stage]) => stage === open.stage);
  const shown = own.length ? own : pictures;
  if (!shown.length) return [];
  return [make("h3", {}, own.length ? "Pictures" : "Pictures of this granule"), ...shown.map(([stage, path]) => {
    const name = path.split("/").pop();
    const image = make("img", { src: address(path), alt: `${stage}: ${name}`, loading: "lazy" });
    return make("figure", {}, make("a", { href: address(path), target: "_blank", rel: "noopener" }, image), make("figcaption", {}, `${stage} · ${name}`));
  })];
}
