// An image that can be zoomed and panned: with the wheel, two fingers, keys, or by what a page asks for.

import { clamp } from "./dom.js";

const MOST = 64; // pixels of the window for one of the image
const ROOM = 0.04; // around the whole image

export class Stage {
  // node: an svg element; moved: called whenever what is seen of the image has changed.
  constructor(node, moved = () => {}) {
    this.node = node;
    this.moved = moved;
    this.width = this.height = 1;
    this.view = { x: 0, y: 0, width: 1, height: 1 };
    this.fingers = new Map();
    this.whole = true;
    node.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    node.addEventListener("pointerdown", (event) => this.fingers.set(event.pointerId, event), true);
    node.addEventListener("pointermove", (event) => this.#pinch(event), true);
    for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, (event) => this.fingers.delete(event.pointerId));
    new ResizeObserver(() => this.#resized()).observe(node);
  }

  open(width, height) {
    this.width = width || 640;
    this.height = height || 480;
    this.fit();
  }

  // Pixels of the image for one of the window.
  get unit() {
    return this.view.width / this.#room().width;
  }

  get pinching() {
    return this.fingers.size > 1;
  }

  // Where in the image an event is.
  place(event) {
    const area = this.node.getBoundingClientRect();
    return { x: this.view.x + (event.clientX - area.left) * this.unit, y: this.view.y + (event.clientY - area.top) * this.unit };
  }

  fit() {
    this.show({ x: 0, y: 0, width: this.width, height: this.height }, ROOM);
    this.whole = true;
  }

  // See a part of the image, with some of what is around it.
  show(part, around = 1) {
    const { width, height } = this.#room();
    const unit = Math.max((part.width * (1 + 2 * around)) / width, (part.height * (1 + 2 * around)) / height, 1 / MOST);
    const x = part.x + part.width / 2 - (width * unit) / 2, y = part.y + part.height / 2 - (height * unit) / 2;
    this.#set({ x, y, width: width * unit, height: height * unit });
  }

  zoom(factor, at = { x: this.view.x + this.view.width / 2, y: this.view.y + this.view.height / 2 }) {
    const room = this.#room(), largest = (4 * Math.max(this.width, this.height)) / Math.min(room.width, room.height);
    const unit = clamp(this.unit / factor, 1 / MOST, Math.max(largest, 1 / MOST)), change = unit / this.unit;
    const { x, y, width, height } = this.view;
    this.#set({ x: at.x - (at.x - x) * change, y: at.y - (at.y - y) * change, width: width * change, height: height * change });
  }

  // Move what is seen, by pixels of the window; a part of the image always stays.
  pan(across, down) {
    this.#set({ ...this.view, x: this.view.x + across * this.unit, y: this.view.y + down * this.unit });
  }

  #room() {
    return { width: this.node.clientWidth || 1, height: this.node.clientHeight || 1 };
  }

  #set(view) {
    const { width, height } = view;
    const x = clamp(view.x, -0.9 * width, this.width - 0.1 * width), y = clamp(view.y, -0.9 * height, this.height - 0.1 * height);
    this.view = { x, y, width, height };
    this.whole = false;
    this.node.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
    this.moved();
  }

  #resized() {
    if (this.whole) this.fit();
    else this.show(this.view, 0);
  }

  #wheel(event) {
    event.preventDefault();
    this.zoom(Math.exp(-clamp(event.deltaY, -120, 120) / 400), this.place(event));
  }

  #pinch(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    const other = [...this.fingers.values()].find((finger) => finger.pointerId !== event.pointerId);
    this.fingers.set(event.pointerId, event);
    if (!other) return;
    const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
    const between = (one) => ({ clientX: (one.clientX + other.clientX) / 2, clientY: (one.clientY + other.clientY) / 2 });
    const old = between(before), now = between(event);
    this.pan(old.clientX - now.clientX, old.clientY - now.clientY);
    this.zoom(apart(event) / apart(before), this.place(now));
  }
}
