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

// A frame around pixels, just outside of them, with a dark line on either side.
function frame({ context, x, y, zoom }, { row, column, height, width }, colour, thickness) {
  const line = Math.max(1, Math.round(thickness * dots()));
  const left = Math.round((column - x) * zoom) - line / 2;
  const top = Math.round((row - y) * zoom) - line / 2;
  const wide = Math.round(width * zoom) + line;
  const tall = Math.round(height * zoom) + line;
  for (const [style, weight] of [
    [HALO, line + 2 * Math.max(1, Math.round(dots()))],
    [colour, line],
  ]) {
    context.strokeStyle = style;
    context.lineWidth = weight;
    context.strokeRect(left, top, wide, tall);
  }
}

// A ring where frames are too small to be found.
function ring({ context, x, y, zoom }, { row, column, height, width }) {
  const radius = 14 * dots();
  if (3 * Math.max(height, width) * zoom > 2 * radius) return; // the block is larger
  for (const [style, weight] of [
    [HALO, 4.5],
    [COLOURS.cell, 2.5],
  ]) {
    context.strokeStyle = style;
    context.lineWidth = weight * dots();
    context.beginPath();
    const [centreX, centreY] = [(column + width / 2 - x) * zoom, (row + height / 2 - y) * zoom];
    context.arc(centreX, centreY, radius, 0, 2 * Math.PI);
    context.stroke();
  }
}

// A square loupe: whole device pixels to a pixel, so that values stay what they are.
function loupe(canvas, picture, middle, pixels, side, frames) {
  const zoom = Math.max(1, Math.floor((side * dots()) / pixels));
  fitCanvas(canvas, (pixels * zoom) / dots(), (pixels * zoom) / dots());
  const x = middle.column - Math.floor((pixels - middle.width) / 2);
  const y = middle.row - Math.floor((pixels - middle.height) / 2);
  const window = openWindow(canvas, x, y, zoom);
  draw(window, picture, { smooth: false });
  for (const [rectangle, colour, thickness] of frames) frame(window, rectangle, colour, thickness);
  canvas.dataset.zoom = zoom;
}
