// SPDX-License-Identifier: Apache-2.0
// Everything that shows the point: panes, loupes, contributors, words.

const element = (id) => document.getElementById(id);
const LOUPE_PIXELS = SCALE * Math.max(5, 2 * Math.floor(Math.ceil(20 / SCALE) / 2) + 1);
const TILE = 54;

const cellFrame = ([row, column]) => box(row * SCALE, column * SCALE, SCALE, SCALE);

// A cell of the result and those around it, without what lies outside.
function blockFrame([row, column]) {
  const [top, left] = [Math.max(0, row - 1) * SCALE, Math.max(0, column - 1) * SCALE];
  const bottom = Math.min(HEIGHT, (row + 2) * SCALE);
  const right = Math.min(WIDTH, (column + 2) * SCALE);
  return box(top, left, bottom - top, right - left);
}

function drawResult(pictures, traced) {
  const canvas = element("result");
  const window = windowOf(canvas, state.centre);
  const { context } = window;
  draw(window, pictures.result);
  if (state.layer !== "none") {
    draw(window, pictures[state.layer], { smooth: false, opacity: state.opacity });
  }
  if (state.split > 0) {
    const edge = Math.round(state.split * canvas.width);
    context.save();
    context.beginPath();
    context.rect(0, 0, edge, canvas.height);
    context.clip();
    context.clearRect(0, 0, edge, canvas.height);
    draw(window, pictures.bicubic);
    context.restore();
    context.fillStyle = HALO;
    context.fillRect(edge - 2 * dots(), 0, 4 * dots(), canvas.height);
    context.fillStyle = "#fff";
    context.fillRect(edge - dots(), 0, 2 * dots(), canvas.height);
  }
  const cell = cellFrame(traced.cell);
  frame(window, blockFrame(traced.cell), COLOURS.block, 1);
  frame(window, cell, COLOURS.cell, 2);
  ring(window, cell);
}

function drawReference(pictures, traced) {
  const found = traced.photo !== null;
  element("reference").hidden = !found;
  element("unfound").hidden = found;
  element("reference-name").textContent = found ? data.photos[traced.photo].name : "";
  if (!found) return;
  const window = windowOf(element("reference"), referenceCentre(traced));
  draw(window, pictures[`photo-${traced.photo}`]);
  for (const { photo, source } of traced.contributors) {
    if (source !== null && photo === traced.photo) frame(window, source, COLOURS.neighbour, 1);
  }
  frame(window, traced.block, COLOURS.block, 1);
  frame(window, traced.match, COLOURS.cell, 2);
  ring(window, traced.match);
}

function windowOf(canvas, centre) {
  fitCanvas(canvas, state.pane.width, state.pane.height);
  const x = centre.x - state.pane.width / 2 / state.zoom;
  const y = centre.y - state.pane.height / 2 / state.zoom;
  return openWindow(canvas, x, y, state.zoom * dots());
}

function drawLoupes(pictures, traced) {
  const count = data.traced ? 3 : 2;
  const side = Math.min(190, (element("loupes").clientWidth - 12 * (count - 1)) / count);
  const cell = cellFrame(traced.cell);
  const frames = [
    [blockFrame(traced.cell), COLOURS.block, 1],
    [cell, COLOURS.cell, 2],
  ];
  loupe(element("loupe-bicubic"), pictures.bicubic, cell.middle, LOUPE_PIXELS, side, frames);
  loupe(element("loupe-result"), pictures.result, cell.middle, LOUPE_PIXELS, side, frames);
  const found = traced.photo !== null;
  element("loupe-reference-figure").hidden = !found;
  if (!found) return;
  loupe(
    element("loupe-reference"),
    pictures[`photo-${traced.photo}`],
    traced.match.middle,
    Math.max(LOUPE_PIXELS, seenPixels(extent(traced.block) + 2)),
    side,
    [
      [traced.block, COLOURS.block, 1],
      [traced.match, COLOURS.cell, 2],
    ],
  );
}

// Enough whole pixels for an extent; rounding must not shift the picture of an upright match.
const seenPixels = (length) => SCALE + 2 * Math.ceil((length - SCALE) / 2);

const REASONS = {
  "no neighbour": "outside of the picture",
  "no match": "no match",
  "beyond the reference": "outside of the reference",
};

function drawContributors(pictures, traced) {
  traced.contributors.forEach((one, number) => {
    const tile = element(`contributor-${number}`);
    const canvas = tile.querySelector("canvas");
    tile.dataset.state = one.state;
    tile.classList.toggle("own", number === 4);
    canvas.hidden = one.source === null;
    const caption = tile.querySelector(".words");
    if (one.source === null) {
      caption.textContent = REASONS[one.state];
      tile.title = REASONS[one.state];
      return;
    }
    const pixels = Math.max(3 * SCALE, seenPixels(2 * extent(one.source)));
    loupe(canvas, pictures[`photo-${one.photo}`], one.source.middle, pixels, TILE, [
      [one.source, number === 4 ? COLOURS.cell : COLOURS.neighbour, 1],
    ]);
    const several = data.photos.length > 1 ? ` · ${one.photo + 1}` : "";
    caption.textContent = one.score.toFixed(3) + several;
    const name = data.photos[one.photo].name;
    tile.title = `${name}, ${pixelsOf(one.source)}, score ${one.score.toFixed(3)}`;
  });
}

// The pixels that a quadrilateral covers, to the nearest.
function pixelsOf(quadrilateral) {
  const { top, bottom, left, right } = ends(quadrilateral);
  const span = (low, high) => {
    const [first, last] = [nearest(low + 0.5), nearest(high - 0.5)];
    return last > first ? `${first}–${last}` : `${first}`;
  };
  return `rows ${span(top, bottom)}, columns ${span(left, right)}`;
}

function way({ cell, match, view }) {
  const own = cellFrame(cell).middle;
  const [down, right] = match.middle.map((place, axis) => Math.round(10 * (place - own[axis])) / 10);
  const parts = [];
  if (down) parts.push(`${Math.abs(down)} px ${down > 0 ? "down" : "up"}`);
  if (right) parts.push(`${Math.abs(right)} px ${right > 0 ? "right" : "left"}`);
  const moved = parts.length ? `${parts.join(", ")} of the same place` : "the very same place";
  return moved + shownAs(view);
}

// How the reference shows it, in words, where that differs.
function shownAs({ larger, turned, mirrored, tilted }) {
  const parts = [];
  if (larger >= 1.06) parts.push(`${larger.toFixed(1)} times larger`);
  if (larger <= 0.94) parts.push(`${(1 / Math.max(larger, 0.01)).toFixed(1)} times smaller`);
  if (mirrored) parts.push("mirrored");
  if (Math.abs(turned) >= 3) {
    const side = turned > 0 ? " anticlockwise" : " clockwise";
    parts.push(`turned by ${Math.abs(turned)} degrees${turned === 180 ? "" : side}`);
  }
  if (tilted) parts.push("tilted");
  return parts.length ? `; the reference shows it ${parts.join(", ")}` : "";
}

function words(traced) {
  const place = `row ${traced.row}, column ${traced.column}`;
  if (traced.photo === null) {
    const from = data.traced ? "nowhere: the model made it from the small image alone" : "";
    return { place, score: "no match", from, moved: "–", neighbours: "–" };
  }
  const { match, score, photo } = traced;
  const { name } = data.photos[photo];
  const count = data.photos.length > 1 ? ` (${photo + 1} of ${data.photos.length})` : "";
  const giving = traced.contributors.filter(({ source }) => source !== null).length;
  return {
    place,
    score: score.toFixed(3),
    from: `${name}${count}, ${pixelsOf(match)}`,
    moved: way(traced),
    neighbours: `${agreeing(traced)} of ${giving} offer the same pixels, give or take one`,
  };
}

// Write it all down; returns what a screen reader should say.
function tell(traced) {
  const facts = words(traced);
  for (const [name, text] of Object.entries(facts)) element(`fact-${name}`).textContent = text;
  element("point").dataset.provenance = JSON.stringify(traced);
  if (!data.traced) return facts.place;
  const at = 100 * between(traced.score, 0, 1);
  for (const end of ["x1", "x2"]) element("marker").setAttribute(end, at);
  return `${facts.place}: score ${facts.score}, from ${facts.from}; ${facts.neighbours}`;
}
