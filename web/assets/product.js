// One product: pictures, description, options that pick the variant, price, add to cart.

import { Problem, api } from "./api.js";
import { cart } from "./cart.js";
import { openCart } from "./cart-panel.js";
import { catalogueHash, lastCatalogueHash } from "./catalogue.js";
import { announce, el, fill, icon, safeHtml } from "./dom.js";
import { reducedFrom } from "./money.js";
import { ICONS, errorBlock, picture, price, stateBlock } from "./parts.js";

export async function productView({ main, params, signal, ready }) {
  const page = el("div", { class: "wrap product-page" });
  fill(main, page);
  await load();

  async function load() {
    fill(
      page,
      backLink(),
      el(
        "div",
        { class: "product", "aria-busy": "true" },
        el("p", { class: "visually-hidden" }, "Loading the product"),
        el("div", { class: "gallery" }, el("span", { class: "picture skeleton" })),
        el("div", { class: "details" }, el("span", { class: "skeleton skeleton-title" }), el("span", { class: "skeleton skeleton-text" }), el("span", { class: "skeleton skeleton-text is-short" })),
      ),
    );
    let product;
    try {
      product = await api.product(params.slug, signal);
    } catch (problem) {
      if (signal.aborted) return;
      if (!(problem instanceof Problem)) throw problem;
      fill(page, backLink(), problem.status === 404 ? notFound() : errorBlock(problem, load, { title: "The product could not be loaded", level: "h1" }));
      ready(problem.status === 404 ? "No such product" : "Product");
      return;
    }
    const heading = el("h1", { tabindex: "-1" }, product.title);
    fill(page, backLink(), productBody(product, heading));
    ready(product.title, heading);
  }
}

function backLink() {
  return el("p", { class: "back" }, el("a", { href: lastCatalogueHash() }, icon(ICONS.back, 18), "Back to the products"));
}

function notFound() {
  return stateBlock({
    level: "h1",
    title: "No such product",
    body: [el("p", {}, "It may have been renamed or taken off the shelves.")],
    actions: [el("a", { class: "button", href: "#/" }, "Show all products")],
  });
}

/** @typedef {import("@stampede/client").ProductView} Product */

/**
 * @param {Product} product
 * @param {HTMLElement} heading
 */
function productBody(product, heading) {
  const variants = product.variants ?? [];
  // Empty for a product of one variant; a variant has one value for each, in the same order.
  const options = product.options ?? [];
  let chosen = variants.find((v) => v.available) ?? variants[0];

  const gallery = makeGallery(product);
  const priceBox = el("p", { class: "price product-price" });
  const stock = el("p", { class: "stock" });
  const message = el("div", { class: "buy-message", role: "alert" });
  const add = el("button", { type: "button", class: "button button-wide", id: "add-to-cart", onclick: addToCart });
  const selectors = options.map(optionGroup);

  showChosen();
  return el(
    "article",
    { class: "product" },
    gallery.node,
    el(
      "div",
      { class: "details" },
      product.vendor && el("p", { class: "muted vendor" }, product.vendor),
      heading,
      priceBox,
      selectors.map((s) => s.node),
      stock,
      add,
      message,
      el("div", { class: "prose" }, safeHtml(product.description_html)),
      belongsTo(product),
    ),
  );

  /**
   * @param {import("@stampede/client").OptionView} option
   * @param {number} index
   */
  function optionGroup({ name, values }, index) {
    const group = `option-${index}`;
    const inputs = values.map((value, i) => {
      const id = `${group}-${i}`;
      const input = el("input", { type: "radio", name: group, id, value, onchange: () => choose(index, value) });
      const soldOut = el("span", { class: "visually-hidden" });
      return { value, input, soldOut, node: el("span", { class: "swatch" }, input, el("label", { for: id }, value, soldOut)) };
    });
    const current = el("span", { class: "option-current" });
    const node = el("fieldset", { class: "option" }, el("legend", {}, `${name}: `, current), el("div", { class: "swatches" }, inputs.map((i) => i.node)));
    return {
      node,
      update() {
        const choice = chosen?.option_values ?? [];
        current.textContent = choice[index] ?? "";
        for (const item of inputs) {
          // Read from left to right: a value counts as sold out given what was chosen before it.
          const out = !variants.some((v) => v.available && v.option_values[index] === item.value && v.option_values.slice(0, index).every((x, i) => x === choice[i]));
          item.input.checked = choice[index] === item.value;
          item.node.classList.toggle("is-out", out);
          item.soldOut.textContent = out ? " (sold out)" : "";
        }
      },
    };
  }

  /**
   * The variant with this value that keeps most of the other choices.
   * @param {number} index
   * @param {string} value
   */
  function closest(index, value) {
    const others = chosen?.option_values ?? [];
    /** @param {Product["variants"][number]} v */
    const score = (v) => v.option_values.reduce((sum, x, i) => sum + (i !== index && x === others[i] ? 1 : 0), 0);
    const [first, ...more] = variants.filter((v) => v.option_values[index] === value);
    return more.reduce((best, v) => (best === undefined || score(v) > score(best) ? v : best), first);
  }

  function choose(index, value) {
    chosen = closest(index, value) ?? chosen;
    if (chosen === undefined) return;
    fill(message);
    gallery.showFor(value);
    showChosen();
    announce(chosen.available ? priceBox.textContent : `${chosen.title}: sold out`);
  }

  function showChosen() {
    selectors.forEach((s) => s.update());
    if (chosen === undefined) {
      fill(priceBox, "Not for sale yet");
      fill(stock);
      add.disabled = true;
      add.textContent = "Not for sale yet";
      return;
    }
    add.dataset.sku = chosen.sku;
    fill(priceBox, price(chosen.price, reducedFrom(chosen)));
    stock.classList.toggle("is-out", !chosen.available);
    fill(stock, chosen.available ? "In stock" : variants.some((v) => v.available) ? "This one is sold out. Another may not be." : "Sold out");
    add.disabled = !chosen.available;
    add.textContent = chosen.available ? "Add to cart" : "Sold out";
  }

  async function addToCart() {
    if (add.getAttribute("aria-disabled") || chosen === undefined) return;
    const { sku } = chosen;
    add.setAttribute("aria-disabled", "true");
    add.textContent = "Adding…";
    fill(message);
    try {
      await cart.add(sku, 1, { image: gallery.current()?.url ?? null });
      announce(`${product.title} is in the cart`);
      openCart();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      fill(message, el("p", { class: "note note-bad" }, problem.message));
    } finally {
      add.removeAttribute("aria-disabled");
      showChosen();
    }
  }
}

/** @param {Product} product */
function makeGallery(product) {
  const images = product.images ?? [];
  let at = 0;
  const main = el("div", { class: "gallery-main" });
  const thumbs = images.map((image, i) =>
    el(
      "button",
      { type: "button", class: "thumb", "aria-label": `Picture ${i + 1} of ${images.length}: ${image.alt || product.title}`, onclick: () => show(i) },
      picture(image, product.title, { alt: "" }),
    ),
  );
  show(0);
  return {
    node: el("div", { class: "gallery" }, main, images.length > 1 && el("div", { class: "thumbs" }, thumbs)),
    current: () => images[at],
    // The API does not tie pictures to variants, but a picture of the red one usually says "red".
    showFor(value) {
      const words = new RegExp(`(^|[^\\p{L}\\p{N}])${value.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}($|[^\\p{L}\\p{N}])`, "iu");
      const found = images.findIndex((image) => words.test(image.alt ?? ""));
      if (found >= 0) show(found);
    },
  };

  function show(i) {
    at = i;
    fill(main, picture(images[i], product.title, { eager: true }));
    thumbs.forEach((thumb, j) => (j === i ? thumb.setAttribute("aria-current", "true") : thumb.removeAttribute("aria-current")));
  }
}

/** @param {Product} product */
function belongsTo(product) {
  /** @type {import("./catalogue.js").Filter[]} */
  const links = [
    ...product.collections.map((value) => /** @type {const} */ ({ facet: "collection", value })),
    ...(product.type ? [/** @type {const} */ ({ facet: "type", value: product.type })] : []),
    ...product.tags.map((value) => /** @type {const} */ ({ facet: "tag", value })),
  ];
  if (links.length === 0) return null;
  return el(
    "nav",
    { class: "more-like", "aria-label": "More like this" },
    el("p", { class: "facet-name" }, "More like this"),
    el("ul", { class: "chips" }, links.map((filter) => el("li", {}, el("a", { class: "chip", href: catalogueHash({ filter }) }, filter.value)))),
  );
}
