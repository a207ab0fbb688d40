// SPDX-License-Identifier: Apache-2.0
// Everything that shows the point: panes, loupes, contributors, words.

const element = (id) => document.getElementById(id);
const LOUPE_PIXELS = SCALE * Math.max(5, 2 * Math.floor(Math.ceil(20 / SCALE) / 2) + 1);
const TILE = 54;

const cellFrame = ([row, column]) => ({
  row: row * SCALE,
  column: column * SCALE,
  height: SCALE,
  width: SCALE,
});

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
  frame(window, around(cell, RESULT_SIZE), COLOURS.block, 1);
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
  const shown = [...document.querySelectorAll(".loupe")].filter((figure) => figure.offsetParent);
  const side = Math.min(190, (element("loupes").clientWidth - 12 * 2) / 3);
  const cell = cellFrame(traced.cell);
  const frames = [
    [around(cell, RESULT_SIZE), COLOURS.block, 1],
    [cell, COLOURS.cell, 2],
  ];
  loupe(element("loupe-bicubic"), pictures.bicubic, cell, LOUPE_PIXELS, side, frames);
  loupe(element("loupe-result"), pictures.result, cell, LOUPE_PIXELS, side, frames);
  const found = traced.photo !== null;
  element("loupe-reference-figure").hidden = !found;
  if (!found || !shown.length) return;
  loupe(
    element("loupe-reference"),
    pictures[`photo-${traced.photo}`],
    traced.match,
    LOUPE_PIXELS,
    side,
    [
      [traced.block, COLOURS.block, 1],
      [traced.match, COLOURS.cell, 2],
    ],
  );
}

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
    const words = tile.querySelector(".words");
    if (one.source === null) {
      words.textContent = REASONS[one.state];
      tile.title = REASONS[one.state];
      return;
    }
    loupe(canvas, pictures[`photo-${one.photo}`], one.source, 3 * SCALE, TILE, [
      [one.source, number === 4 ? COLOURS.cell : COLOURS.neighbour, 1],
    ]);
    const several = data.photos.length > 1 ? ` · ${one.photo + 1}` : "";
    words.textContent = one.score.toFixed(2) + several;
    const name = data.photos[one.photo].name;
    tile.title = `${name}, row ${one.source.row}, column ${one.source.column}, score ${one.score.toFixed(2)}`;
  });
}

const span = (first, count) => `${first}–${first + count - 1}`;

function way(traced) {
  const down = traced.match.row - traced.cell[0] * SCALE;
  const right = traced.match.column - traced.cell[1] * SCALE;
  const parts = [];
  if (down) parts.push(`${Math.abs(down)} px ${down > 0 ? "down" : "up"}`);
  if (right) parts.push(`${Math.abs(right)} px ${right > 0 ? "right" : "left"}`);
  return parts.length ? `${parts.join(", ")} of the same place` : "the very same place";
}

function tell(traced) {
  const facts = { place: `row ${traced.row}, column ${traced.column}` };
  if (traced.photo === null) {
    facts.score = "no match";
    facts.from = "this place was made from the small image alone";
    facts.moved = facts.neighbours = "–";
  } else {
    const { block, match } = traced;
    facts.score = traced.score.toFixed(3);
    const name = data.photos[traced.photo].name;
    const count = data.photos.length > 1 ? ` (${traced.photo + 1} of ${data.photos.length})` : "";
    facts.from =
      `${name}${count}, rows ${span(match.row, match.height)}, ` +
      `columns ${span(match.column, match.width)}`;
    facts.moved = way(traced);
    const giving = traced.contributors.filter(({ source }) => source !== null).length;
    facts.neighbours = `${agreeing(traced)} of ${giving} offer the same pixels`;
    facts.block = `rows ${span(block.row, block.height)}, columns ${span(block.column, block.width)}`;
  }
  for (const [name, text] of Object.entries(facts)) {
    const place = element(`fact-${name}`);
    if (place) place.textContent = text;
  }
  element("point").dataset.provenance = JSON.stringify(traced);
  const marker = element("marker");
  const at = 100 * Math.min(Math.max(traced.score, 0), 1);
  for (const end of ["x1", "x2"]) marker.setAttribute(end, at);
  return `${facts.place}: score ${facts.score}, ${facts.from}, ${facts.neighbours}`;
}
