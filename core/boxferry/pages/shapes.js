// Boxes over an image: lines in their casings, and tags with texts, as many as can be read.

import { clamp, coloured, shape } from "./dom.js";

const TAGS = 200, FEW = 40; // at most, the largest boxes first; and so many wherever they are
const COVERED = 0.2; // of the image in sight, by more tags than those
const CROWD = 300; // boxes in sight whose lines in their casings would hide the image
const KINDS = ["dashed", "person", "faded", "chosen"]; // classes that a box can have
const HIGH = 19, LEAST = 26; // pixels of a tag, and of a box that gets one
const pen = document.createElement("canvas").getContext("2d");
const widths = new Map();

function wide(text) {
  if (!widths.has(text)) {
    pen.font = `600 12px ${getComputedStyle(document.body).fontFamily}`;
    widths.set(text, Math.ceil(pen.measureText(text).width) + 10);
  }
  return widths.get(text);
}

// Draw boxes: {x, y, width, height, rings, look, dashed, person, faded, chosen}. All that look alike are one path in its
// casing, so that thousands cost the page no more than ten.
export function drawShapes(layer, boxes) {
  const groups = new Map();
  for (const box of boxes) {
    const kinds = KINDS.filter((kind) => box[kind]).join(" "), key = `${box.look.colour} ${box.look.mark} ${kinds}`;
    if (!groups.has(key)) groups.set(key, { kinds, look: box.look, parts: [] });
    groups.get(key).parts.push(outline(box));
  }
  layer.replaceChildren(...[...groups.values()].map(drawnGroup));
}

function drawnGroup({ kinds, look, parts }) {
  const d = parts.join("");
  return coloured(shape("g", { class: `shape ${kinds}` }, shape("path", { class: "casing", d }), shape("path", { class: "line", d })), look);
}

// The path of a box: its outline where it has one, each ring [x, y, x, y, …], else its four sides.
function outline({ x, y, width, height, rings }) {
  if (!rings?.length) return `M${x} ${y}h${width}v${height}h${-width}z`;
  return rings.map((ring) => `M${ring.join(" ")}z`).join("");
}

const area = (box) => box.width * box.height;

// The box at a place, of several the smallest; `around` pixels of the image beside it are taken for it.
export function boxAt(boxes, { x, y }, around = 0) {
  const inside = boxes.filter((box) => x >= box.x - around && y >= box.y - around && x <= box.x + box.width + around && y <= box.y + box.height + around);
  return inside.reduce((least, box) => (!least || area(box) < area(least) ? box : least), null);
}

// The tags of boxes: {x, y, width, height, look, text, faded, chosen}, as the stage sees them. A tag that would hide
// another is put elsewhere at its box, or left out; the chosen box has its own always.
export function drawTags(layer, boxes, stage) {
  const { x, y, width, height } = stage.view, unit = stage.unit;
  const seen = boxes.filter((box) => box.x < x + width && box.y < y + height && box.x + box.width > x && box.y + box.height > y);
  stage.node.classList.toggle("dense", seen.length > CROWD);
  const large = seen.filter((box) => !box.faded && (box.chosen || seen.length <= FEW || box.width / unit >= LEAST));
  large.sort((one, other) => (other.chosen || 0) - (one.chosen || 0) || other.width * other.height - one.width * one.height);
  const across = Math.min(x + width, stage.width) - Math.max(x, 0), down = Math.min(y + height, stage.height) - Math.max(y, 0);
  const taken = new Taken((COVERED * across * down) / unit ** 2), tags = [];
  for (const box of large.slice(0, 4 * TAGS)) {
    if (tags.length >= TAGS || (tags.length >= FEW && taken.full)) break;
    const tag = placed(box, stage.view, unit, taken);
    if (tag) tags.push(tag);
  }
  layer.replaceChildren(...tags.toReversed());
}

// What of the window has a tag already; in rows, so that a look-up does not go through all.
class Taken {
  rows = new Map();
  covered = 0;

  // most: pixels that tags may cover.
  constructor(most) {
    this.most = most;
  }

  get full() {
    return this.covered > this.most;
  }

  // Take a place in pixels of the window, where it is free.
  take(x, y, long) {
    const rows = [Math.floor(y / HIGH), Math.floor((y + HIGH - 1) / HIGH)];
    const free = rows.every((row) => (this.rows.get(row) || []).every(([left, top, right]) => right <= x || left >= x + long || Math.abs(top - y) >= HIGH));
    if (free) this.covered += long * HIGH;
    if (free) for (const row of rows) this.rows.set(row, [...(this.rows.get(row) || []), [x, y, x + long]]);
    return free;
  }
}

function placed(box, view, unit, taken) {
  const text = `${box.look.mark} ${box.text}`, side = wide(text), high = HIGH * unit;
  const last = Math.max(view.x, view.x + view.width - side * unit), left = clamp(box.x, view.x, last), inside = Math.max(box.y, view.y), above = box.y - high;
  const places = [[left, above < Math.max(view.y, 0) ? inside : above], [left, inside], [left, box.y + box.height], [clamp(box.x + box.width - side * unit, view.x, last), above]];
  const free = places.find(([x, y]) => taken.take((x - view.x) / unit, (y - view.y) / unit, side));
  if (!free && !box.chosen) return null;
  const [x, y] = free || places[0];
  const group = shape("g", { class: "tag", transform: `translate(${x} ${y}) scale(${unit})` });
  group.append(shape("rect", { width: side, height: HIGH, rx: 3 }), shape("text", { x: 5, y: 13.5 }, text));
  return coloured(group, box.look);
}
