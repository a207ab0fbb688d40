// SPDX-License-Identifier: Apache-2.0
// What the page was made with: numbers, names and pictures.

const data = JSON.parse(document.getElementById("data").textContent);

const ARRAYS = {
  int8: Int8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  float32: Float32Array,
};

function unpack({ type, base64 }) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new ARRAYS[type](bytes.buffer);
}

const scores = unpack(data.score);
const photoNumbers = unpack(data.photo);
const places = unpack(data.place);
const slopes = unpack(data.slope);

// A picture and the size that coordinates count in; its file may be a reduced copy. Each level
// has half the sides of the one before, so that a large picture is shown small without delay.
async function load(image) {
  await image.decode();
  const levels = [await createImageBitmap(image)];
  for (;;) {
    const { width, height } = levels.at(-1);
    if (Math.max(width, height) < 1000 || Math.min(width, height) < 2) break;
    const half = { resizeWidth: width >> 1, resizeHeight: height >> 1, resizeQuality: "medium" };
    levels.push(await createImageBitmap(levels.at(-1), half));
  }
  return {
    levels,
    height: Number(image.dataset.height),
    width: Number(image.dataset.width),
    factor: Number(image.dataset.factor || 1),
  };
}

async function loadPictures() {
  const entries = [...document.querySelectorAll("#pictures img")].map(async (image) => [
    image.dataset.role,
    await load(image),
  ]);
  return Object.fromEntries(await Promise.all(entries));
}
