// All granules at once beside the matrix: each place shows the worst of the states that fall on it.

const WORST = ["failed", "quarantined", "running", "removed", "queued", "waiting", "skipped", "done"];
const overview = find("overview"), inSight = find("in-sight");
const RANKS = new Uint8Array(ABSENT + 1).fill(WORST.length);
STATES.forEach((state, code) => { RANKS[code] = WORST.indexOf(state.name); });
RANKS[WARNED] = RANKS[0];

// Colours by rank as four bytes of a picture; another theme has others.
const palette = new Uint32Array(WORST.length + 1);
function readColours() {
  const style = getComputedStyle(document.documentElement);
  const bytes = new Uint8Array(palette.buffer);
  [...WORST, "nothing"].forEach((name, rank) => {
    const text = style.getPropertyValue({ waiting: "--edge", nothing: "--paper", done: "--done-bar" }[name] || `--${name}`).trim();
    for (let at = 0; at < 3; at += 1) bytes[4 * rank + at] = parseInt(text.slice(1 + 2 * at, 3 + 2 * at), 16);
    bytes[4 * rank + 3] = 255;
  });
}

function drawOverview() {
  const matrix = store.matrix;
  const long = Boolean(matrix) && grid.clientHeight > 0 && found.rows.length * HEIGHT > 2 * grid.clientHeight;
  overview.hidden = !long;
  inSight.hidden = !long;
  const width = overview.clientWidth, height = overview.clientHeight;  // none in a narrow window
  if (!long || !width || !height) return;
  const across = matrix.stages.length;
  overview.width = width;
  overview.height = height;
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
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
    for (let x = 0; x < width; x += 1) pixels[y * width + x] = palette[worst[Math.floor((x * across) / width)]];
  }
  overview.getContext("2d").putImageData(image, 0, 0);
  drawWindow();
}

// Where the rows in sight lie.
function drawWindow() {
  if (overview.hidden) return;
  const share = overview.height / (found.rows.length * HEIGHT);
  const height = Math.max(8, grid.clientHeight * share);
  inSight.style.height = `${height}px`;
  inSight.style.transform = `translateY(${Math.min(grid.scrollTop * share, overview.height - height)}px)`;
}

function goThere(event) {
  if (event.type === "pointermove" && !event.buttons) return;
  const share = event.offsetY / overview.clientHeight;
  grid.scrollTop = share * found.rows.length * HEIGHT - grid.clientHeight / 2;
}

overview.addEventListener("pointerdown", goThere);
overview.addEventListener("pointermove", goThere);
