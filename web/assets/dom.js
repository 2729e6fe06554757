// Small helpers for building the page. Nothing here takes markup as text except `safeHtml`.

/**
 * Makes an element: `el("a", { class: "x", href: "/" , onclick: f }, "text", child, [more])`.
 * @param {string} name
 * @param {Record<string, any>} props
 * @returns {any}
 */
export function el(name, props = {}, ...children) {
  /** @type {any} */
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "dataset") Object.assign(node.dataset, value);
    else if (key === "value") node.value = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child);
  }
}

/** Replaces what is in a node, skipping empty children. */
export function fill(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

/** An icon drawn with one stroked path in a box of 24 by 24. */
export function icon(path, size = 20) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [k, v] of Object.entries({ viewBox: "0 0 24 24", width: size, height: size, "aria-hidden": "true", focusable: "false", class: "icon" })) {
    svg.setAttribute(k, String(v));
  }
  const p = document.createElementNS(SVG, "path");
  p.setAttribute("d", path);
  svg.append(p);
  return svg;
}

/**
 * An element that index.html has.
 * @param {string} id
 */
export function byId(id) {
  const node = document.getElementById(id);
  if (node === null) throw new Error(`index.html has no #${id}`);
  return node;
}

/**
 * Says a short text to screen readers.
 * @param {string} text
 */
export function announce(text) {
  const node = byId("announce");
  // The same text twice in a row would not be read again without emptying it first.
  node.textContent = "";
  requestAnimationFrame(() => { node.textContent = text; });
}

/**
 * Runs `redraw`, then puts the focus back on the element that carries the same `data-focus` name.
 * When that one is gone, the focus goes to `fallback()`, so that keyboard users are not thrown to the top.
 */
export function keepFocus(container, redraw, fallback) {
  const active = document.activeElement;
  const had = active !== null && active !== document.body && container.contains(active);
  const name = had ? active.closest("[data-focus]")?.getAttribute("data-focus") : undefined;
  redraw();
  if (!had) return;
  const same = name === undefined ? undefined : [...container.querySelectorAll("[data-focus]")].find((n) => n.dataset.focus === name);
  const target = same && !same.disabled ? same : fallback?.();
  target?.focus({ preventScroll: true });
}

// What a description may be made of. The server has cleaned it already; this is the second lock on the door.
const TEXT_TAGS = new Set(["P", "BR", "HR", "B", "STRONG", "I", "EM", "U", "S", "SMALL", "SUB", "SUP", "UL", "OL", "LI", "DL", "DT", "DD", "BLOCKQUOTE", "CODE", "PRE", "TABLE", "THEAD", "TBODY", "TFOOT", "TR", "TH", "TD", "CAPTION"]);
const DROPPED = new Set(["SCRIPT", "STYLE", "TEMPLATE", "IFRAME", "OBJECT", "EMBED", "NOSCRIPT", "SVG", "MATH", "FORM", "INPUT", "BUTTON", "SELECT", "TEXTAREA", "LINK", "META", "BASE", "TITLE"]);

/** Turns a description into a fragment of known, harmless elements; unknown ones leave only their text. */
export function safeHtml(html) {
  const source = new DOMParser().parseFromString(String(html ?? ""), "text/html").body;
  const out = document.createDocumentFragment();
  copyChildren(source, out);
  return out;
}

function copyChildren(from, to) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) to.append(node.data);
    else if (node.nodeType === Node.ELEMENT_NODE) copyElement(node, to);
  }
}

function copyElement(node, to) {
  const tag = node.tagName.toUpperCase();
  if (DROPPED.has(tag)) return;
  let copy;
  // The page has its own title: headings in a description start below it.
  if (/^H[1-6]$/.test(tag)) copy = document.createElement(tag <= "H2" ? "h2" : "h3");
  else if (TEXT_TAGS.has(tag)) copy = document.createElement(tag);
  else if (tag === "A") copy = safeLink(node);
  else if (tag === "IMG") copy = safeImage(node);
  if (copy === undefined) {
    copyChildren(node, to);
    return;
  }
  to.append(copy);
  if (tag !== "IMG" && tag !== "BR" && tag !== "HR") copyChildren(node, copy);
}

function safeLink(node) {
  const url = safeUrl(node.getAttribute("href"), ["http:", "https:", "mailto:"]);
  return url === undefined ? undefined : el("a", { href: url, rel: "noopener noreferrer nofollow" });
}

function safeImage(node) {
  const url = safeUrl(node.getAttribute("src"), ["http:", "https:"]);
  return url === undefined ? document.createDocumentFragment() : el("img", { src: url, alt: node.getAttribute("alt") ?? "", loading: "lazy" });
}

/** The address, if it is one of these protocols. */
export function safeUrl(text, protocols) {
  if (!text) return undefined;
  try {
    const url = new URL(text, location.origin);
    return protocols.includes(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}
