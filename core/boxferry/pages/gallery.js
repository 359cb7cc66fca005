// The grid of images: thumbnails that come as they are scrolled to, filtered and in an order; a click shows one large.

import { byId, counted, element, once, shape } from "./dom.js";
import { drawShapes } from "./shapes.js";
import { ORDERS, boxMatches, corners, imageMatches, inOrder, noFilter, picky } from "./matching.js";
import { Images } from "./images.js";
import { Filters } from "./filters.js";
import { Viewer } from "./viewer.js";

const DENSE = 150; // boxes whose lines would hide a thumbnail
const AT_ONCE = 60; // tiles that are added when the end of the grid comes near

export class Gallery {
  constructor(data) {
    this.data = data;
    data.deleted = data.fates.findIndex((fate) => fate.name === "deleted");
    this.images = new Images(data);
    this.filter = noFilter();
    this.shown = [];
    this.drawn = 0;
    this.refresh = once(() => this.#refresh());
    this.filters = new Filters(data, this.filter, this.refresh);
    this.viewer = new Viewer(this);
    byId("order").replaceChildren(...Object.keys(ORDERS).map((name) => element("option", {}, name)));
    byId("order").addEventListener("change", this.refresh);
    byId("cell").addEventListener("click", () => this.choose(null));
    new IntersectionObserver((seen) => seen.some((each) => each.isIntersecting) && this.#more(), { rootMargin: "800px" }).observe(byId("more"));
    this.#refresh();
    this.images.load(once(() => this.#refresh(false))).catch((error) => (byId("shown").textContent = `the images cannot be read: ${error.message}`));
  }

  // Whether a box would be sent, with the threshold that is set.
  sends([, score, predicted]) {
    return !predicted || this.filters.sends(score);
  }

  // Show only what is behind a cell of the matrix; null: everything.
  choose(cell) {
    this.filter.cell = cell;
    byId("cell").hidden = cell === null;
    if (cell) byId("cell").textContent = `${cell.text} ✕`;
    this.refresh();
  }

  // Show an image large, at a place: [x1, y1, x2, y2]; gives whether it is there. A filter that hides it is cleared.
  look(at, place, back) {
    const image = this.images.all[at];
    if (!image) return false;
    if (!this.shown.includes(image)) {
      this.filters.clear();
      this.#refresh();
    }
    this.viewer.open(image, back);
    this.viewer.look(place);
    return true;
  }

  focus(image) {
    document.querySelector(`.tile[data-at="${image?.at}"]`)?.focus();
  }

  // What passes the filters has changed; `redraw` is false where images have only come to it.
  #refresh(redraw = true) {
    const { all, whole } = this.images, before = this.shown.slice(0, this.drawn);
    this.shown = inOrder(all.filter((image) => imageMatches(image, this.filter, this.data.deleted)), ORDERS[byId("order").value]);
    const total = Math.max(this.data.total, all.length), of = this.shown.length === total ? "" : ` of ${total.toLocaleString("en")}`;
    byId("shown").textContent = `${this.shown.length.toLocaleString("en")}${of} ${total === 1 ? "image" : "images"}${whole ? "" : `, ${all.length.toLocaleString("en")} read so far`}`;
    byId("nothing").hidden = this.shown.length > 0 || !whole;
    if (redraw || this.drawn < AT_ONCE || before.some((image, at) => image !== this.shown[at])) this.#redraw();
    byId("more").hidden = this.drawn >= this.shown.length;
  }

  #redraw() {
    const tiles = byId("tiles"), wanted = Math.max(AT_ONCE, Math.min(this.drawn, AT_ONCE * 4));
    this.drawn = Math.min(wanted, this.shown.length);
    tiles.replaceChildren(...this.shown.slice(0, this.drawn).map((image) => this.#tile(image)));
  }

  #more() {
    if (this.drawn >= this.shown.length) return;
    const next = this.shown.slice(this.drawn, this.drawn + AT_ONCE);
    byId("tiles").append(...next.map((image) => this.#tile(image)));
    this.drawn += next.length;
    byId("more").hidden = this.drawn >= this.shown.length;
  }

  #tile(image) {
    const source = this.images.small(image), wanted = picky(this.filter);
    const boxes = wanted ? image.b.filter((box) => boxMatches(box, this.filter, this.data.deleted)) : image.b;
    const size = `0 0 ${image.w || 640} ${image.h || 480}`;
    const frame = element("span", { class: "frame" });
    if (source) frame.append(element("img", { src: source, alt: "", loading: "lazy", decoding: "async" }));
    const layer = shape("svg", { viewBox: size, class: boxes.length > DENSE ? "dense" : null, "aria-hidden": "true" });
    drawShapes(layer, boxes.map((box) => this.#drawable(box)));
    frame.append(layer);
    const told = image.t || counted(boxes.length, "box", "boxes");
    const text = element("span", { class: "text" }, element("span", { class: "name", title: image.n }, image.n), element("span", { class: "quiet" }, told));
    return element("li", {}, element("button", { type: "button", class: "tile", "data-at": image.at, onclick: () => this.viewer.open(image) }, frame, text));
  }

  // A box as a thumbnail shows it: as it is now, dashed where that is how it was sent.
  #drawable(box) {
    const [fate, , predicted, stored] = box, place = stored || predicted;
    return { ...corners(place), look: this.data.labels[place[0]], dashed: !stored && Boolean(this.data.review || this.data.fates[fate].dashed), faded: !this.sends(box) };
  }
}
