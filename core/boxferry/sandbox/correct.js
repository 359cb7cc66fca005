// The correcting page: boxes are kept as the server gave them; what a person changes is marked, and all are saved.

import { byId, clamp, counted, once, shape } from "./dom.js";
import { Stage } from "./stage.js";
import { boxAt, drawShapes, drawTags } from "./shapes.js";
import { BoxList } from "./boxlist.js";

const facts = JSON.parse(byId("facts").textContent);
const labels = new Map(facts.labels.map((label) => [label.id, label]));
const UNKNOWN = { colour: "#9aa0a6", ink: "#000000", mark: "?" };
const CORNERS = ["x_min", "y_min", "x_max", "y_max"];
const HANDLES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
const LEAST = 2, MOST_PAST = 500;
const HANDLE = 9, GRIP = 26; // pixels of a handle, and of what a finger takes it by
const BESIDE = 3; // pixels beside a box that are taken for it
const canvas = byId("canvas");
const stage = new Stage(canvas, once(seen));
const listed = new BoxList(byId("boxes"), { look: (box) => lookOf(box.row), words, picked: zoomTo });

let boxes = []; // {row, changed, deleted, added}
let chosen = null; // one of them
let past = []; // what undo brings back: [box, as it was, or null where it was not there]
let drag = null;
let pointed = null; // where the mouse was last
let label = facts.labels[0]?.id;
const visited = new Set();

const alive = () => boxes.filter((box) => !box.deleted && box.row.type === "box");
const lookOf = (row) => labels.get(row.label_file_id) || { ...UNKNOWN, name: `label ${row.label_file_id}` };
const isModels = (box) => Boolean(box.row.machine_made && !box.changed);
const scoreOf = (box) => (isModels(box) && typeof box.row.score === "number" ? box.row.score.toFixed(2) : "");
const dirty = () => boxes.some((box) => box.changed || box.deleted || box.added);

function tell(text, wrong = false) {
  byId("said").textContent = text;
  byId("said").className = wrong ? "wrong" : "";
}

// A box as what is drawn of it.
function drawable(box) {
  const { x_min, y_min, x_max, y_max } = box.row, look = lookOf(box.row);
  return { x: x_min, y: y_min, width: x_max - x_min, height: y_max - y_min, look, text: [look.name, scoreOf(box)].filter(Boolean).join(" "), chosen: box === chosen, person: !isModels(box), box };
}

function words(box) {
  return [scoreOf(box), isModels(box) ? "model" : "person"].filter(Boolean).join(" · ");
}

// Draw everything anew: after loading, adding, deleting, undoing.
function draw() {
  if (chosen?.deleted) chosen = null;
  const others = boxes.filter((box) => !box.deleted && box.row.type !== "box");
  byId("others-shapes").replaceChildren(...others.map(({ row }) => shape("polygon", { class: "outline", points: (row.points || []).map((point) => `${point.x},${point.y}`).join(" ") })));
  listed.show(alive(), chosen);
  choose(chosen);
}

// The boxes: the chosen one, which may move, over all others.
function drawBoxes() {
  drawShapes(byId("shapes"), alive().filter((box) => box !== chosen).map(drawable));
  drawShapes(byId("chosen"), chosen ? [drawable(chosen)] : []);
}

// One box has changed: its place, its label, or whose it is.
function redraw(box) {
  listed.update(box);
  choose(box);
}

function choose(box) {
  chosen = box;
  if (box) label = box.row.label_file_id;
  listed.choose(box);
  drawBoxes();
  told();
  seen();
}

function told() {
  const all = boxes.filter((box) => !box.deleted).length;
  byId("count").textContent = `${counted(all, "box", "boxes")}${dirty() ? ", not saved" : ""}`;
  byId("undo").disabled = past.length === 0;
  for (const id of ["copy", "delete"]) byId(id).disabled = chosen === null;
  byId("label").value = label;
  for (const button of byId("names").children) button.setAttribute("aria-pressed", String(Number(button.dataset.id) === label));
}

// What goes with the zoom: texts and handles have one size in the window.
function seen() {
  drawTags(byId("texts"), alive().map(drawable), stage);
  byId("handles").replaceChildren(...(chosen ? HANDLES.flatMap((at) => handle(chosen.row, at)) : []));
}

function handle(row, at) {
  const x = at.includes("w") ? row.x_min : at.includes("e") ? row.x_max : (row.x_min + row.x_max) / 2;
  const y = at.includes("n") ? row.y_min : at.includes("s") ? row.y_max : (row.y_min + row.y_max) / 2;
  const square = (kind, pixels) => {
    const side = pixels * stage.unit;
    return shape("rect", { class: kind, "data-handle": at, x: x - side / 2, y: y - side / 2, width: side, height: side });
  };
  return drag?.touch || window.matchMedia("(pointer: coarse)").matches ? [square("grip", GRIP), square("handle", HANDLE)] : [square("handle", HANDLE)];
}

function remember(box, before = kept(box)) {
  past.push([box, before]);
  if (past.length > MOST_PAST) past.shift();
}

const kept = (box) => ({ row: { ...box.row }, changed: box.changed, deleted: box.deleted });

function change(box, values) {
  Object.assign(box.row, values);
  box.changed = true;
  redraw(box);
}

function moved(row, across, down) {
  const width = row.x_max - row.x_min, height = row.y_max - row.y_min;
  const x = Math.round(clamp(row.x_min + across, 0, facts.width - width)), y = Math.round(clamp(row.y_min + down, 0, facts.height - height));
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

function between(one, other) {
  const edges = { x_min: Math.min(one.x, other.x), x_max: Math.max(one.x, other.x), y_min: Math.min(one.y, other.y), y_max: Math.max(one.y, other.y) };
  return Object.fromEntries(CORNERS.map((key) => [key, Math.round(clamp(edges[key], 0, key.startsWith("x") ? facts.width : facts.height))]));
}

function add(values) {
  const row = { type: "box", label_file_id: label, machine_made: false, creation_ref_id: `sandbox:${crypto.randomUUID()}`, ...values };
  const box = { row, changed: true, added: true };
  boxes.push(box);
  remember(box, null);
  listed.show(alive(), box);
  choose(box);
  return box;
}

// The smallest box at a place.
const boxUnder = (at) => boxAt(alive().map(drawable), at, BESIDE * stage.unit)?.box || null;

// A drag moves the chosen box, though a smaller one lies on it; a click chooses the smaller one.
canvas.addEventListener("pointerdown", (event) => {
  canvas.focus({ preventScroll: true });
  if (stage.pinching) return stop(true);
  if (event.button === 1) return (drag = { kind: "pan", last: event });
  if (event.button !== 0) return null;
  canvas.setPointerCapture(event.pointerId);
  const at = stage.place(event), handled = event.target.dataset.handle, touch = event.pointerType === "touch";
  const under = event.shiftKey ? null : boxUnder(at), box = under && chosen && boxAt([drawable(chosen)], at) ? chosen : under;
  if (handled && chosen) drag = { kind: "resize", at: handled, box: chosen, start: kept(chosen) };
  else if (box) {
    if (box !== chosen) choose(box);
    drag = { kind: "move", from: at, box, under, start: kept(box) };
  } else drag = { kind: "draw", from: at };
  drag.touch = touch;
  event.preventDefault();
  return null;
});

const point = once(() => {
  if (pointed && !drag) canvas.style.cursor = boxUnder(stage.place(pointed)) ? "move" : "";
});

canvas.addEventListener("pointermove", (event) => {
  pointed = event;
  if (!drag) point();
  if (!drag || stage.pinching) return;
  const at = stage.place(event), { kind, box, start, from } = drag;
  if (kind === "pan") {
    stage.pan(drag.last.clientX - event.clientX, drag.last.clientY - event.clientY);
    drag.last = event;
  } else if (kind === "draw") {
    const corners = between(from, at);
    if (corners.x_max - corners.x_min < LEAST || corners.y_max - corners.y_min < LEAST) return;
    if (drag.drawn) change(drag.drawn, corners);
    else drag.drawn = add(corners);
  } else if (drag.moving || Math.hypot(event.movementX, event.movementY) > 0) {
    if (!drag.moving) remember(box, start);
    drag.moving = true;
    const corners = kind === "move" ? moved(start.row, at.x - from.x, at.y - from.y) : resized(start.row, drag.at, at.x, at.y);
    Object.assign(box.row, corners);
    box.changed = true;
    drawShapes(byId("chosen"), [drawable(box)]);
    seen();
  }
});

// A drag ends; where a second finger came, what the first one did is taken back.
function stop(taken = false) {
  const done = drag;
  drag = null;
  if (!done) return;
  if (taken && (done.moving || done.drawn)) undo();
  else if (done.moving) redraw(done.box);
  else if (done.under && done.under !== done.box) choose(done.under);
  else if (done.kind === "draw" && !done.drawn) choose(null);
}

canvas.addEventListener("pointerup", () => stop());
canvas.addEventListener("pointercancel", () => stop(true));

function remove() {
  if (!chosen) return;
  remember(chosen);
  chosen.deleted = true;
  draw();
}

function duplicate() {
  if (!chosen) return;
  const { row } = chosen, away = Math.max(3, Math.round(12 * stage.unit));
  add({ ...moved(row, away, away), label_file_id: row.label_file_id, ...(row.attribute_groups ? { attribute_groups: row.attribute_groups } : {}) });
}

function undo() {
  const last = past.pop();
  if (!last) return tell("nothing to undo");
  const [box, before] = last;
  if (before === null) boxes = boxes.filter((each) => each !== box);
  else Object.assign(box, { ...before, row: before.row });
  chosen = before === null ? null : box;
  draw();
  return null;
}

function relabel(id) {
  if (!labels.has(id)) return;
  label = id;
  if (chosen && chosen.row.label_file_id !== id) {
    remember(chosen);
    change(chosen, { label_file_id: id });
  } else told();
}

function step(direction) {
  const open = alive();
  if (!open.length) return;
  const at = open.indexOf(chosen);
  choose(open[(at + direction + open.length + (at < 0 && direction < 0 ? 1 : 0)) % open.length]);
}

function zoomTo(box) {
  choose(box);
  const { x, y, width, height } = drawable(box);
  stage.show({ x, y, width, height }, 1.2);
}

// The model's box whose score is nearest to 0.5, of those that were not shown yet; then from the start again.
function uncertain() {
  const open = alive().filter((box) => scoreOf(box));
  if (!open.length) return tell("no box with a model's score is left");
  let left = open.filter((box) => !visited.has(box));
  if (!left.length) {
    visited.clear();
    left = open;
  }
  const [next] = left.toSorted((one, other) => Math.abs(one.row.score - 0.5) - Math.abs(other.row.score - 0.5));
  visited.add(next);
  zoomTo(next);
  return tell(`${lookOf(next.row).name} ${scoreOf(next)}, ${visited.size} of ${open.length}`);
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
  chosen = null;
  visited.clear();
  draw();
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
  if (complete) byId("done").textContent = "✓ done";
  tell("saved");
  return true;
}

function go(direction) {
  const links = [...document.querySelectorAll("#files a")];
  const next = links[links.findIndex((link) => Number(link.dataset.id) === facts.id) + direction];
  if (next) location.href = next.href;
  else tell(direction > 0 ? "this is the last file" : "this is the first file");
}

const complete = async () => (await save(true)) && go(1);
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEYS = {
  Escape: () => choose(null), Delete: remove, Backspace: remove, ".": () => step(1), ",": () => step(-1), u: uncertain, f: () => chosen && zoomTo(chosen), c: duplicate,
  s: () => save(false), n: () => go(1), p: () => go(-1), "+": () => stage.zoom(1.4), "=": () => stage.zoom(1.4), "-": () => stage.zoom(1 / 1.4), 0: () => stage.fit(), "?": () => byId("keys").showModal(),
};

function arrow(event) {
  const [across, down] = ARROWS[event.key].map((part) => part * (event.shiftKey ? 10 : 1)), { row } = chosen;
  remember(chosen);
  change(chosen, event.altKey ? resized(row, "se", row.x_max + across, row.y_max + down) : moved(row, across, down));
}

document.addEventListener("keydown", (event) => {
  if (event.target.matches("select, input") || byId("keys").open) return;
  const free = event.target === canvas || event.target === document.body, number = /^[1-9]$/.test(event.key) && facts.labels[Number(event.key) - 1];
  const modified = event.ctrlKey || event.metaKey;
  let task = null;
  if (modified && event.key === "z") task = undo;
  else if (modified) return;
  else if (ARROWS[event.key]) task = free && chosen ? () => arrow(event) : null;
  else if (event.altKey) return;
  else if (number) task = () => relabel(number.id);
  else if (event.key === "Enter") task = free ? complete : null;
  else task = KEYS[event.key];
  if (!task) return;
  event.preventDefault();
  task();
});

const BUTTONS = { delete: remove, undo, copy: duplicate, doubt: uncertain, save: () => save(false), complete, larger: () => stage.zoom(1.4), smaller: () => stage.zoom(1 / 1.4), whole: () => stage.fit(), help: () => byId("keys").showModal() };
for (const [id, task] of Object.entries(BUTTONS)) byId(id).addEventListener("click", () => task());
byId("label").addEventListener("change", (event) => relabel(Number(event.target.value)));
byId("names").addEventListener("click", (event) => relabel(Number(event.target.closest("button")?.dataset.id)));
window.addEventListener("beforeunload", (event) => dirty() && event.preventDefault());

stage.open(facts.width, facts.height);
load().catch((error) => tell(`the boxes cannot be read: ${error.message}`, true));
