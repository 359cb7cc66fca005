// Tables that are sorted by a click on, or Enter at, the head of a column.

import { element } from "./dom.js";

const order = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

export function sortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const text = head.textContent;
    head.replaceChildren(element("button", { type: "button", onclick: () => sort(table, heads, column) }, text || "name"));
  });
}

function sort(table, heads, column) {
  const down = heads[column].getAttribute("aria-sort") === "ascending";
  const body = table.tBodies[0], rows = [...body.rows];
  const total = rows.filter((row) => row.cells[0].textContent === "all"); // stays at the end
  const others = rows.filter((row) => !total.includes(row));
  others.sort((one, other) => (down ? -1 : 1) * order.compare(value(one, column), value(other, column)));
  heads.forEach((head) => head.removeAttribute("aria-sort"));
  heads[column].setAttribute("aria-sort", down ? "descending" : "ascending");
  body.append(...others, ...total);
}

const value = (row, column) => row.cells[column].textContent.replace(/^[^\p{L}\p{N}]+/u, "");
