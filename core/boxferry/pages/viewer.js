// One image, large: zoom, pan, every box with its label and score, layers, and the images before and after it.

import { byId, counted, once, shape } from "./dom.js";
import { Stage } from "./stage.js";
import { boxAt, drawShapes, drawTags } from "./shapes.js";
import { BoxList } from "./boxlist.js";
import { boxMatches, corners, picky } from "./matching.js";

const LAYERS = ["predicted", "corrected", "people's"];
const STEP = 80; // pixels that an arrow key pans
const CLICK = 4; // pixels that a click may move

export class Viewer {
  // gallery: has data, filter, filters, images and what is shown of them, in its order.
  constructor(gallery) {
    this.gallery = gallery;
    this.dialog = byId("viewer");
    this.node = byId("stage");
    this.layers = new Set(LAYERS);
    this.at = -1;
    this.chosen = null;
    this.drawn = [];
    this.list = new BoxList(byId("boxes"), { look: (box) => box.look, words: (box) => this.#words(box), picked: (box) => this.#choose(box, true), hot: (box) => this.#hot(box) });
    this.stage = new Stage(this.node, once(() => this.#tags()));
    this.#buttons();
    this.dialog.addEventListener("keydown", (event) => this.#key(event));
    this.dialog.addEventListener("close", () => (this.back ? this.back.focus() : gallery.focus(this.image)));
    this.#drag();
  }

  #buttons() {
    const does = { previous: () => this.go(-1), next: () => this.go(1), larger: () => this.stage.zoom(1.4), smaller: () => this.stage.zoom(1 / 1.4), whole: () => this.stage.fit(), close: () => this.dialog.close() };
    for (const [id, task] of Object.entries(does)) byId(id).addEventListener("click", task);
    byId("tags").addEventListener("change", () => this.#tags());
    byId("layers").hidden = !this.gallery.data.review;
    for (const name of LAYERS) {
      byId(`layer-${name.replace("'", "")}`).addEventListener("change", (event) => {
        if (event.target.checked) this.layers.add(name);
        else this.layers.delete(name);
        this.#draw();
      });
    }
  }

  // A drag moves the image, a click chooses a box.
  #drag() {
    let first = null, last = null;
    this.node.addEventListener("pointerdown", (event) => {
      first = last = event;
      this.node.setPointerCapture(event.pointerId);
    });
    this.node.addEventListener("pointermove", (event) => {
      if (!last || this.stage.pinching) return;
      this.stage.pan(last.clientX - event.clientX, last.clientY - event.clientY);
      last = event;
    });
    this.node.addEventListener("pointerup", (event) => {
      if (first && Math.hypot(event.clientX - first.clientX, event.clientY - first.clientY) < CLICK) this.#choose(boxAt(this.drawn, this.stage.place(event), CLICK * this.stage.unit));
    });
    for (const end of ["pointerup", "pointercancel"]) this.node.addEventListener(end, () => (first = last = null));
  }

  // back: what has the focus once the view is closed; else the image's tile.
  open(image, back = this.dialog.open ? this.back : null) {
    this.back = back;
    this.at = this.gallery.shown.indexOf(image);
    if (!this.dialog.open) this.dialog.showModal();
    this.#show(image);
  }

  // Show a place large, and choose the box that is there.
  look([x, y, x2, y2]) {
    const box = this.drawn.find((each) => each.x === x && each.y === y && each.x + each.width === x2 && each.y + each.height === y2);
    if (box) this.#choose(box);
    this.stage.show({ x, y, width: x2 - x, height: y2 - y }, 1.2);
  }

  go(direction) {
    const image = this.gallery.shown[this.at + direction];
    if (image) this.open(image);
  }

  #show(image) {
    const { shown, images } = this.gallery;
    this.image = image;
    this.chosen = null;
    byId("viewer-title").textContent = image.n;
    byId("viewer-title").title = image.n;
    byId("position").textContent = `${this.at + 1} of ${shown.length.toLocaleString("en")}`;
    byId("previous").disabled = this.at <= 0;
    byId("next").disabled = this.at + 1 >= shown.length;
    this.node.setAttribute("aria-label", `${image.n}, ${counted(image.b.length, "box", "boxes")}`);
    this.boxes = image.b.flatMap((box, number) => this.#drawable(box, number));
    this.stage.open(image.w, image.h);
    const source = images.large(image);
    this.picture = source ? shape("image", { href: source, width: image.w, height: image.h, preserveAspectRatio: "none" }) : null;
    byId("no-picture").hidden = Boolean(source);
    this.#draw();
    byId("boxes").parentElement.scrollTop = 0;
  }

  // A box as it was sent, and as it is now, each a box to draw.
  #drawable(row, number) {
    const { data, filter } = this.gallery, [fate, score, predicted, stored] = row;
    const faded = (picky(filter) && !boxMatches(row, filter, data.deleted)) || !this.gallery.sends(row);
    const told = data.review ? `${data.fates[fate].mark} ${data.fates[fate].name}` : data.fates[fate].plain ? "" : data.fates[fate].name;
    const twice = predicted && stored && !same(predicted, stored);
    const each = (place, layer) => {
      const look = data.labels[place[0]], value = score === null || layer === "people's" ? "" : score.toFixed(2);
      return { ...corners(place), look, layer, number, faded, told: twice && layer === "predicted" ? "as sent" : told, value, text: [look.name, value].filter(Boolean).join(" "), dashed: layer === "predicted" && Boolean(data.review || data.fates[fate].dashed), person: layer === "people's" };
    };
    const found = [];
    if (predicted && (!stored || twice)) found.push(each(predicted, "predicted"));
    if (stored) found.push(each(stored, predicted ? "corrected" : "people's"));
    return found;
  }

  #draw() {
    this.drawn = this.boxes.filter((box) => this.layers.has(box.layer) || !this.gallery.data.review);
    this.chosen = null;
    [this.shapes, this.over, this.tagLayer] = [shape("g"), shape("g"), shape("g")];
    drawShapes(this.shapes, this.drawn);
    this.node.replaceChildren(...[this.picture, this.shapes, this.over, this.tagLayer].filter(Boolean));
    this.#tags();
    byId("box-count").textContent = counted(this.drawn.length, "box", "boxes");
    this.list.show(this.drawn);
  }

  #words(box) {
    return [box.value, box.told || (this.gallery.data.review ? box.layer : "")].filter(Boolean).join(" · ");
  }

  // Draw the chosen box, and one that is pointed at, over all others.
  #hot(box) {
    const over = [this.chosen, box].filter(Boolean);
    drawShapes(this.over, over.map((each) => ({ ...each, chosen: true, faded: false })));
  }

  // Choose a box, or none; `near`: show it large.
  #choose(box, near = false) {
    if (this.chosen) this.chosen.chosen = false;
    this.chosen = box;
    if (box) box.chosen = true;
    this.#hot(null);
    this.list.choose(box);
    if (near) this.stage.show(box, 1.2);
    else this.#tags();
  }

  #tags() {
    if (!this.tagLayer) return;
    if (byId("tags").checked) drawTags(this.tagLayer, this.drawn, this.stage);
    else this.tagLayer.replaceChildren();
  }

  #key(event) {
    if (event.target.matches("input[type=search], select") || event.ctrlKey || event.metaKey || event.altKey) return;
    const pans = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
    const does = { ArrowLeft: () => this.go(-1), ArrowRight: () => this.go(1), p: () => this.go(-1), n: () => this.go(1), "+": () => this.stage.zoom(1.4), "=": () => this.stage.zoom(1.4), "-": () => this.stage.zoom(1 / 1.4), 0: () => this.stage.fit() };
    const task = event.shiftKey && pans[event.key] ? () => this.stage.pan(...pans[event.key]) : does[event.key];
    if (!task) return;
    event.preventDefault();
    task();
  }
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
