// SPDX-License-Identifier: Apache-2.0
// Where one point of the result comes from: the same as `provenance` in Python.

const [GRID_HEIGHT, GRID_WIDTH] = data.grid;
const SCALE = data.scale;

function matchOf(row, column) {
  const number = row * GRID_WIDTH + column;
  return {
    photo: photoNumbers[number],
    score: scores[number],
    row: matchPixels[2 * number],
    column: matchPixels[2 * number + 1],
  };
}

function provenance(row, column) {
  const cell = [Math.floor(row / SCALE), Math.floor(column / SCALE)];
  const found = matchOf(...cell);
  const traced = found.photo >= 0;
  const match = { row: found.row, column: found.column, height: SCALE, width: SCALE };
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
    match: traced ? match : null,
    block: traced ? around(match, data.photos[found.photo]) : null,
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
  const { photo, score, row, column } = matchOf(...neighbour);
  if (photo < 0) return { ...nothing, state: "no match" };
  const source = { row: row - SCALE * dy, column: column - SCALE * dx, height: SCALE, width: SCALE };
  const { height, width } = data.photos[photo];
  const gives =
    source.row >= 0 &&
    source.row <= height - SCALE &&
    source.column >= 0 &&
    source.column <= width - SCALE;
  const state = gives ? "gives" : "beyond the reference";
  return { cell: neighbour, state, photo, score, source: gives ? source : null };
}

// The 3 x 3 cells around a match, without what lies outside of the reference.
function around(match, photo) {
  const row = Math.max(0, match.row - match.height);
  const column = Math.max(0, match.column - match.width);
  const bottom = Math.min(photo.height, match.row + 2 * match.height);
  const right = Math.min(photo.width, match.column + 2 * match.width);
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
