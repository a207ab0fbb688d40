// SPDX-License-Identifier: Apache-2.0
// Pictures and frames on canvases, in the pixels of the screen so that they are sharp on any.

const dots = () => window.devicePixelRatio || 1;

const COLOURS = { cell: "#ffb000", block: "#ffffff", neighbour: "#4cc3ff" };
const HALO = "rgba(10, 12, 16, 0.75)";

// Make the canvas as fine as the screen; returns whether its size changed.
function fitCanvas(canvas, width, height) {
  const [fineWidth, fineHeight] = [Math.round(width * dots()), Math.round(height * dots())];
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  if (canvas.width === fineWidth && canvas.height === fineHeight) return false;
  canvas.width = fineWidth;
  canvas.height = fineHeight;
  return true;
}

// A window onto pictures: `zoom` device pixels to a pixel, pixel (x, y) at the canvas's corner.
function openWindow(canvas, x, y, zoom) {
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  return { context, x, y, zoom };
}

function draw({ context, x, y, zoom }, picture, { smooth = zoom < 2, opacity = 1 } = {}) {
  const { levels, width, height, factor } = picture;
  const shrunk = smooth ? Math.floor(Math.log2(Math.max(1, 1 / (zoom * factor)))) : 0;
  const bitmap = levels[Math.min(shrunk, levels.length - 1)];
  context.imageSmoothingEnabled = smooth;
  context.imageSmoothingQuality = "high";
  context.globalAlpha = opacity;
  context.drawImage(
    bitmap,
    0,
    0,
    (bitmap.width * width) / factor / levels[0].width,
    (bitmap.height * height) / factor / levels[0].height,
    -x * zoom,
    -y * zoom,
    width * zoom,
    height * zoom,
  );
  context.globalAlpha = 1;
}

// Pixels as a quadrilateral: rows and columns of the middle and the corners.
function box(row, column, height, width) {
  const [top, left] = [row - 0.5, column - 0.5]; // the middle of the first pixel is (0, 0)
  const [bottom, right] = [top + height, left + width];
  return {
    middle: [(top + bottom) / 2, (left + right) / 2],
    corners: [
      [top, left],
      [top, right],
      [bottom, right],
      [bottom, left],
    ],
  };
}

// The first and last row and column that corners reach.
function ends({ corners }) {
  const [rows, columns] = [corners.map(([y]) => y), corners.map(([, x]) => x)];
  return {
    top: Math.min(...rows),
    bottom: Math.max(...rows),
    left: Math.min(...columns),
    right: Math.max(...columns),
  };
}

// The longer side of the upright square that holds a quadrilateral, in pixels.
function extent(quadrilateral) {
  const { top, bottom, left, right } = ends(quadrilateral);
  return Math.max(bottom - top, right - left);
}

// A frame around a quadrilateral, just outside of it, with a dark line on either side.
function frame(window, quadrilateral, colour, thickness) {
  const { context } = window;
  const line = Math.max(1, Math.round(thickness * dots()));
  const outline = grown(onCanvas(window, quadrilateral), line / 2);
  for (const [style, weight] of [
    [HALO, line + 2 * Math.max(1, Math.round(dots()))],
    [colour, line],
  ]) {
    context.strokeStyle = style;
    context.lineWidth = weight;
    context.lineJoin = "miter";
    context.beginPath();
    for (const [x, y] of outline) context.lineTo(x, y);
    context.closePath();
    context.stroke();
  }
}

// Corners on a canvas; those of an upright frame on whole dots, so that its lines are sharp.
function onCanvas({ x, y, zoom }, { corners }) {
  const points = corners.map(([row, column]) => [
    (column + 0.5 - x) * zoom,
    (row + 0.5 - y) * zoom,
  ]);
  const sides = points.map((one, number) => [one, points[(number + 1) % 4]]);
  const upright = sides.every(
    ([one, other]) => Math.min(Math.abs(one[0] - other[0]), Math.abs(one[1] - other[1])) < 0.5,
  );
  return upright ? points.map((point) => point.map(Math.round)) : points;
}

// A parallelogram whose sides lie so much farther out.
function grown(points, more) {
  const [first, second, third, fourth] = points;
  const way = (one, other) => {
    const [x, y] = [other[0] - one[0], other[1] - one[1]];
    const length = Math.hypot(x, y) || 1;
    return [(x * more) / length, (y * more) / length];
  };
  const [across, along] = [way(first, second), way(first, fourth)];
  const moved = ([x, y], right, down) => [
    x + right * across[0] + down * along[0],
    y + right * across[1] + down * along[1],
  ];
  return [moved(first, -1, -1), moved(second, 1, -1), moved(third, 1, 1), moved(fourth, -1, 1)];
}

// A ring where frames are too small to be found.
function ring({ context, x, y, zoom }, quadrilateral) {
  const radius = 14 * dots();
  if (3 * extent(quadrilateral) * zoom > 2 * radius) return; // the block is larger
  const [row, column] = quadrilateral.middle;
  for (const [style, weight] of [
    [HALO, 4.5],
    [COLOURS.cell, 2.5],
  ]) {
    context.strokeStyle = style;
    context.lineWidth = weight * dots();
    context.beginPath();
    context.arc((column + 0.5 - x) * zoom, (row + 0.5 - y) * zoom, radius, 0, 2 * Math.PI);
    context.stroke();
  }
}

// A square loupe: where they fit, whole dots of the screen to a pixel, so that values stay what
// they are.
function loupe(canvas, picture, [row, column], pixels, side, frames) {
  const most = (side * dots()) / pixels;
  const zoom = most < 1 ? most : Math.floor(most);
  fitCanvas(canvas, (pixels * zoom) / dots(), (pixels * zoom) / dots());
  const [x, y] = [column, row].map((middle) => Math.round(middle + 0.5 - pixels / 2));
  const window = openWindow(canvas, x, y, zoom);
  draw(window, picture, { smooth: zoom < 1 });
  for (const [quadrilateral, colour, thickness] of frames) {
    frame(window, quadrilateral, colour, thickness);
  }
  canvas.dataset.zoom = zoom;
}
