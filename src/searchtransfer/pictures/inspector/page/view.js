// SPDX-License-Identifier: Apache-2.0
// What is looked at: one magnification for both panes, and the point that is asked about.

const [HEIGHT, WIDTH] = data.size;
const MOST_ZOOM = 40;

const state = {
  point: { row: Math.floor(HEIGHT / 2), column: Math.floor(WIDTH / 2) },
  pinned: false,
  layer: "none",
  opacity: 0.6,
  split: 0, // share of the pane, from the left, that shows bicubic
  wanted: 0, // the magnification asked for; 0 for fit
  zoom: 1, // that of now: CSS pixels to a pixel of the result
  centre: { x: WIDTH / 2, y: HEIGHT / 2 },
  pane: { width: 1, height: 1 },
};

const between = (value, low, high) => Math.min(Math.max(value, low), high);
const fitZoom = () => Math.min(state.pane.width / WIDTH, state.pane.height / HEIGHT);
const isFit = () => state.zoom <= fitZoom();

// Keep a picture of `length` pixels in a pane that shows `shown`: no empty rim, else centred.
function within(centre, shown, length) {
  if (shown >= length) return length / 2;
  return between(centre, shown / 2, length - shown / 2);
}

function settle(centre, { width, height }) {
  return {
    x: within(centre.x, state.pane.width / state.zoom, width),
    y: within(centre.y, state.pane.height / state.zoom, height),
  };
}

const RESULT_SIZE = { width: WIDTH, height: HEIGHT };

function panBy(dx, dy) {
  const { x, y } = state.centre;
  state.centre = settle({ x: x - dx / state.zoom, y: y - dy / state.zoom }, RESULT_SIZE);
}

const magnification = () => between(state.wanted, fitZoom(), Math.max(MOST_ZOOM, fitZoom()));

// Zoom so that what is at (x, y) of the pane stays there.
function zoomTo(zoom, x = state.pane.width / 2, y = state.pane.height / 2) {
  const [fromMiddleX, fromMiddleY] = [x - state.pane.width / 2, y - state.pane.height / 2];
  const before = state.zoom;
  state.wanted = zoom > fitZoom() ? zoom : 0;
  state.zoom = magnification();
  const change = 1 / before - 1 / state.zoom;
  const moved = {
    x: state.centre.x + fromMiddleX * change,
    y: state.centre.y + fromMiddleY * change,
  };
  state.centre = settle(moved, RESULT_SIZE);
}

// The pixel of the result at a place of the pane, if there is one.
function pixelAt(x, y) {
  const column = Math.floor(state.centre.x + (x - state.pane.width / 2) / state.zoom);
  const row = Math.floor(state.centre.y + (y - state.pane.height / 2) / state.zoom);
  return row >= 0 && row < HEIGHT && column >= 0 && column < WIDTH ? { row, column } : null;
}

// Bring the point into sight.
function follow() {
  const { row, column } = state.point;
  const [reachX, reachY] = [
    (0.4 * state.pane.width) / state.zoom,
    (0.4 * state.pane.height) / state.zoom,
  ];
  const centre = {
    x: between(state.centre.x, column - reachX, column + reachX),
    y: between(state.centre.y, row - reachY, row + reachY),
  };
  state.centre = settle(centre, RESULT_SIZE);
}

// The centre of the reference's pane: the match lies where the point lies, but moved a little, for
// an upright match by up to two cells, where its block would stick out.
function referenceCentre({ cell, match, block, photo }) {
  const reach = extent(block) / 2 + SCALE / 2;
  const aligned = (centre, axis, length) => {
    const middle = match.middle[axis] + 0.5;
    const exact = centre + middle - (cell[axis] + 0.5) * SCALE;
    const half = length / 2 / state.zoom;
    const rim = Math.min(reach, half / 2);
    const whole = between(exact, middle - half + rim, middle + half - rim);
    return exact + between(whole - exact, -rim, rim);
  };
  const centre = {
    x: aligned(state.centre.x, 1, state.pane.width),
    y: aligned(state.centre.y, 0, state.pane.height),
  };
  return settle(centre, data.photos[photo]);
}
