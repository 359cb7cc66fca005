// Making elements, and the words on them. What is shown is set as text, never as markup.

const SVG = document.createRange().createContextualFragment("<svg></svg>").firstChild.namespaceURI;

export const byId = (id) => document.getElementById(id);
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

// An element with attributes and children; a function among the attributes listens, as {onclick: …}.
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function shape(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// Give an element the colours of a label or a fate: {colour, ink, mark}.
export function coloured(node, look) {
  node.style.setProperty("--c", look.colour);
  node.style.setProperty("--ink-on", look.ink);
  return node;
}

export function mark(look) {
  return coloured(element("span", { class: "mark", "aria-hidden": "true" }, look.mark), look);
}

// At most one call a frame, however often it is asked for.
export function once(task) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      task();
    });
  };
}
