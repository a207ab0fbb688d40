// SPDX-License-Identifier: Apache-2.0
// Where one point of the result comes from: the same as `provenance` in Python.

const [GRID_HEIGHT, GRID_WIDTH] = data.grid;
const [PLACE, SLOPE] = data.steps;
const SCALE = data.scale;
const MARGIN = 0.2; // pixels by which an offer may stick out of a reference
const TILTED = 2.02; // squared lengths over area from which on a match is tilted

// The match of a cell: its middle, and where a step down and one to the right lead; or null.
function foundAt([row, column]) {
  const number = row * GRID_WIDTH + column;
  if (photoNumbers[number] < 0) return null;
  const [a, b, c, d] = [0, 1, 2, 3].map((i) => slopes[4 * number + i] / SLOPE);
  const middle = [places[2 * number] / PLACE, places[2 * number + 1] / PLACE];
  return { photo: photoNumbers[number], middle, slopes: [a, b, c, d] };
}

const scoreAt = ([row, column]) => scores[row * GRID_WIDTH + column];

function provenance(row, column) {
  const cell = [Math.floor(row / SCALE), Math.floor(column / SCALE)];
  const found = foundAt(cell);
  const contributors = [];
  for (const dy of [-1, 0, 1]) {
    for (const dx of [-1, 0, 1]) contributors.push(contributor(cell, dy, dx));
  }
  return {
    row,
    column,
    cell,
    score: scoreAt(cell),
    photo: found && found.photo,
    view: found && viewOf(found.slopes),
    match: found && framed(found.middle, found.slopes, SCALE / 2),
    block: found && framed(found.middle, found.slopes, (3 * SCALE) / 2),
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
  const found = foundAt(neighbour);
  if (!found) return { ...nothing, state: "no match" };
  const middle = led(found.middle, found.slopes, -SCALE * dy, -SCALE * dx);
  const source = framed(middle, found.slopes, SCALE / 2);
  const { height, width } = data.photos[found.photo];
  const within = (place, length) => place >= -0.5 - MARGIN && place <= length - 0.5 + MARGIN;
  const shown = source.corners.every(([y, x]) => within(y, height) && within(x, width));
  const gives = shown || (dy === 0 && dx === 0);
  const state = gives ? "gives" : "beyond the reference";
  const score = scoreAt(neighbour);
  return { cell: neighbour, state, photo: found.photo, score, source: gives ? source : null };
}

// Where a step of so many pixels of the result leads.
function led([y, x], [a, b, c, d], down, right) {
  return [y + (a * down + b * right), x + (c * down + d * right)];
}

// A square of the result around a place, half its side given in pixels.
function framed(middle, slopes, half) {
  const ways = [
    [-half, -half],
    [-half, half],
    [half, half],
    [half, -half],
  ];
  return { middle, corners: ways.map(([down, right]) => led(middle, slopes, down, right)) };
}

// How the reference shows what a cell shows.
function viewOf([a, b, c, d]) {
  const area = a * d - b * c;
  const mirrored = area < 0;
  const sign = mirrored ? -1 : 1; // the step to the right leads the other way
  const degrees = nearest((Math.atan2(c - sign * b, a + sign * d) * 180) / Math.PI);
  return {
    larger: nearest(100 * Math.sqrt(Math.abs(area))) / 100,
    turned: degrees === -180 ? 180 : degrees,
    mirrored,
    tilted: a * a + b * b + c * c + d * d > TILTED * Math.abs(area),
  };
}

const nearest = (value) => Math.floor(value + 0.5);

// How many of the nine offer the same as the cell's own match, within a pixel of the result.
function agreeing(traced) {
  const most = Math.max(1, traced.view.larger);
  return traced.contributors.filter(
    ({ photo, source }) =>
      source !== null &&
      photo === traced.photo &&
      Math.abs(source.middle[0] - traced.match.middle[0]) <= most &&
      Math.abs(source.middle[1] - traced.match.middle[1]) <= most,
  ).length;
}
