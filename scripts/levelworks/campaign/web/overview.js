// All granules at once beside the matrix: each place shows the worst of the states that fall on it.

const WORST = ["failed", "quarantined", "running", "removed", "queued", "waiting", "skipped", "done"];
const overview = find("overview");
const RANKS = new Uint8Array(ABSENT + 1).fill(WORST.length);
STATES.forEach((state, code) => { RANKS[code] = WORST.indexOf(state.name); });
RANKS[WARNED] = RANKS[0];
let picture = null;

function colours() {
  const style = getComputedStyle(document.documentElement);
  const parse = (name) => {
    const text = style.getPropertyValue(name).trim();
    return [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
  };
  return [...WORST.map((name) => parse(name === "waiting" ? "--edge" : `--${name}`)), parse("--paper")];
}

function drawOverview() {
  const matrix = store.matrix;
  const long = Boolean(matrix) && grid.clientHeight > 0 && found.rows.length * HEIGHT > 2 * grid.clientHeight;
  overview.hidden = !long;
  if (!long) return;
  const width = overview.clientWidth, height = overview.clientHeight, across = matrix.stages.length;
  overview.width = width;
  overview.height = height;
  const image = new ImageData(width, height);
  const palette = colours();
  const worst = new Uint8Array(across);
  for (let y = 0; y < height; y += 1) {
    const from = Math.floor((y * found.rows.length) / height);
    const to = Math.max(from + 1, Math.floor(((y + 1) * found.rows.length) / height));
    worst.fill(WORST.length);
    for (let place = from; place < to; place += 1) {
      const at = found.rows[place] * across;
      for (let column = 0; column < across; column += 1) {
        const rank = RANKS[matrix.codes[at + column]];
        if (rank < worst[column]) worst[column] = rank;
      }
    }
    for (let x = 0; x < width; x += 1) {
      image.data.set([...palette[worst[Math.floor((x * across) / width)]], 255], 4 * (y * width + x));
    }
  }
  picture = image;
  drawWindow();
}

// Where the rows in sight lie.
function drawWindow() {
  if (overview.hidden || !picture) return;
  const context = overview.getContext("2d");
  context.putImageData(picture, 0, 0);
  const all = found.rows.length * HEIGHT;
  const top = (grid.scrollTop / all) * overview.height;
  const height = Math.max(6, (grid.clientHeight / all) * overview.height);
  context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--ink");
  context.lineWidth = 2;
  context.strokeRect(1, Math.min(top, overview.height - height) + 1, overview.width - 2, height - 2);
}

function goThere(event) {
  if (event.type === "pointermove" && !event.buttons) return;
  const share = event.offsetY / overview.clientHeight;
  grid.scrollTop = share * found.rows.length * HEIGHT - grid.clientHeight / 2;
}

overview.addEventListener("pointerdown", goThere);
overview.addEventListener("pointermove", goThere);
