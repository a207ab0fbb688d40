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
  frame(window, around(cell.row, cell.column, SCALE, RESULT_SIZE), COLOURS.block, 1);
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
    [around(cell.row, cell.column, SCALE, RESULT_SIZE), COLOURS.block, 1],
    [cell, COLOURS.cell, 2],
  ];
  loupe(element("loupe-bicubic"), pictures.bicubic, cell, LOUPE_PIXELS, side, frames);
  loupe(element("loupe-result"), pictures.result, cell, LOUPE_PIXELS, side, frames);
  const found = traced.photo !== null;
  element("loupe-reference-figure").hidden = !found;
  if (!found) return;
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
    const caption = tile.querySelector(".words");
    if (one.source === null) {
      caption.textContent = REASONS[one.state];
      tile.title = REASONS[one.state];
      return;
    }
    loupe(canvas, pictures[`photo-${one.photo}`], one.source, 3 * SCALE, TILE, [
      [one.source, number === 4 ? COLOURS.cell : COLOURS.neighbour, 1],
    ]);
    const several = data.photos.length > 1 ? ` · ${one.photo + 1}` : "";
    caption.textContent = one.score.toFixed(3) + several;
    const name = data.photos[one.photo].name;
    tile.title = `${name}, row ${one.source.row}, column ${one.source.column}, score ${one.score.toFixed(3)}`;
  });
}

const span = (first, count) => `${first}–${first + count - 1}`;

function way(traced) {
  const down = traced.match.row - traced.cell[0] * SCALE;
  const right = traced.match.column - traced.cell[1] * SCALE;
  const parts = [];
  if (down) parts.push(`${Math.abs(down)} px ${down > 0 ? "down" : "up"}`);
  if (right) parts.push(`${Math.abs(right)} px ${right > 0 ? "right" : "left"}`);
  const seen = traced.zoom === 1 ? "" : `; the reference was seen at ${traced.zoom.toFixed(2)} of its size`;
  return (parts.length ? `${parts.join(", ")} of the same place` : "the very same place") + seen;
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
  const [rows, columns] = [span(match.row, match.height), span(match.column, match.width)];
  const giving = traced.contributors.filter(({ source }) => source !== null).length;
  return {
    place,
    score: score.toFixed(3),
    from: `${name}${count}, rows ${rows}, columns ${columns}`,
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
