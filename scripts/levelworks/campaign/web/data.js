// Data come as scripts, which a page from disk may load: each calls levelworks.take.

const FOLDER = "status_data";
const SLOWEST = 10, HIDDEN = 20, LOADING = 20;  // seconds

const store = {
  head: null,
  matrix: null,  // of the line that is shown
  failing: 0,  // times in a row that nothing could be loaded
  skew: 0,  // seconds by which this clock is ahead of the campaign's, as far as is known
  parts: new Map(),
  changed: () => {},
};

window.levelworks = {
  take(name, checksum, content) {
    store.parts.set(name, { checksum, content });
  },
};

function load(name) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const end = (how, value) => {
      clearTimeout(timer);
      script.remove();
      how(value);
    };
    const timer = setTimeout(() => end(reject, new Error(name)), LOADING * 1000);
    script.onload = () => (store.parts.has(name) ? end(resolve, store.parts.get(name)) : end(reject, new Error(name)));
    script.onerror = () => end(reject, new Error(name));
    script.src = `${FOLDER}/${encodeURIComponent(name)}.js?${Date.now()}`;
    document.head.append(script);
  });
}

// Load a part unless it is here as the head names it.
async function fresh(name, checksum) {
  const known = store.parts.get(name);
  return known && known.checksum === checksum ? known : load(name);
}

function lineShown() {
  if (!store.head) return null;
  return store.head.lines.find((line) => line.line === view.line) || store.head.lines[0] || null;
}

async function refresh() {
  try {
    const before = store.head ? store.head.seen : null;
    store.head = (await load("head")).content;
    store.failing = 0;
    if (before !== null && store.head.seen !== before) {
      store.skew = Math.min(store.skew, Date.now() / 1000 - store.head.seen);
    }
    await refreshLine();
  } catch (error) {
    store.failing += 1;
  }
  store.changed();
}

async function refreshLine() {
  const line = lineShown();
  if (!line) {
    store.matrix = null;
    return;
  }
  const names = await fresh(`${line.file}.names`, line.names);
  const states = await fresh(`${line.file}.states`, line.states);
  if (states.content.names !== names.checksum) return;  // caught between two writes: the next time they agree
  const known = store.matrix;
  if (known && known.line === line.line && known.checksum === states.checksum) return;
  store.matrix = decode(line, names, states, known);
}

function decode(line, names, states, known) {
  const { stages, granules, groups, group } = names.content;
  const letters = states.content.states;
  const codes = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at += 1) codes[at] = CODES[letters.charCodeAt(at)];
  const same = known && known.names === names.checksum && known.line === line.line;
  return {
    line: line.line, file: line.file, checksum: states.checksum, names: names.checksum,
    stages, granules, groups, group, codes, size: states.content.size, chunks: states.content.chunks,
    lower: same ? known.lower : granules.map((granule) => granule.toLowerCase()),
  };
}

// The details of a granule's jobs and its pictures.
async function details(row) {
  const matrix = store.matrix;
  const chunk = Math.floor(row / matrix.size);
  const part = (await fresh(`${matrix.file}.${chunk}`, matrix.chunks[chunk])).content;
  return { jobs: part.rows[row % matrix.size], pictures: part.pictures[row % matrix.size] };
}

function pause() {
  if (document.hidden) return HIDDEN;
  const following = store.head && store.head.following;
  return following ? Math.min(SLOWEST, Math.max(2, following)) : SLOWEST;
}

let waiting = 0;
async function keepFresh() {
  clearTimeout(waiting);
  await refresh();
  clearTimeout(waiting);
  waiting = setTimeout(keepFresh, pause() * 1000);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) keepFresh();
});
