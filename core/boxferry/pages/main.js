// What a page does once it is there: its tables are sorted, its images browsed, its matrix filters them.

import { byId } from "./dom.js";
import { sortable } from "./tables.js";
import { Gallery } from "./gallery.js";

for (const table of document.querySelectorAll("table.sortable")) sortable(table);

if (byId("data")) {
  const gallery = new Gallery(JSON.parse(byId("data").textContent));
  const cells = [...document.querySelectorAll(".heat button")];
  for (const cell of cells) {
    cell.addEventListener("click", () => {
      const on = cell.getAttribute("aria-pressed") !== "true";
      cells.forEach((other) => other.setAttribute("aria-pressed", String(on && other === cell)));
      const { was, now, fates } = cell.dataset, text = cell.getAttribute("aria-label");
      gallery.choose(on ? { was: Number(was), now: Number(now), fates: fates.split(" ").map(Number), text } : null);
      if (on) byId("images").scrollIntoView();
    });
  }
  for (const link of document.querySelectorAll("[data-image]")) {
    link.addEventListener("click", (event) => {
      if (gallery.look(Number(link.dataset.image), link.dataset.place.split(" ").map(Number), link)) event.preventDefault();
    });
  }
  byId("cell").addEventListener("click", () => cells.forEach((cell) => cell.setAttribute("aria-pressed", "false")));
}
