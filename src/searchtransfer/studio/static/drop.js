// SPDX-License-Identifier: Apache-2.0
// <st-drop>: takes files by dropping or choosing, sends each, and shows what the server keeps.

class Drop extends HTMLElement {
  connectedCallback() {
    const zone = this.querySelector(".st-zone");
    const input = this.querySelector("input");
    input.addEventListener("change", () => this.send([...input.files]).then(() => { input.value = ""; }));
    for (const type of ["dragenter", "dragover"]) {
      zone.addEventListener(type, (event) => { event.preventDefault(); zone.classList.add("st-over"); });
    }
    for (const type of ["dragleave", "drop"]) {
      zone.addEventListener(type, (event) => { event.preventDefault(); zone.classList.remove("st-over"); });
    }
    zone.addEventListener("drop", (event) => this.send([...event.dataTransfer.files]));
    this.addEventListener("click", (event) => {
      const id = event.target.dataset?.remove;
      if (id) this.ask(this.dataset.base + id, { method: "DELETE" }).then(() => input.focus());
    });
  }

  async send(files) {
    if (!this.querySelector("input").multiple) files = files.slice(0, 1);
    this.say("");
    for (const file of files) {
      this.classList.add("st-busy");
      const headers = { "X-Name": encodeURIComponent(file.name) };
      await this.ask(this.dataset.url, { method: "POST", headers, body: file }, file.name);
    }
    this.classList.remove("st-busy");
  }

  async ask(url, request, name) {
    let reply;
    try {
      reply = await (await fetch(url, request)).json();
    } catch {
      reply = { message: "The upload did not arrive: the file is too large, or the server has ended." };
    }
    if (reply.files !== undefined) this.querySelector(".st-files").innerHTML = reply.files;
    if (reply.message) this.say(reply.message + (reply.id ? ` (number in the log: ${reply.id})` : ""));
  }

  say(text) {
    const message = this.querySelector(".st-message");
    message.hidden = !text;
    message.textContent = message.hidden ? "" : [message.textContent, text].filter(Boolean).join("\n");
  }
}

customElements.define("st-drop", Drop);
