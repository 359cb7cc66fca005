// The filters beside the grid: labels, fates, scores, names, and the threshold that recounts.

import { byId, element, mark, clamp } from "./dom.js";
import { cheapest, lines, recounted } from "./threshold.js";

// Fill the form; `changed` is called when the filter, or the threshold, has another value.
export class Filters {
  constructor(data, filter, changed) {
    this.data = data;
    this.filter = filter;
    this.changed = changed;
    this.step = 0;
    this.#choices("label", data.labels, filter.labels, data.counts.labels);
    this.#choices("fate", data.fates, filter.fates, data.counts.fates);
    byId("name").addEventListener("input", (event) => this.#set({ name: event.target.value.trim().toLowerCase() }));
    for (const side of ["low", "high"]) {
      byId(side).addEventListener("change", (event) => this.#set({ [side]: clamp(Number(event.target.value), 0, 1) }));
    }
    byId("clear").addEventListener("click", () => this.clear());
    byId("threshold-part").hidden = !data.threshold;
    if (data.threshold) this.#threshold();
    if (window.matchMedia("(max-width: 899px)").matches) byId("filters").open = false;
  }

  #choices(kind, looks, chosen, counts) {
    const used = looks.map((look, at) => [look, at]).filter(([, at]) => counts[at]);
    byId(`${kind}-part`).hidden = used.length < 2;
    const item = ([look, at]) => {
      const box = element("input", { type: "checkbox", onchange: (event) => this.#choose(chosen, at, event.target.checked) });
      return element("li", {}, element("label", {}, box, mark(look), element("span", {}, look.name), element("span", { class: "count" }, counts[at].toLocaleString("en"))));
    };
    byId(`${kind}-choices`).replaceChildren(...used.map(item));
  }

  #choose(chosen, at, on) {
    if (on) chosen.add(at);
    else chosen.delete(at);
    this.#set({});
  }

  #set(values) {
    Object.assign(this.filter, values);
    this.recount();
    this.changed();
  }

  #threshold() {
    const slider = byId("threshold");
    slider.addEventListener("input", () => {
      this.step = Number(slider.value);
      this.recount();
      this.changed();
    });
    byId("cheapest").hidden = !this.data.threshold.clicks;
    byId("cheapest").addEventListener("click", () => {
      slider.value = this.step = cheapest(this.data.threshold, this.filter.labels);
      this.recount();
      this.changed();
    });
    this.recount();
  }

  recount() {
    if (!this.data.threshold) return;
    const [first, ...more] = lines(recounted(this.data.threshold, this.step, this.filter.labels));
    byId("threshold").setAttribute("aria-valuetext", `${(this.step / 100).toFixed(2)}: ${first}`);
    byId("threshold-value").textContent = (this.step / 100).toFixed(2);
    byId("recount").replaceChildren(element("strong", {}, first), ...more.map((line) => element("span", {}, line)));
  }

  // Whether a box would be sent with the threshold.
  sends(score) {
    return score === null || score >= this.step / 100;
  }

  clear() {
    if (this.filter.cell) byId("cell").click();
    this.filter.labels.clear();
    this.filter.fates.clear();
    for (const box of document.querySelectorAll(".choices input")) box.checked = false;
    byId("name").value = "";
    byId("low").value = 0;
    byId("high").value = 1;
    this.#set({ low: 0, high: 1, name: "", cell: null });
  }
}
