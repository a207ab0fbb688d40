// SPDX-License-Identifier: Apache-2.0
// Pointer, keys, buttons; and the start.

const STEP = 1.5;
const DRAG = 4; // CSS pixels that a press may move and still be a click
const GRIP = 12; // CSS pixels beside the divider that take hold of it

function start(pictures) {
  let waiting = false;
  let spoken = "";

  function refresh() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      render();
    });
  }

  function render() {
    const traced = provenance(state.point.row, state.point.column);
    drawResult(pictures, traced);
    if (data.traced) {
      drawReference(pictures, traced);
      drawContributors(pictures, traced);
    }
    drawLoupes(pictures, traced);
    spoken = tell(traced);
    element("zoom").textContent = `${Math.round(100 * state.zoom)}%`;
    element("pin").setAttribute("aria-pressed", state.pinned);
    element("pin").textContent = state.pinned ? "Unpin the point" : "Pin the point";
    element("stage").classList.toggle("split", state.split > 0);
    for (const canvas of panes) canvas.style.touchAction = isFit() ? "pan-y" : "none";
  }

  function layOut() {
    const width = element("result").parentElement.clientWidth;
    // A frame grows with what is in it, so the window's height says nothing there.
    const tall = window.parent === window ? window.innerHeight : Math.min(screen.availHeight, 900);
    const tallest = Math.max(320, 0.62 * tall);
    const height = Math.max(Math.min((width * HEIGHT) / WIDTH, tallest), 160);
    state.pane = { width: Math.floor(width), height: Math.floor(height) };
    element("unfound").style.height = `${state.pane.height}px`;
    state.zoom = magnification();
    state.centre = settle(state.centre, RESULT_SIZE);
    refresh();
  }

  function select(row, column) {
    state.point = {
      row: between(row, 0, HEIGHT - 1),
      column: between(column, 0, WIDTH - 1),
    };
    refresh();
  }

  function click(pixel) {
    const same =
      Math.floor(pixel.row / SCALE) === Math.floor(state.point.row / SCALE) &&
      Math.floor(pixel.column / SCALE) === Math.floor(state.point.column / SCALE);
    state.pinned = !(state.pinned && same);
    select(pixel.row, pixel.column);
  }

  const panes = [element("result"), element("reference")];

  function listen(canvas) {
    const pressed = new Map();
    let dragging = false;
    let dividing = false;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    const spread = () => {
      const [one, other] = [...pressed.values()];
      return Math.hypot(one.x - other.x, one.y - other.y);
    };
    const onResult = canvas.id === "result";

    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      const at = place(event);
      pressed.set(event.pointerId, at);
      dragging = pressed.size > 1;
      dividing =
        onResult && state.split > 0 && Math.abs(at.x - state.split * state.pane.width) < GRIP;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      const at = place(event);
      const before = pressed.get(event.pointerId);
      if (!before) {
        const pixel = onResult && !state.pinned && pixelAt(at.x, at.y);
        if (pixel) select(pixel.row, pixel.column);
        return;
      }
      if (dividing) {
        setSplit(at.x / state.pane.width);
        return;
      }
      dragging ||= Math.hypot(at.x - before.x, at.y - before.y) > DRAG;
      if (!dragging) return;
      const earlier = pressed.size === 2 ? spread() : 0;
      pressed.set(event.pointerId, at);
      if (earlier) zoomTo((state.zoom * spread()) / earlier, at.x, at.y);
      else panBy(at.x - before.x, at.y - before.y);
      refresh();
    });
    const release = (event, isClick) => {
      const at = place(event);
      const was = pressed.delete(event.pointerId);
      const pixel = was && isClick && onResult && !dragging && !dividing && pixelAt(at.x, at.y);
      if (pixel) click(pixel);
    };
    canvas.addEventListener("pointerup", (event) => release(event, true));
    canvas.addEventListener("pointercancel", (event) => release(event, false));
    canvas.addEventListener(
      "wheel",
      (event) => {
        // A plain wheel scrolls the page, unless the picture was chosen by a click.
        if (!event.ctrlKey && document.activeElement !== canvas) return;
        event.preventDefault();
        const { x, y } = place(event);
        zoomTo(state.zoom * Math.exp(-event.deltaY / 400), x, y);
        refresh();
      },
      { passive: false },
    );
  }

  function setSplit(share) {
    state.split = between(share, 0, 1);
    element("split").value = Math.round(100 * state.split);
    refresh();
  }

  const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

  function key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const move = MOVES[event.key];
    if (move) {
      const cells = event.shiftKey ? 8 : 1;
      const [dy, dx] = move.map((x) => x * cells * SCALE);
      select(state.point.row + dy, state.point.column + dx);
      follow();
    } else if (event.key === "Enter" || event.key === " ") state.pinned = !state.pinned;
    else if (event.key === "Escape") state.pinned = false;
    else if (event.key === "+" || event.key === "=") zoomAtPoint(STEP);
    else if (event.key === "-") zoomAtPoint(1 / STEP);
    else if (event.key === "0") zoomTo(0);
    else return;
    event.preventDefault();
    render();
    if (move) element("spoken").textContent = spoken;
  }

  function zoomAtPoint(factor) {
    const x = (state.point.column + 0.5 - state.centre.x) * state.zoom + state.pane.width / 2;
    const y = (state.point.row + 0.5 - state.centre.y) * state.zoom + state.pane.height / 2;
    zoomTo(state.zoom * factor, x, y);
    follow();
    refresh();
  }

  const buttons = {
    "zoom-in": () => zoomAtPoint(STEP),
    "zoom-out": () => zoomAtPoint(1 / STEP),
    "zoom-fit": () => zoomTo(0),
    "zoom-pixels": () => zoomAtPoint(1 / state.zoom),
    pin: () => (state.pinned = !state.pinned),
  };
  for (const [id, action] of Object.entries(buttons)) {
    element(id).addEventListener("click", () => {
      action();
      refresh();
    });
  }
  for (const choice of document.querySelectorAll("input[name=layer]")) {
    choice.addEventListener("change", () => {
      state.layer = choice.value;
      element("opacity").disabled = choice.value === "none";
      refresh();
    });
  }
  element("opacity").addEventListener("input", (event) => {
    state.opacity = event.target.value / 100;
    refresh();
  });
  element("split").addEventListener("input", (event) => setSplit(event.target.value / 100));
  panes.forEach(listen);
  element("result").addEventListener("keydown", key);
  // A file that is dropped here does not take the place of this page; a page around it may take it.
  for (const type of ["dragenter", "dragover", "drop"]) {
    addEventListener(type, (event) => {
      event.preventDefault();
      if (type === "dragenter") parent.postMessage({ inspectorDragged: true }, "*");
    });
  }
  new ResizeObserver(() => requestAnimationFrame(layOut)).observe(element("panes"));
  layOut();
  return { select, render };
}

function fail(error) {
  element("help").textContent = `The pictures cannot be shown by this browser (${error.message}).`;
  throw error;
}

// A page that holds this one in a frame learns how high it is, to spare it a scroll bar of its own.
if (window.parent !== window) {
  const tell = () =>
    window.parent.postMessage({ inspectorHeight: document.body.scrollHeight + 1 }, "*");
  new ResizeObserver(tell).observe(document.body);
}

// For tests and for pages that hold this one.
window.inspector = {
  ready: loadPictures().then((pictures) => {
    const { select, render } = start(pictures);
    Object.assign(window.inspector, {
      state,
      provenance,
      select(row, column) {
        select(row, column);
        state.pinned = true;
        follow();
        render();
      },
    });
    render();
    document.body.dataset.ready = "yes";
  }, fail),
};
