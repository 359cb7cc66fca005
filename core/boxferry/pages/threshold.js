// What would be sent with a threshold, and what it would have cost; from counts at each hundredth of a score.
//
// data.threshold: {labels: {label: {sent: [101 counts of scores at or above], deleted: …, right: …, added, unscored}},
// images: [101], imagesUnscored, clicks: {deletion, addition} or null}.

import { counted } from "./dom.js";

const sum = (rows, count) => rows.reduce((total, row) => total + count(row), 0);
const clicksText = (clicks) => (Math.round(clicks * 10) / 10).toLocaleString("en");

// The numbers at a threshold of `step` hundredths, of some labels, or of all where none are chosen.
export function recounted(facts, step, labels) {
  const rows = Object.entries(facts.labels).filter(([label]) => !labels.size || labels.has(Number(label))).map(([, row]) => row);
  const all = sum(rows, (row) => row.sent[0] + row.unscored), sent = sum(rows, (row) => row.sent[step] + row.unscored);
  return { all, sent, images: labels.size ? null : facts.images[step], cost: cost(facts, rows, step), now: cost(facts, rows, 0) };
}

function cost(facts, rows, step) {
  if (!facts.clicks) return null;
  const missed = sum(rows, (row) => row.added + row.right[0] - row.right[step]), wrong = sum(rows, (row) => row.deleted[step]);
  return { clicks: missed * facts.clicks.addition + wrong * facts.clicks.deletion, missed, wrong };
}

// The threshold that costs the fewest clicks; the lowest of equals.
export function cheapest(facts, labels) {
  let best = 0;
  for (let step = 1; step <= 100; step += 1) {
    if (recounted(facts, step, labels).cost.clicks < recounted(facts, best, labels).cost.clicks) best = step;
  }
  return best;
}

export function lines({ all, sent, images, cost: then, now }) {
  const share = all ? ` (${Math.round((100 * sent) / all)}%)` : "";
  const found = [`${sent.toLocaleString("en")} of ${counted(all, "box", "boxes")}${share} would be sent`];
  if (images !== null && images !== undefined) found.push(`on ${counted(images, "image")}`);
  if (!then) return found;
  const saved = now.clicks - then.clicks, word = saved >= 0 ? "saved" : "more";
  found.push(`correcting would have cost ${clicksText(then.clicks)} clicks, ${clicksText(Math.abs(saved))} ${word}`);
  return [...found, `${counted(then.wrong, "box", "boxes")} to delete, ${then.missed.toLocaleString("en")} to draw`];
}
