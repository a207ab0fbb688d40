// SPDX-License-Identifier: Apache-2.0
// Where one point of the result comes from: the same as `provenance` in Python.

const [GRID_HEIGHT, GRID_WIDTH] = data.grid;
const SCALE = data.scale;

function matchOf(row, column) {
  const number = row * GRID_WIDTH + column;
  return {
    photo: photoNumbers[number],
    score: scores[number],
    zoom: zooms ? zooms[number] : 1,
    row: matchPixels[2 * number],
    column: matchPixels[2 * number + 1],
  };
}

function provenance(row, column) {
  const cell = [Math.floor(row / SCALE), Math.floor(column / SCALE)];
  const found = matchOf(...cell);
  const traced = found.photo >= 0;
  const photo = data.photos[found.photo];
  const side = nearest(SCALE / found.zoom);
  const contributors = [];
  for (const dy of [-1, 0, 1]) {
    for (const dx of [-1, 0, 1]) contributors.push(contributor(cell, dy, dx));
  }
  return {
    row,
    column,
    cell,
    score: found.score,
    photo: traced ? found.photo : null,
    zoom: found.zoom,
    match: traced ? cut(found.row, found.column, side, photo) : null,
    block: traced ? around(found.row, found.column, side, photo) : null,
    contributors,
  };
}

function contributor(cell, dy, dx) {
  const neighbour = [cell[0] + dy, cell[1] + dx];
  const nothing = { cell: neighbour, photo: null, score: null, source: null };
  const inside =
    neighbour[0] >= 0 &&
    neighbour[0] < GRID_HEIGHT &&
    neighbour[1] >= 0 &&
    neighbour[1] < GRID_WIDTH;
  if (!inside) return { ...nothing, state: "no neighbour" };
  const { photo, score, zoom, row, column } = matchOf(...neighbour);
  if (photo < 0) return { ...nothing, state: "no match" };
  const { height, width } = data.photos[photo];
  const [top, left] = [nearest(row - (SCALE / zoom) * dy), nearest(column - (SCALE / zoom) * dx)];
  const gives = top >= 0 && top <= height - SCALE && left >= 0 && left <= width - SCALE;
  const source = cut(top, left, nearest(SCALE / zoom), { height, width });
  const state = gives ? "gives" : "beyond the reference";
  return { cell: neighbour, state, photo, score, source: gives ? source : null };
}

const nearest = (value) => Math.floor(value + 0.5);

function cut(row, column, side, { height, width }) {
  return { row, column, height: Math.min(side, height - row), width: Math.min(side, width - column) };
}

// The 3 x 3 cells around a match, without what lies outside of the reference.
function around(top, left, side, photo) {
  const row = Math.max(0, top - side);
  const column = Math.max(0, left - side);
  const bottom = Math.min(photo.height, top + 2 * side);
  const right = Math.min(photo.width, left + 2 * side);
  return { row, column, height: bottom - row, width: right - column };
}

// How many of the nine offer the same pixels as the cell's own match, within one pixel.
function agreeing(traced) {
  return traced.contributors.filter(
    ({ photo, source }) =>
      source !== null &&
      photo === traced.photo &&
      Math.abs(source.row - traced.match.row) <= 1 &&
      Math.abs(source.column - traced.match.column) <= 1,
  ).length;
}
