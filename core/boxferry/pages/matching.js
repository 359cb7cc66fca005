// Which boxes and images the filters let through; pure.
//
// A box is [fate, score, predicted, stored]: a place in data.fates, a number or null, and twice [label, x1, y1, x2, y2]
// or null: as it was sent, and as it is now. An outline comes after them: rings, each [x, y, x, y, …].

export const NOTHING = -1; // in place of a label: nothing was predicted, or nothing is left

export const labelOf = ([, , predicted, stored]) => (predicted || stored)[0];
export const nowOf = ([fate, , predicted, stored], deleted) => (stored ? stored[0] : fate === deleted ? NOTHING : predicted[0]);

// What is drawn of one of the two.
export const corners = ([, x, y, x2, y2, rings]) => ({ x, y, width: x2 - x, height: y2 - y, rings });

export function noFilter() {
  return { labels: new Set(), fates: new Set(), low: 0, high: 1, name: "", cell: null, unscored: true };
}

// Whether the filters ask anything of boxes.
export function picky(filter) {
  return filter.labels.size > 0 || filter.fates.size > 0 || filter.low > 0 || filter.high < 1 || filter.cell !== null;
}

export function boxMatches(box, filter, deleted) {
  const [fate, score, predicted, stored] = box;
  if (filter.fates.size && !filter.fates.has(fate)) return false;
  if (filter.labels.size && !filter.labels.has(labelOf(box)) && !(stored && filter.labels.has(stored[0]))) return false;
  if (filter.low > 0 || filter.high < 1) {
    if (score === null || score < filter.low || score > filter.high) return false;
  }
  if (filter.cell === null) return true;
  const was = predicted ? predicted[0] : NOTHING;
  return was === filter.cell.was && nowOf(box, deleted) === filter.cell.now && filter.cell.fates.includes(fate);
}

export function imageMatches(image, filter, deleted) {
  if (filter.name && !image.n.toLowerCase().includes(filter.name)) return false;
  return !picky(filter) || image.b.some((box) => boxMatches(box, filter, deleted));
}

// How far from 0.5 the most doubtful score of an image is.
const sureness = (image) => Math.min(...image.b.map(([, score]) => (score === null ? Infinity : Math.abs(score - 0.5))));

// What images are put in order by: numbers, or names.
export const ORDERS = {
  "as listed": null,
  "most boxes": (image) => -image.b.length,
  "fewest boxes": (image) => image.b.length,
  "most uncertain": sureness,
  name: (image) => image.n,
};

const names = new Intl.Collator("en", { numeric: true });

const compare = (one, other) => (typeof one === "string" ? names.compare(one, other) : one === other ? 0 : one - other);

export function inOrder(images, key) {
  if (!key) return images;
  const keys = new Map(images.map((image) => [image, key(image)]));
  return images.toSorted((one, other) => compare(keys.get(one), keys.get(other)));
}
