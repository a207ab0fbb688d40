// SPDX-License-Identifier: Apache-2.0
// <st-drop>: takes files by dropping, choosing or pasting, and sends each. What the server keeps is
// shown by the page.

const WORDS = {
  small: ["Small image", "The one to make sharp; several at once if you like."],
  reference: ["References", "Sharp photos of the same things."],
};

export class Drop extends HTMLElement {
  connectedCallback() {
    const [title, hint] = WORDS[this.dataset.kind];
    this.innerHTML = `<label class="st-zone"><span class="st-title">${title}</span>
      <span class="st-hint"><span class="st-what">${hint}</span> Drop anywhere, paste, or choose<span class="st-accepted"></span>.</span>
      <input type="file" aria-label="${title}" multiple></label>
      <p class="st-message" role="alert" hidden></p>
      <ul class="st-files" aria-label="${title} chosen"></ul>`;
    this.input = this.querySelector("input");
    this.input.addEventListener("change", () => {
      const files = [...this.input.files];
      this.input.value = "";
      this.send(files);
    });
    this.addEventListener("click", (event) => {
      const id = event.target.dataset?.remove;
      if (id) this.ask(this.dataset.base + id, { method: "DELETE" }).then(() => this.input.focus());
    });
  }

  entitle(title, hint) {
    this.querySelector(".st-title").textContent = title;
    this.querySelector(".st-what").textContent = hint;
    this.input.setAttribute("aria-label", title);
  }

  accept({ endings, names }) {
    this.input.accept = endings;
    if (this.dataset.kind === "small") this.querySelector(".st-accepted").textContent = `: ${names}`;
  }

  // Several small images at once stand beside each other; the next ones replace them.
  async send(files) {
    this.say("");
    this.classList.add("st-busy");
    let more = "";
    for (const file of files) {
      const headers = { "X-Name": encodeURIComponent(file.name), "X-More": more };
      if (await this.ask(this.dataset.url, { method: "POST", headers, body: file })) more = "1";
    }
    this.classList.remove("st-busy");
  }

  async ask(url, request) {
    let reply, fine = false;
    try {
      const answer = await fetch(url, request);
      reply = await answer.json();
      fine = answer.ok;
    } catch {
      reply = { message: "The upload did not arrive: the file is too large, or the server has ended." };
    }
    if (reply.message) this.say(reply.message + (reply.id ? ` (number in the log: ${reply.id})` : ""));
    return fine;
  }

  say(text) {
    const message = this.querySelector(".st-message");
    message.hidden = !text;
    message.textContent = message.hidden ? "" : [message.textContent, text].filter(Boolean).join("\n");
  }
}

customElements.define("st-drop", Drop);
