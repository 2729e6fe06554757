// Walks through the storefront as a customer would, in a real browser, against a shop that is up:
//
//   node tests/browser/storefront.mjs http://127.0.0.1:8080
//
// CHROMIUM names the browser (default /usr/bin/chromium). The shop needs products: `make dev` imports some.
// Every wait is for something to happen and has a deadline. Exits with 1 and says why when a step fails.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const BASE = (process.argv[2] ?? "").replace(/\/+$/, "");
const CHROMIUM = process.env.CHROMIUM || "/usr/bin/chromium";
const WAIT_MS = 15_000;
const PAYMENT_MS = 30_000;
const WALK_MS = 180_000;
const PAGE = 12;

const ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const CUSTOMER = { email: "ann.field@example.com", name: "Ann Field", line1: "1 Long Meadow", city: "Pilton", postal_code: "BA4 4BY", country: "GB" };

let passed = 0;

if (!/^https?:\/\//.test(BASE)) {
  console.error("Usage: node tests/browser/storefront.mjs <base-url>, for example http://127.0.0.1:8080");
  process.exit(2);
}

class Failure extends Error {}

function check(holds, message) {
  if (!holds) throw new Failure(message);
}

function same(actual, expected, what) {
  const [a, e] = [JSON.stringify(actual), JSON.stringify(expected)];
  check(a === e, `${what}: expected ${e}, found ${a}`);
}

async function api(path) {
  const response = await fetch(BASE + path, { signal: AbortSignal.timeout(WAIT_MS) }).catch((error) => {
    throw new Failure(`no shop answers at ${BASE} (${error.cause?.code ?? error.message}): start it with make dev`);
  });
  check(response.ok, `GET ${path} answered ${response.status}`);
  return response.json();
}

async function wholeCatalogue() {
  const products = [];
  let cursor = null;
  do {
    const page = await api(`/v1/products?${new URLSearchParams({ limit: "24", ...(cursor ? { cursor } : {}) })}`);
    products.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor && products.length < 500);
  check(products.length > 0, "the shop has no products: import web/demo/catalogue.csv first");
  return products;
}

const lowest = (product) => Math.min(...product.variants.map((v) => v.price.amount));
const realOptions = (product) => product.options.filter((o) => o.name !== "Title" || o.values.length > 1);

/** One customer with a screen of this width, in a browser profile of their own. */
class Walk {
  constructor(page, width) {
    this.page = page;
    this.width = width;
    this.faults = [];
    this.orderPosts = [];
    // Set while a step breaks the network on purpose.
    this.breaking = false;
    page.setDefaultTimeout(WAIT_MS);
    page.on("pageerror", (error) => this.faults.push(`uncaught error: ${error.stack ?? error}`));
    page.on("console", (message) => {
      if (message.type() === "error" && !(this.breaking && message.text().includes("Failed to load resource"))) this.faults.push(`console error: ${message.text()}`);
    });
    page.on("requestfailed", (request) => {
      const why = request.failure()?.errorText ?? "";
      // The page itself cancels what it no longer needs when the view changes.
      if (why !== "net::ERR_ABORTED" && !this.breaking) this.faults.push(`request failed: ${request.method()} ${request.url()} (${why})`);
    });
    page.on("response", (response) => {
      if (response.status() >= 400) this.faults.push(`request refused: ${response.request().method()} ${response.url()} (${response.status()})`);
    });
    page.on("request", (request) => {
      if (request.method() === "POST" && new URL(request.url()).pathname === "/v1/orders") this.orderPosts.push({ key: request.headers()["idempotency-key"], body: request.postData() });
    });
  }

  async step(name, run) {
    const started = performance.now();
    try {
      await run();
      await this.fits();
      check(this.faults.length === 0, this.faults.join("\n    "));
    } catch (error) {
      throw new Failure(`[${this.width} px] ${name}\n    ${error instanceof Failure ? error.message : (error.stack ?? error)}`);
    }
    passed += 1;
    console.log(`  ok  [${this.width} px] ${name} (${Math.round(performance.now() - started)} ms)`);
  }

  /** Nothing may stick out at the side. */
  async fits() {
    const [inner, outer] = await this.page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    check(inner <= outer, `the page is ${inner} px wide on a screen of ${outer} px: it scrolls sideways`);
  }

  cards() {
    return this.page.locator("main .card[data-slug]");
  }

  async slugs() {
    return this.cards().evaluateAll((cards) => cards.map((card) => card.dataset.slug));
  }

  /** Waits until the list shows exactly what the API lists for the query. */
  async showsListing(query) {
    const { items } = await api(`/v1/products?${new URLSearchParams({ limit: String(PAGE), ...query })}`);
    const expected = items.map((p) => p.slug);
    await this.page
      .waitForFunction((slugs) => JSON.stringify([...document.querySelectorAll("main .card[data-slug]")].map((c) => c.dataset.slug)) === slugs, JSON.stringify(expected))
      .catch(async () => same(await this.slugs(), expected, `the list for ${JSON.stringify(query)}`));
    return items;
  }

  async openShop() {
    await this.page.locator("a.brand").click();
    await this.cards().first().waitFor();
  }

  async openProduct(product) {
    await this.openShop();
    const card = this.page.locator(`main .card[data-slug="${product.slug}"] a`);
    while ((await card.count()) === 0) {
      const more = this.page.locator("#more");
      check((await more.count()) === 1, `${product.title} is on no page of the list`);
      const before = await this.cards().count();
      await more.click();
      await this.page.waitForFunction((n) => document.querySelectorAll("main .card[data-slug]").length > n, before);
    }
    await card.click();
    await this.page.getByRole("heading", { level: 1, name: product.title, exact: true }).waitFor();
  }

  async pick(product, variant) {
    for (const [i, value] of variant.option_values.entries()) {
      await this.page.locator(`fieldset.option input[name="option-${i}"][value=${JSON.stringify(value)}]`).check();
    }
    same(await this.page.locator("#add-to-cart").getAttribute("data-sku"), variant.sku, `the variant picked of ${product.title}`);
  }

  line(sku) {
    return this.page.locator(`#cart .line[data-sku=${JSON.stringify(sku)}]`);
  }

  async cartTotal(amount) {
    await this.page.locator(`#cart dd[data-total="${amount}"]`).waitFor();
  }

  async addToCart(product, variant) {
    await this.openProduct(product);
    await this.pick(product, variant);
    await this.page.locator("#add-to-cart").click();
    await this.line(variant.sku).waitFor();
  }

  async fillCheckout(token) {
    await this.page.locator("#cart a[href='#/checkout']").click();
    await this.page.getByRole("heading", { level: 1, name: "Checkout" }).waitFor();
    await this.page.getByLabel("E-mail").fill(CUSTOMER.email);
    await this.page.getByLabel("Full name").fill(CUSTOMER.name);
    await this.page.getByLabel("Street and number").fill(CUSTOMER.line1);
    await this.page.getByLabel("Postcode").fill(CUSTOMER.postal_code);
    await this.page.getByLabel("Town or city").fill(CUSTOMER.city);
    await this.page.getByLabel("Country").selectOption(CUSTOMER.country);
    await this.page.locator(`#token-${token}`).check();
  }

  async orderStatus(status) {
    const settled = this.page.locator(`[data-status]:not([data-status="pending_payment"])`);
    await settled.waitFor({ timeout: PAYMENT_MS });
    same(await settled.getAttribute("data-status"), status, "the order's status");
  }
}

async function buy(walk, products) {
  const { page, width } = walk;
  const sellable = products.filter((p) => realOptions(p).length === 2 && p.variants.some((v) => v.available));
  check(sellable.length > 0, "no product with two options has anything in stock: import web/demo/catalogue.csv, or set stock");
  // One that also has a sold-out variant shows more.
  const product = sellable.find((p) => p.variants.some((v) => !v.available)) ?? sellable[0];
  const variant = product.variants.find((v) => v.available);
  const soldOut = product.variants.find((v) => !v.available);

  await walk.step("the shop opens and lists what the API lists", async () => {
    await page.goto(`${BASE}/`);
    await walk.cards().first().waitFor();
    await walk.showsListing({ sort: "newest" });
    const inSight = page.locator("main .card img").first();
    await inSight.evaluate((img) => img.decode());
  });

  if (products.length > PAGE) {
    await walk.step("“Show more” adds the next page", async () => {
      await page.locator("#more").click();
      const expected = Math.min(products.length, 2 * PAGE);
      await page.waitForFunction((n) => document.querySelectorAll("main .card[data-slug]").length === n, expected);
      same(new Set(await walk.slugs()).size, expected, "different products on the list");
    });
  }

  for (const [facet, valuesOf] of [["collection", (p) => p.collections], ["type", (p) => [p.type]], ["tag", (p) => p.tags]]) {
    const value = products.flatMap(valuesOf).find((v) => v);
    if (value === undefined) continue;
    await walk.step(`the chip for ${facet} “${value}” filters`, async () => {
      await page.getByRole("group", { name: { collection: "Collection", type: "Type", tag: "Tag" }[facet] }).getByRole("link", { name: value, exact: true }).click();
      await page.getByRole("heading", { level: 1, name: value, exact: true }).waitFor();
      const items = await walk.showsListing({ [facet]: value, sort: "newest" });
      check(items.length > 0 && items.every((p) => valuesOf(p).includes(value)), `the API lists products without ${facet} “${value}”`);
    });
  }

  await walk.step("sorting by price goes up and down", async () => {
    await walk.openShop();
    for (const [sort, rising] of [["price", 1], ["-price", -1]]) {
      await page.getByLabel("Sort by").selectOption(sort);
      const items = await walk.showsListing({ sort });
      items.reduce((a, b) => {
        check((lowest(b) - lowest(a)) * rising >= 0, `${a.title} and ${b.title} are in the wrong order for ${sort}`);
        return b;
      });
    }
    await page.getByLabel("Sort by").selectOption("newest");
    await walk.showsListing({ sort: "newest" });
  });

  await walk.step(`${product.title} opens, its two options pick a variant`, async () => {
    await walk.openProduct(product);
    if (soldOut) {
      await walk.pick(product, soldOut);
      await page.locator("#add-to-cart:disabled", { hasText: "Sold out" }).waitFor();
    }
    await walk.pick(product, variant);
    await page.locator("#add-to-cart:enabled", { hasText: "Add to cart" }).waitFor();
  });

  await walk.step("it goes into the cart, and its quantity can be changed", async () => {
    await page.locator("#add-to-cart").click();
    const line = walk.line(variant.sku);
    await line.waitFor();
    await walk.cartTotal(variant.price.amount);
    await line.getByRole("button", { name: /more$/ }).click();
    await walk.cartTotal(2 * variant.price.amount);
    const quantity = line.getByRole("spinbutton");
    await quantity.fill("3");
    await quantity.press("Enter");
    await walk.cartTotal(3 * variant.price.amount);
    await line.getByRole("button", { name: /less$/ }).click();
    await walk.cartTotal(2 * variant.price.amount);
    await page.keyboard.press("Escape");
    await page.locator("#cart:not([open])").waitFor({ state: "attached" });
    same(await page.evaluate(() => document.activeElement.id), "add-to-cart", "the focus after the cart was closed");
  });

  await walk.step("the cart is still there after a reload", async () => {
    await page.reload();
    await page.locator("#cart-count", { hasText: "2" }).waitFor();
    await page.locator("#cart-button").click();
    await walk.line(variant.sku).getByRole("button", { name: /less$/ }).click();
    await walk.cartTotal(variant.price.amount);
  });

  await walk.step("the checkout says which fields are missing", async () => {
    await page.locator("#cart a[href='#/checkout']").click();
    await page.getByRole("heading", { level: 1, name: "Checkout" }).waitFor();
    await page.locator("#place-order").click();
    await page.locator("#field-email[aria-invalid]").waitFor();
    same(await page.evaluate(() => document.activeElement.id), "field-email", "the field with the focus");
    same(walk.orderPosts.length, 0, "orders sent");
    await page.locator("#cart-button").click();
  });

  await walk.step("a double tap on “Place the order” places one order, which is paid", async () => {
    await walk.fillCheckout("tok_ok");
    await page.locator("#place-order").dblclick();
    await walk.orderStatus("paid");
    await page.getByRole("heading", { name: /^Paid/ }).waitFor();
    same(walk.orderPosts.length, 1, "orders sent");
    check(walk.orderPosts[0].key, "the order went without an idempotency key");
    await page.locator("#cart-count").waitFor({ state: "hidden" });
  });

  await walk.step("a declined card shows on the order, and the goods can go back in the cart", async () => {
    await walk.addToCart(product, variant);
    await walk.fillCheckout("tok_declined");
    await page.locator("#place-order").click();
    await walk.orderStatus("payment_failed");
    await page.getByRole("heading", { name: "The payment did not go through" }).waitFor();
    same(walk.orderPosts.length, 2, "orders sent");
    check(walk.orderPosts[0].key !== walk.orderPosts[1].key, "two orders shared one idempotency key");
    await page.getByRole("button", { name: "Put it all back in the cart" }).click();
    await walk.line(variant.sku).waitFor();
  });

  await walk.step("what is removed leaves the cart empty", async () => {
    await walk.line(variant.sku).getByRole("button", { name: /^Remove/ }).click();
    await page.locator("#cart").getByText("Nothing in it yet").waitFor();
    await page.locator("#cart-count").waitFor({ state: "hidden" });
    await page.keyboard.press("Escape");
  });

  // The same code at every width: once is enough.
  if (width < 1000) return;
  await walk.step("when the answer to an order is lost, the same order is sent again, not another", async () => {
    const answers = [];
    await walk.addToCart(product, variant);
    await walk.fillCheckout("tok_ok");
    await page.route("**/v1/orders", async (route) => {
      if (route.request().method() !== "POST") return route.continue();
      const response = await route.fetch();
      answers.push(await response.json());
      return answers.length === 1 ? route.abort("connectionreset") : route.fulfill({ response });
    });
    walk.breaking = true;
    await page.locator("#place-order").click();
    await walk.orderStatus("paid");
    walk.breaking = false;
    await page.unroute("**/v1/orders");
    const [first, second] = walk.orderPosts.slice(-2);
    same(answers.length, 2, "times the order was sent");
    same(second, first, "key and body of the second try");
    same(answers[1].id, answers[0].id, "the order that the second try was answered with");
  });
}

async function walkAt(width, height, products) {
  const profile = await mkdtemp(join(tmpdir(), "storefront-"));
  let context;
  let watchdog;
  try {
    context = await chromium.launchPersistentContext(profile, { executablePath: CHROMIUM, args: ARGS, headless: true, viewport: { width, height }, locale: "en-GB" });
    const page = context.pages()[0] ?? (await context.newPage());
    const walk = new Walk(page, width);
    const late = new Promise((_, reject) => {
      watchdog = setTimeout(() => reject(new Failure(`[${width} px] not done after ${WALK_MS / 1000} s`)), WALK_MS);
    });
    try {
      await Promise.race([buy(walk, products), late]);
    } catch (error) {
      const picture = join(tmpdir(), `storefront-failure-${width}.png`);
      const taken = await page.screenshot({ path: picture, timeout: 5_000 }).then(() => true, () => false);
      if (taken) error.message += `\n    at ${page.url()}\n    what the page looked like: ${picture}`;
      throw error;
    }
  } finally {
    clearTimeout(watchdog);
    await context?.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

try {
  for (const [width, height] of [[1280, 900], [360, 740]]) {
    console.log(`A customer with a screen of ${width} px`);
    // Read anew for each: the one before has bought something.
    await walkAt(width, height, await wholeCatalogue());
  }
  console.log(`${passed} passed, 0 failed`);
} catch (error) {
  console.error(`FAILED ${error instanceof Failure ? error.message : (error.stack ?? error)}`);
  console.log(`${passed} passed, 1 failed`);
  process.exitCode = 1;
}
