// The list of products: filter chips, order, pages.

import { Problem, api } from "./api.js";
import { announce, el, fill, keepFocus } from "./dom.js";
import { errorBlock, picture, price, stateBlock } from "./parts.js";

const PAGE = 12;
// How long a list is shown again without asking; then stock and prices may have moved.
const KEPT_MS = 60_000;
/** @type {[string, string][]} */
const SORTS = [["newest", "Newest first"], ["price", "Price, low to high"], ["-price", "Price, high to low"]];
/**
 * @typedef {import("@stampede/client").ProductSummary} Product
 * @typedef {"collection" | "type" | "tag"} Facet
 * @typedef {{ facet: Facet, value: string }} Filter
 */

/**
 * The listing is kept by collection, by type and by tag: one of them at a time.
 * @type {[Facet, string][]}
 */
const FACETS = [["collection", "Collection"], ["type", "Type"], ["tag", "Tag"]];
/** @type {Record<Facet, (product: Product) => string[]>} */
const facetValues = { collection: (p) => p.collections ?? [], type: (p) => (p.type ? [p.type] : []), tag: (p) => p.tags ?? [] };

// What the products loaded so far carry. It only grows, so that chips do not vanish when one is chosen.
const seen = { collection: new Set(), type: new Set(), tag: new Set() };
/**
 * The last list with its place on the page, so that "back" from a product is instant.
 * @type {{ hash: string, items: Product[], cursor: string | null, scroll: number, at: number } | null}
 */
let kept = null;

/** @param {{ filter?: Filter | null, sort?: string | null }} [view] */
export function catalogueHash({ filter, sort } = {}) {
  const query = new URLSearchParams();
  if (filter) query.set(filter.facet, filter.value);
  if (sort && sort !== "newest") query.set("sort", sort);
  const text = query.toString();
  return text ? `#/?${text}` : "#/";
}

/** Where "back to the products" leads: the list as it was left. */
export function lastCatalogueHash() {
  return kept?.hash ?? "#/";
}

/**
 * @param {URLSearchParams} query
 * @returns {{ filter: Filter | null, sort: string }}
 */
function readQuery(query) {
  const facet = FACETS.map(([name]) => name).find((name) => query.get(name));
  const sort = SORTS.map(([value]) => value).find((value) => value === query.get("sort")) ?? "newest";
  return { filter: facet ? { facet, value: query.get(facet) ?? "" } : null, sort };
}

export async function catalogueView({ main, query, signal, ready }) {
  const { filter, sort } = readQuery(query);
  const hash = catalogueHash({ filter, sort });
  const title = filter ? filter.value : "All products";
  const fresh = kept?.hash === hash && performance.now() - kept.at < KEPT_MS;
  const list = fresh && kept ? kept : { hash, items: [], cursor: null, scroll: 0, at: performance.now() };

  const chips = el("div", { class: "facets" });
  const count = el("p", { class: "muted small", "aria-live": "off" });
  const grid = el("ul", { class: "grid" });
  const below = el("div", { class: "below" });
  const heading = el("h1", { tabindex: "-1" }, title);
  const order = el(
    "select",
    { id: "sort", dataset: { focus: "sort" }, onchange: (event) => { location.hash = catalogueHash({ filter, sort: event.target.value }); } },
    SORTS.map(([value, label]) => el("option", { value, selected: value === sort }, label)),
  );
  const toolbar = el("div", { class: "toolbar" }, count, el("label", { class: "sort", for: "sort" }, el("span", {}, "Sort by"), order));
  const page = [
    el("section", { class: "hero" }, el("div", { class: "wrap" }, filter && el("p", { class: "hero-kind" }, FACETS.find(([name]) => name === filter.facet)?.[1]), heading)),
    el("div", { class: "wrap catalogue" }, chips, toolbar, grid, below),
  ];
  // A chosen chip stays under the finger and the keyboard.
  keepFocus(main, () => {
    drawChips({ waiting: list.items.length === 0 });
    fill(main, page);
  }, () => heading);
  ready(title, heading, { keepsFocus: true });
  signal.addEventListener("abort", () => { list.scroll = window.scrollY; }, { once: true });

  if (list.items.length > 0) {
    drawItems(list.items);
    drawBelow();
    window.scrollTo(0, list.scroll);
    return;
  }
  await load();

  async function load({ anew = false } = {}) {
    grid.setAttribute("aria-busy", "true");
    fill(grid, Array.from({ length: 8 }, () => el("li", { class: "card", "aria-hidden": "true" }, el("span", { class: "picture skeleton" }), el("span", { class: "skeleton skeleton-text" }), el("span", { class: "skeleton skeleton-text is-short" }))));
    toolbar.hidden = false;
    fill(count, "Loading");
    fill(below);
    try {
      await fetchPage({ anew });
    } catch (problem) {
      if (signal.aborted) return;
      if (!(problem instanceof Problem)) throw problem;
      grid.removeAttribute("aria-busy");
      fill(grid);
      toolbar.hidden = true;
      drawChips({ waiting: false });
      fill(below, errorBlock(problem, again, { title: "The products could not be loaded" }));
      return;
    }
    grid.removeAttribute("aria-busy");
    fill(grid);
    drawItems(list.items);
    drawBelow();
    announce(countText());
  }

  function again() {
    return load({ anew: true });
  }

  async function fetchPage({ anew = false } = {}) {
    /** @type {import("./api.js").ProductsQuery} */
    const wanted = { limit: String(PAGE), sort };
    if (filter) wanted[filter.facet] = filter.value;
    if (list.cursor) wanted.cursor = list.cursor;
    const answer = await api.products(wanted, signal, { anew });
    list.items.push(...answer.items);
    list.cursor = answer.next_cursor ?? null;
    kept = list;
    for (const product of answer.items) {
      for (const [facet] of FACETS) facetValues[facet](product).forEach((value) => seen[facet].add(value));
    }
    keepFocus(chips, () => drawChips({ waiting: false }), () => heading);
    return answer.items;
  }

  function drawItems(items) {
    items.forEach((product, i) => grid.append(card(product, list.items.length <= PAGE && i < 4)));
    fill(count, list.items.length > 0 ? countText() : "");
  }

  function countText() {
    const n = list.items.length;
    if (n === 0) return "No products";
    return list.cursor ? `The first ${n} products` : `${n} ${n === 1 ? "product" : "products"}`;
  }

  function drawBelow() {
    toolbar.hidden = list.items.length === 0;
    if (list.items.length === 0) {
      fill(below, filter ? nothingHere(filter) : emptyCatalogue(again));
      return;
    }
    fill(below, list.cursor && el("button", { type: "button", class: "button button-quiet", id: "more", onclick: more }, "Show more"));
  }

  async function more(event) {
    const button = event.currentTarget;
    if (button.getAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    button.textContent = "Loading…";
    try {
      const items = await fetchPage();
      drawItems(items);
      drawBelow();
      announce(countText());
      grid.children[list.items.length - items.length]?.querySelector("a")?.focus({ preventScroll: true });
    } catch (problem) {
      if (signal.aborted) return;
      if (!(problem instanceof Problem)) throw problem;
      fill(below, errorBlock(problem, () => { drawBelow(); document.getElementById("more")?.click(); }, { title: "The next products could not be loaded" }));
    }
  }

  function drawChips({ waiting }) {
    const rows = FACETS.map(([facet, label]) => {
      const values = new Set(seen[facet]);
      if (filter !== null && filter.facet === facet) values.add(filter.value);
      const sorted = [...values].sort((a, b) => a.localeCompare(b));
      if (sorted.length === 0) return null;
      const id = `facet-${facet}`;
      return el(
        "div",
        { class: "facet", role: "group", "aria-labelledby": id },
        el("span", { class: "facet-name", id }, label),
        el(
          "ul",
          { class: "chips" },
          sorted.map((value) => {
            const chosen = filter !== null && filter.facet === facet && filter.value === value;
            return el(
              "li",
              {},
              el(
                "a",
                {
                  class: "chip",
                  href: catalogueHash({ filter: chosen ? null : { facet, value }, sort }),
                  "aria-current": chosen ? "true" : undefined,
                  dataset: { focus: `chip-${facet}-${value}` },
                },
                value,
                chosen && el("span", { class: "chip-off", "aria-hidden": "true" }, " ×"),
                chosen && el("span", { class: "visually-hidden" }, " (chosen; follow to show all)"),
              ),
            );
          }),
        ),
      );
    });
    // An empty row keeps its height while the first products are on their way, so that nothing jumps.
    const blank = () => FACETS.map(() => el("div", { class: "facet facet-waiting", "aria-hidden": "true" }));
    fill(chips, waiting && !rows.some(Boolean) ? blank() : rows);
    // On a narrow screen the rows scroll: the chosen chip is brought into sight, without moving the page.
    requestAnimationFrame(() => {
      const chip = chips.querySelector("[aria-current]");
      const row = chip?.closest(".chips");
      if (!row) return;
      const [a, b] = [chip.getBoundingClientRect(), row.getBoundingClientRect()];
      row.scrollLeft += a.left + a.width / 2 - b.left - b.width / 2;
    });
  }
}

/**
 * @param {Product} product
 * @param {boolean} eager
 */
function card(product, eager) {
  const soldOut = !product.available;
  return el(
    "li",
    { class: soldOut ? "card is-sold-out" : "card", dataset: { slug: product.slug } },
    el(
      "a",
      { class: "card-link", href: `#/products/${encodeURIComponent(product.slug)}` },
      picture(product.image, product.title, { eager, alt: "" }),
      el("h2", { class: "card-title" }, product.title),
      product.vendor && el("p", { class: "small muted" }, product.vendor),
      priceFrom(product),
      soldOut ? el("span", { class: "badge badge-quiet" }, "Sold out") : product.reduced ? el("span", { class: "badge" }, "Reduced") : null,
    ),
  );
}

/**
 * "From $28.00", and what it was before when every reader would expect that to be shown.
 * @param {Product} product
 */
function priceFrom(product) {
  if (!product.price) return el("p", { class: "price" }, "Not for sale yet");
  const was = product.price_varies ? null : product.compare_at_price;
  return el("p", { class: "price" }, product.price_varies && el("span", { class: "price-from" }, "From "), price(product.price, was));
}

/** @param {Filter} filter */
function nothingHere(filter) {
  return stateBlock({
    title: `Nothing under “${filter.value}”`,
    body: [el("p", {}, "No product carries this at the moment.")],
    actions: [el("a", { class: "button", href: "#/" }, "Show all products")],
  });
}

function emptyCatalogue(again) {
  const code = (text) => el("code", {}, text);
  return stateBlock({
    title: "The shelves are empty",
    body: [
      el("p", {}, "This shop has no products yet. Import a product file, in the CSV format that Shopify exports:"),
      el(
        "ol",
        { class: "steps" },
        el("li", {}, "Ask for an upload, with a staff token and the file's size: ", code("POST /v1/admin/imports"), " with ", code('{"bytes": …}')),
        el("li", {}, "Send the file to the address in the answer: ", code("PUT upload.url"), ", with the headers in ", code("upload.headers")),
        el("li", {}, "Watch it: ", code("GET /v1/admin/imports/{id}"), " until its state is ", code("completed")),
      ),
      el("p", { class: "small muted" }, "A file to try it with is in the repository: ", code("web/demo/catalogue.csv"), "."),
    ],
    actions: [el("button", { type: "button", class: "button", onclick: again }, "Look again")],
  });
}
