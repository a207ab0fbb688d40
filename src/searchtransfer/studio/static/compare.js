// SPDX-License-Identifier: Apache-2.0
// <st-compare>: pictures of one size, the last to the right of a slider, one of the others to the
// left; zoom, and a lens that shows both at the same place.

const LENS = 150; // CSS pixels on a side of each half, less where there is no room
const STEP = 1.5; // zoom of one press
const MOST = 16; // CSS pixels of a pixel

const template = `
<div class="st-bar" role="toolbar" aria-label="View">
  <label class="st-choice">Left <select></select></label>
  <span class="st-zoom">
    <button type="button" data-do="out" aria-label="Zoom out" title="Zoom out (-)">&minus;</button>
    <output aria-label="Zoom"></output>
    <button type="button" data-do="in" aria-label="Zoom in" title="Zoom in (+)">+</button>
    <button type="button" data-do="fit" title="The whole picture (0)">Fit</button>
    <button type="button" data-do="full" title="One pixel for a pixel (1)">1:1</button>
  </span>
  <button type="button" data-do="lens" aria-pressed="false" title="Enlarge both sides at one place (L)">Lens</button>
</div>
<div class="st-stage" tabindex="0" role="group"
  aria-label="Pictures. Arrow keys move the picture or the lens; plus and minus zoom; L switches the lens.">
  <div class="st-layer st-left"></div>
  <div class="st-layer st-right"></div>
  <span class="st-tag st-tag-left"></span><span class="st-tag st-tag-right"></span>
  <div class="st-divider" role="slider" tabindex="0" aria-label="Divider between before and after"
    aria-valuemin="0" aria-valuemax="100"><i></i></div>
  <div class="st-lens" hidden aria-hidden="true"><i></i><i></i></div>
</div>
<p class="st-hint">Drag the divider. Zoom in to drag the picture. Keyboard: arrows, + and &minus;, L for the lens.</p>`;

class Compare extends HTMLElement {
  connectedCallback() {
    if (this.pictures) return;
    this.pictures = [...this.querySelectorAll("img")];
    this.size = [Number(this.dataset.width), Number(this.dataset.height)];
    this.innerHTML = template;
    const find = (selector) => this.querySelector(selector);
    [this.stage, this.divider, this.lens, this.select] =
      [".st-stage", ".st-divider", ".st-lens", "select"].map(find);
    this.right = this.pictures[this.pictures.length - 1];
    find(".st-right").append(this.right);
    find(".st-tag-right").textContent = this.right.dataset.label;
    this.pictures.slice(0, -1).forEach((picture, number) => this.select.add(new Option(picture.dataset.label, number)));
    find(".st-choice").hidden = this.pictures.length < 3;
    this.select.addEventListener("change", () => this.choose());
    this.place = 50; // of the divider, percent
    this.point = [0.5, 0.5]; // of the lens, part of the stage
    this.choose();
    this.addEventListener("click", (event) => event.target.dataset?.do && this.act(event.target.dataset.do));
    this.stage.addEventListener("keydown", (event) => this.key(event));
    this.stage.addEventListener("pointerdown", (event) => this.press(event));
    this.stage.addEventListener("pointermove", (event) => this.move(event));
    this.stage.addEventListener("dblclick", () => this.act(this.fitted ? "full" : "fit"));
    this.stage.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
      event.preventDefault();
      this.zoom(this.scale * (event.deltaY < 0 ? STEP : 1 / STEP), this.within(event));
    }, { passive: false });
    this.watcher = new ResizeObserver(() => this.resize());
    this.watcher.observe(this);
  }

  disconnectedCallback() { this.watcher?.disconnect(); }

  choose() {
    this.left = this.pictures[Number(this.select.value)];
    this.querySelector(".st-left").replaceChildren(this.left);
    this.querySelector(".st-tag-left").textContent = this.left.dataset.label;
    this.draw();
  }

  get fitted() { return this.scale <= this.fit * 1.001; }

  resize() {
    const width = this.clientWidth;
    if (!width) return;
    const fitted = this.scale === undefined || this.fitted;
    const height = Math.max(160, Math.min(width * this.size[1] / this.size[0], innerHeight * 0.72));
    this.stage.style.height = `${height}px`;
    this.stage.style.width = `${Math.min(width, Math.max(320, height * this.size[0] / this.size[1]))}px`;
    this.view = [this.stage.clientWidth, this.stage.clientHeight];
    this.fit = Math.min(this.view[0] / this.size[0], this.view[1] / this.size[1]);
    if (fitted) this.zoom(this.fit); else this.zoom(this.scale);
  }

  zoom(scale, about = [this.view[0] / 2, this.view[1] / 2]) {
    scale = Math.min(Math.max(scale, this.fit), Math.max(MOST, this.fit));
    const before = this.scale ?? scale;
    const offset = this.offset ?? [0, 0];
    this.offset = offset.map((at, axis) => about[axis] - (about[axis] - at) * scale / before);
    this.scale = scale;
    this.draw();
  }

  // Pictures stay in the stage: in the middle where they are smaller, without a gap where larger.
  hold() {
    this.offset = this.offset.map((at, axis) => {
      const free = this.view[axis] - this.size[axis] * this.scale;
      return free >= 0 ? free / 2 : Math.min(0, Math.max(free, at));
    });
  }

  draw() {
    if (!this.view) return;
    this.hold();
    for (const picture of [this.left, this.right]) {
      picture.style.width = `${this.size[0]}px`;
      picture.style.height = `${this.size[1]}px`;
      picture.style.transform = `translate(${this.offset[0]}px, ${this.offset[1]}px) scale(${this.scale})`;
      picture.style.imageRendering = this.scale * devicePixelRatio >= 2 ? "pixelated" : "auto";
    }
    this.querySelector(".st-left").style.clipPath = `inset(0 ${100 - this.place}% 0 0)`;
    this.querySelector(".st-right").style.clipPath = `inset(0 0 0 ${this.place}%)`;
    this.divider.style.left = `${this.place}%`;
    this.divider.setAttribute("aria-valuenow", Math.round(this.place));
    this.divider.setAttribute("aria-valuetext", `${Math.round(this.place)} % ${this.left.dataset.label}`);
    this.querySelector("output").textContent = `${Math.round(this.scale * 100)} %`;
    this.stage.classList.toggle("st-zoomed", !this.fitted);
    this.drawLens();
  }

  drawLens() {
    if (this.lens.hidden) return;
    const at = this.point.map((part, axis) => part * this.view[axis]);
    const pixel = at.map((value, axis) => Math.min(this.size[axis], Math.max(0, (value - this.offset[axis]) / this.scale)));
    const side = Math.min(LENS, this.view[0] / 2 - 8, this.view[1] / 2 - 30);
    const scale = Math.max(4, this.scale * 3);
    [this.left, this.right].forEach((picture, half) => {
      const style = this.lens.children[half].style;
      style.backgroundImage = `url("${picture.src}")`;
      style.backgroundSize = `${this.size[0] * scale}px ${this.size[1] * scale}px`;
      style.backgroundPosition = pixel.map((value) => `${side / 2 - value * scale}px`).join(" ");
      style.width = style.height = `${side}px`;
    });
    const width = 2 * side + 8;
    this.lens.style.left = `${Math.min(this.view[0] - width, Math.max(0, at[0] - width / 2))}px`;
    this.lens.style.top = `${at[1] > side + 28 ? at[1] - side - 22 : at[1] + 20}px`;
  }

  act(what) {
    if (what === "in") this.zoom(this.scale * STEP);
    if (what === "out") this.zoom(this.scale / STEP);
    if (what === "fit") this.zoom(this.fit);
    if (what === "full") this.zoom(1 / devicePixelRatio);
    if (what === "lens") {
      this.lens.hidden = !this.lens.hidden;
      this.querySelector("[data-do=lens]").setAttribute("aria-pressed", String(!this.lens.hidden));
      this.drawLens();
    }
  }

  key(event) {
    const shortcut = { "+": "in", "=": "in", "-": "out", "0": "fit", "1": "full", l: "lens", L: "lens" }[event.key];
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (shortcut) this.act(shortcut);
    else if (event.target === this.divider && (arrow?.[0] || event.key === "Home" || event.key === "End")) {
      this.slide(event.key === "Home" ? 0 : event.key === "End" ? 100 : this.place + 2 * arrow[0]);
    } else if (arrow && !this.lens.hidden) {
      this.point = this.point.map((part, axis) => Math.min(1, Math.max(0, part + 0.02 * arrow[axis])));
      this.drawLens();
    } else if (arrow && !this.fitted) {
      this.offset = this.offset.map((at, axis) => at - 40 * arrow[axis]);
      this.draw();
    } else return;
    event.preventDefault();
  }

  within(event) {
    const box = this.stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  slide(place) {
    this.place = Math.min(100, Math.max(0, place));
    this.draw();
  }

  press(event) {
    if (event.button) return;
    this.stage.setPointerCapture(event.pointerId);
    this.drag = event.target.closest(".st-divider") || this.fitted ? "divider" : "picture";
    this.last = this.within(event);
    if (this.drag === "divider" && this.lens.hidden) this.slide(100 * this.last[0] / this.view[0]);
  }

  move(event) {
    const at = this.within(event);
    if (event.buttons && this.drag === "divider") this.slide(100 * at[0] / this.view[0]);
    if (event.buttons && this.drag === "picture") {
      this.offset = this.offset.map((value, axis) => value + at[axis] - this.last[axis]);
      this.draw();
    }
    this.last = at;
    this.point = at.map((value, axis) => value / this.view[axis]);
    this.drawLens();
  }
}

customElements.define("st-compare", Compare);
