"use strict";
// The correcting page: boxes are kept as the server gave them; what a person changes is marked, and all are saved.
const facts = JSON.parse(document.getElementById("facts").textContent);
const SVG = "http://www.w3.org/2000/svg";
const by = (id) => document.getElementById(id);
const canvas = by("canvas"), shapes = by("shapes"), said = by("said");
const CORNERS = ["x_min", "y_min", "x_max", "y_max"];
const HANDLES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
const LEAST = 2;
let boxes = [], chosen = -1, past = [], dirty = false, zoom = 1, drag = null;

const copy = (value) => JSON.parse(JSON.stringify(value));
const remember = () => { past.push(JSON.stringify(boxes)); if (past.length > 200) past.shift(); };
const alive = () => boxes.filter((box) => !box.deleted);
const name = (id) => (facts.labels.find((label) => label.id === id) || { name: `label ${id}` }).name;
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

function hue(text) {
  let sum = 0;
  for (const letter of text) sum = (sum * 31 + letter.codePointAt(0)) % 360;
  return `hsl(${sum} 85% 50%)`;
}

function tell(text, wrong = false) {
  said.textContent = text;
  said.className = wrong ? "wrong" : "";
}

function element(kind, attributes, parent) {
  const made = document.createElementNS(SVG, kind);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
  return made;
}

function draw() {
  shapes.replaceChildren();
  boxes.forEach((box, index) => {
    if (box.deleted) return;
    if (box.row.type !== "box") {
      const points = (box.row.points || []).map((point) => `${point.x},${point.y}`).join(" ");
      element("polygon", { class: "outline", points }, shapes);
      return;
    }
    const classes = ["box", box.row.machine_made && !box.changed ? "machine" : "human", index === chosen ? "chosen" : ""];
    const shape = element("rect", {
      class: classes.join(" "), stroke: hue(name(box.row.label_file_id)), "data-index": index,
      x: box.row.x_min, y: box.row.y_min, width: box.row.x_max - box.row.x_min, height: box.row.y_max - box.row.y_min,
    }, shapes);
    element("title", {}, shape).textContent = name(box.row.label_file_id);
  });
  if (chosen >= 0) handles(boxes[chosen].row);
  by("count").textContent = `${alive().length} ${alive().length === 1 ? "box" : "boxes"}${dirty ? ", not saved" : ""}`;
  if (chosen >= 0) by("label").value = boxes[chosen].row.label_file_id;
}

function handles(row) {
  const side = 9 / scale();
  for (const at of HANDLES) {
    const x = at.includes("w") ? row.x_min : at.includes("e") ? row.x_max : (row.x_min + row.x_max) / 2;
    const y = at.includes("n") ? row.y_min : at.includes("s") ? row.y_max : (row.y_min + row.y_max) / 2;
    element("rect", { class: "handle", "data-handle": at, x: x - side / 2, y: y - side / 2, width: side, height: side }, shapes);
  }
}

const scale = () => canvas.getBoundingClientRect().width / facts.width || 1;

function fit() {
  const room = canvas.parentElement.clientWidth - 4;
  const high = (window.innerHeight * 0.77 * facts.width) / facts.height;
  const width = Math.max(50, Math.min(room, high, facts.width * 4)) * zoom;
  canvas.setAttribute("width", width);
  canvas.setAttribute("height", (width * facts.height) / facts.width);
  draw();
}

function place(event) {
  const area = canvas.getBoundingClientRect();
  return [((event.clientX - area.left) / area.width) * facts.width, ((event.clientY - area.top) / area.height) * facts.height];
}

function choose(index) { chosen = index; draw(); }

function change(index, values) {
  Object.assign(boxes[index].row, values);
  boxes[index].changed = true;
  dirty = true;
  draw();
}

function moved(row, dx, dy) {
  const width = row.x_max - row.x_min, height = row.y_max - row.y_min;
  const x = Math.round(clamp(row.x_min + dx, 0, facts.width - width)), y = Math.round(clamp(row.y_min + dy, 0, facts.height - height));
  return { x_min: x, y_min: y, x_max: x + width, y_max: y + height };
}

function resized(row, at, x, y) {
  const next = Object.fromEntries(CORNERS.map((key) => [key, row[key]]));
  if (at.includes("w")) next.x_min = Math.round(clamp(x, 0, row.x_max - LEAST));
  if (at.includes("e")) next.x_max = Math.round(clamp(x, row.x_min + LEAST, facts.width));
  if (at.includes("n")) next.y_min = Math.round(clamp(y, 0, row.y_max - LEAST));
  if (at.includes("s")) next.y_max = Math.round(clamp(y, row.y_min + LEAST, facts.height));
  return next;
}

function drawn(x, y, x2, y2) {
  const row = { type: "box", label_file_id: Number(by("label").value), machine_made: false, creation_ref_id: `sandbox:${crypto.randomUUID()}` };
  const edges = { x_min: Math.min(x, x2), x_max: Math.max(x, x2), y_min: Math.min(y, y2), y_max: Math.max(y, y2) };
  for (const key of CORNERS) row[key] = Math.round(clamp(edges[key], 0, key.startsWith("x") ? facts.width : facts.height));
  return row;
}

canvas.addEventListener("pointerdown", (event) => {
  canvas.focus();
  const [x, y] = place(event), { handle, index } = event.target.dataset;
  canvas.setPointerCapture(event.pointerId);
  if (handle) drag = { kind: "resize", at: handle, start: copy(boxes[chosen].row) };
  else if (index !== undefined) { choose(Number(index)); drag = { kind: "move", x, y, start: copy(boxes[chosen].row) }; }
  else drag = { kind: "draw", x, y };
  drag.before = JSON.stringify(boxes);
  event.preventDefault();
});

canvas.addEventListener("pointermove", (event) => {
  if (!drag) return;
  const [x, y] = place(event);
  if (drag.kind === "move") change(chosen, moved(drag.start, x - drag.x, y - drag.y));
  else if (drag.kind === "resize") change(chosen, resized(drag.start, drag.at, x, y));
  else {
    const row = drawn(drag.x, drag.y, x, y);
    if (row.x_max - row.x_min < LEAST || row.y_max - row.y_min < LEAST) return;
    if (drag.index === undefined) { boxes.push({ row, changed: true, added: true }); drag.index = boxes.length - 1; }
    else Object.assign(boxes[drag.index].row, Object.fromEntries(CORNERS.map((key) => [key, row[key]])));
    dirty = true;
    choose(drag.index);
  }
});

canvas.addEventListener("pointerup", () => {
  if (!drag) return;
  if (JSON.stringify(boxes) !== drag.before) past.push(drag.before);
  else if (drag.kind === "draw") choose(-1);
  drag = null;
});

function remove() {
  if (chosen < 0) return;
  remember();
  boxes[chosen].deleted = true;
  dirty = true;
  choose(-1);
}

function undo() {
  if (!past.length) return tell("nothing to undo");
  boxes = JSON.parse(past.pop());
  dirty = true;
  choose(-1);
}

function relabel(id) {
  if (chosen < 0 || !id) return;
  remember();
  change(chosen, { label_file_id: id });
}

function step(direction) {
  const open = boxes.map((box, index) => index).filter((index) => !boxes[index].deleted && boxes[index].row.type === "box");
  if (!open.length) return;
  choose(open[(open.indexOf(chosen) + direction + open.length + (chosen < 0 && direction < 0 ? 1 : 0)) % open.length]);
}

async function call(path, body) {
  const answer = await fetch(`/api/project/${encodeURIComponent(facts.project)}/file/${facts.id}/annotation/${path}`, {
    method: "POST", headers: { Authorization: facts.authorization, "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(JSON.stringify((found.log && found.log.error) || found.error || answer.status));
  return found;
}

async function load() {
  const found = await call("list", { directory_id: facts.directory });
  boxes = (found.file_serialized.instance_list || []).map((row) => ({ row }));
  past = [];
  dirty = false;
  choose(-1);
}

function sent(box) {
  if (box.deleted) return { ...box.row, soft_delete: true };
  return box.changed ? { ...box.row, machine_made: false } : box.row;
}

async function save(complete) {
  tell("saving…");
  const list = boxes.filter((box) => !box.deleted || box.row.id).map(sent);
  try {
    await call("update", { instance_list: list, directory_id: facts.directory, and_complete: complete && !facts.done });
    facts.done = facts.done || complete;
    await load();
  } catch (error) {
    tell(`not saved: ${error.message}; nothing is lost here, try again`, true);
    return false;
  }
  if (complete) by("done").textContent = "✓ done";
  tell("saved");
  return true;
}

function go(direction) {
  const links = [...document.querySelectorAll("#files a")];
  const next = links[links.findIndex((link) => Number(link.dataset.id) === facts.id) + direction];
  if (next) location.href = next.href;
  else tell(direction > 0 ? "this is the last file" : "this is the first file");
}

const complete = async () => { if (await save(true)) go(1); };
const zoomed = (factor) => { zoom = clamp(zoom * factor, 0.25, 16); fit(); };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

document.addEventListener("keydown", (event) => {
  if (event.target.matches("select, input, dialog *") || by("keys").open) return;
  const arrow = ARROWS[event.key], row = chosen >= 0 ? boxes[chosen].row : null;
  if (arrow && row) {
    const [dx, dy] = arrow.map((part) => part * (event.shiftKey ? 10 : 1));
    remember();
    change(chosen, event.altKey ? resized(row, "se", row.x_max + dx, row.y_max + dy) : moved(row, dx, dy));
  } else if (event.key === "Tab" && event.target === canvas && alive().length) step(event.shiftKey ? -1 : 1);
  else if (event.key === "Escape") choose(-1);
  else if (event.key === "Delete" || event.key === "Backspace") remove();
  else if (event.key === "z" && (event.ctrlKey || event.metaKey)) undo();
  else if (event.ctrlKey || event.metaKey || event.altKey) return;
  else if (/^[1-9]$/.test(event.key)) relabel((facts.labels[Number(event.key) - 1] || {}).id);
  else if (event.key === "Enter" && !event.target.matches("button, a")) complete();
  else if (event.key === "s") save(false);
  else if (event.key === "n") go(1);
  else if (event.key === "p") go(-1);
  else if (event.key === "+") zoomed(1.25);
  else if (event.key === "-") zoomed(0.8);
  else if (event.key === "?") by("keys").showModal();
  else return;
  event.preventDefault();
});

by("label").addEventListener("change", (event) => relabel(Number(event.target.value)));
by("delete").addEventListener("click", remove);
by("undo").addEventListener("click", undo);
by("save").addEventListener("click", () => save(false));
by("complete").addEventListener("click", complete);
by("larger").addEventListener("click", () => zoomed(1.25));
by("smaller").addEventListener("click", () => zoomed(0.8));
by("help").addEventListener("click", () => by("keys").showModal());
canvas.addEventListener("wheel", (event) => { if (event.ctrlKey) { zoomed(event.deltaY < 0 ? 1.25 : 0.8); event.preventDefault(); } }, { passive: false });
window.addEventListener("resize", fit);
window.addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });

fit();
load().catch((error) => tell(`the boxes cannot be read: ${error.message}`, true));
