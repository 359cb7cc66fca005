// The list of boxes beside an image: a part of it at a time, so that a page with thousands of boxes stays quick.

import { element, mark } from "./dom.js";

const LISTED = 100;

export class BoxList {
  // node: a list element. look and words give of a box its look and what stands at the end of its line; picked is called
  // with the box that is clicked, and hot with the box that is pointed at, then null.
  constructor(node, { look, words, picked, hot = () => {} }) {
    Object.assign(this, { node, look, words, picked, hot });
    this.boxes = [];
    this.chosen = null;
    this.start = 0;
    this.count = element("span", { role: "status" });
    const turn = (text, name, by) => element("button", { type: "button", "aria-label": name, onclick: () => this.#turn(by) }, text);
    this.turns = element("div", { class: "turns", hidden: true }, turn("←", "Boxes before", -LISTED), this.count, turn("→", "More boxes", LISTED));
    node.before(this.turns);
  }

  // Show boxes, from the first on, or where the chosen one is.
  show(boxes, chosen = null) {
    this.boxes = boxes;
    this.chosen = chosen;
    this.start = Math.floor(Math.max(0, boxes.indexOf(chosen)) / LISTED) * LISTED;
    this.#draw();
  }

  // Another box is chosen, or none.
  choose(box) {
    this.#item(this.chosen)?.setAttribute("aria-pressed", "false");
    this.chosen = box;
    const at = this.boxes.indexOf(box);
    if (at < 0) return;
    if (at < this.start || at >= this.start + LISTED) {
      this.start = Math.floor(at / LISTED) * LISTED;
      this.#draw();
    }
    this.#item(box).setAttribute("aria-pressed", "true");
    this.#item(box).scrollIntoView({ block: "nearest" });
  }

  // A box has changed.
  update(box) {
    this.#item(box)?.parentNode.replaceWith(this.#made(box));
  }

  #item(box) {
    return this.node.children[this.boxes.indexOf(box) - this.start]?.firstChild;
  }

  // Go on, or back; after the end comes the start.
  #turn(by) {
    const last = Math.floor((this.boxes.length - 1) / LISTED) * LISTED, next = this.start + by;
    this.start = next < 0 ? last : next > last ? 0 : next;
    this.#draw();
  }

  #draw() {
    const some = this.boxes.slice(this.start, this.start + LISTED), whole = this.boxes.length;
    this.turns.hidden = whole <= LISTED;
    this.count.textContent = `${(this.start + 1).toLocaleString("en")}–${(this.start + some.length).toLocaleString("en")} of ${whole.toLocaleString("en")}`;
    this.node.replaceChildren(...some.map((box) => this.#made(box)));
  }

  #made(box) {
    const look = this.look(box), hot = (on) => () => this.hot(on ? box : null);
    const listens = { onclick: () => this.picked(box), onpointerenter: hot(true), onpointerleave: hot(false), onfocus: hot(true), onblur: hot(false) };
    const button = element("button", { type: "button", "aria-pressed": String(box === this.chosen), ...listens },
      mark(look), element("span", { class: "grow" }, look.name), element("span", { class: "value" }, this.words(box)));
    return element("li", {}, button);
  }
}
