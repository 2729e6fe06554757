// Walks through the storefront as a customer would, in a real browser, against a shop that is up:
//
//   node tests/browser/storefront.mjs http://127.0.0.1:8080
//
// CHROMIUM names the browser, by path or by name (default /usr/bin/chromium). The shop needs products with
// some stock: `make dev` imports some. Each run buys three units, and two more that go back into stock. No token
// is needed.
// Every wait is for something to happen and has a deadline.
// Exits with 0 when every step passed, with 1 when one failed, with 2 when there was nothing to start with.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ARGS, CannotStart, Failure, browser, check, report, same } from "./driver.mjs";

const BASE = (process.argv[2] ?? "").replace(/\/+$/, "");
const WAIT_MS = 15_000;
const PAYMENT_MS = 30_000;
const WALK_MS = 180_000;
// Products on a page of the storefront.
const PAGE = 12;
// What a run puts into the cart at most, with some to spare for others who use the same shop.
const ENOUGH = 6;
const TOO_MANY = 999;

const CUSTOMER = { email: "ann.field@example.com", name: "Ann Field", line1: "1 Long Meadow", city: "Pilton", postal_code: "BA4 4BY", country: "GB" };

let passed = 0;

async function api(path, { method = "GET", body, headers = {} } = {}) {
  const response = await fetch(BASE + path, {
    method,
    body: body && JSON.stringify(body),
    headers: { ...(body && { "content-type": "application/json" }), ...headers },
    signal: AbortSignal.timeout(WAIT_MS),
  }).catch((error) => {
    throw new CannotStart(`no shop answers at ${BASE} (${error.cause?.code ?? error.message}): start it with make dev`);
  });
  check(response.ok, `${method} ${path} answered ${response.status}: ${await response.clone().text()}`);
  return response.json();
}

/** Whether the stock would serve so many just now, asked as any customer may: by putting them into a cart. */
async function inStock(sku, quantity) {
  const { id } = await api("/v1/carts", { method: "POST" });
  const { lines } = await api(`/v1/carts/${id}/lines/${encodeURIComponent(sku)}`, { method: "PUT", body: { quantity } });
  return lines.every((line) => line.available);
}

/** What the walk buys: a product with two options, if possible with a sold-out variant, which shows more. */
async function choose(products) {
  const soldOut = (p) => p.variants.find((v) => !v.available);
  const candidates = products.filter((p) => p.options.length === 2).sort((a, b) => (soldOut(b) ? 1 : 0) - (soldOut(a) ? 1 : 0));
  for (const product of candidates) {
    for (const variant of product.variants.filter((v) => v.available)) {
      if (await inStock(variant.sku, ENOUGH)) return { product, variant, soldOut: soldOut(product) };
    }
  }
  throw new CannotStart(`no product with two options has ${ENOUGH} of one variant in stock: import web/demo/catalogue.csv into an empty shop, or set stock with PUT /v1/admin/stock/{sku}`);
}

async function wholeCatalogue() {
  const products = [];
  let cursor = null;
  do {
    const page = await api(`/v1/products?${new URLSearchParams({ limit: "24", ...(cursor ? { cursor } : {}) })}`);
    // A list shows little of each; what is chosen by is on their pages.
    products.push(...(await Promise.all(page.items.map(({ slug }) => api(`/v1/products/${encodeURIComponent(slug)}`)))));
    cursor = page.next_cursor;
  } while (cursor && products.length < 500);
  if (products.length === 0) throw new CannotStart("the shop has no products: import web/demo/catalogue.csv first");
  return products;
}

/** One customer with a screen of this width, in a browser profile of their own. */
class Walk {
  constructor(page, width) {
    this.page = page;
    this.width = width;
    this.faults = [];
    this.orderPosts = [];
    this.cancelKeys = [];
    // Set while a step breaks the network on purpose.
    this.breaking = false;
    // The refusal that a step provokes: {status, path}.
    this.provokes = null;
    page.setDefaultTimeout(WAIT_MS);
    page.on("pageerror", (error) => this.faults.push(`uncaught error: ${error.stack ?? error}`));
    page.on("console", (message) => {
      // What cannot be loaded is reported below, with its address.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) this.faults.push(`console error: ${message.text()}`);
    });
    page.on("requestfailed", (request) => {
      const why = request.failure()?.errorText ?? "";
      // The page itself cancels what it no longer needs when the view changes.
      if (why !== "net::ERR_ABORTED" && !this.breaking) this.faults.push(`request failed: ${request.method()} ${request.url()} (${why})`);
    });
    page.on("response", (response) => {
      const { pathname } = new URL(response.url());
      const provoked = response.status() === this.provokes?.status && pathname.startsWith(this.provokes.path);
      if (response.status() >= 400 && !provoked) this.faults.push(`request refused: ${response.request().method()} ${response.url()} (${response.status()})`);
    });
    page.on("request", (request) => {
      if (request.method() !== "POST") return;
      const { pathname } = new URL(request.url());
      if (/^\/v1\/orders\/[^/]+\/cancel$/.test(pathname)) this.cancelKeys.push(request.headers()["idempotency-key"]);
      if (pathname === "/v1/orders") this.orderPosts.push({ key: request.headers()["idempotency-key"], body: request.postData() });
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
    await this.page.getByLabel("Country").selectOption(CUSTOMER.country);
    await this.page.getByLabel("Full name").fill(CUSTOMER.name);
    await this.page.getByLabel("Street and number").fill(CUSTOMER.line1);
    await this.page.getByLabel("Postal code").fill(CUSTOMER.postal_code);
    await this.page.getByLabel("Town or city").fill(CUSTOMER.city);
    await this.page.locator(`#token-${token}`).check();
  }

  /** Runs what the shop is to refuse. */
  async provoking(status, path, run) {
    this.provokes = { status, path };
    await run();
    this.provokes = null;
  }

  async orderStatus(status) {
    const settled = this.page.locator(`[data-status]:not([data-status="pending_payment"])`);
    await settled.waitFor({ timeout: PAYMENT_MS });
    same(await settled.getAttribute("data-status"), status, "the order's status");
  }
}

async function buy(walk, products) {
  const { page, width } = walk;
  const { product, variant, soldOut } = await choose(products);
  const behindTheCounter = (await fetch(`${BASE}/_dev/state`, { signal: AbortSignal.timeout(WAIT_MS) })).ok;
  let number;

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
        check((b.price.amount - a.price.amount) * rising >= 0, `${a.title} and ${b.title} are in the wrong order for ${sort}`);
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
  });

  // Kind of fault: one country's address format for all.
  await walk.step("the country decides which fields the address has", async () => {
    const country = page.getByLabel("Country");
    await country.selectOption("HK");
    await page.getByLabel("Area", { exact: true }).waitFor();
    same(await page.getByLabel("Postal code").count(), 0, "postal codes in Hong Kong");
    await country.selectOption("US");
    await page.getByLabel("ZIP code", { exact: true }).waitFor();
    same(await page.evaluate(() => document.activeElement.id), "field-country", "the field with the focus");
    await page.locator("#cart-button").click();
  });

  if (!(await inStock(variant.sku, TOO_MANY))) {
    await walk.step("more than there is cannot be ordered, and the line at fault says so", async () => {
      const line = walk.line(variant.sku);
      await line.getByRole("spinbutton").fill(String(TOO_MANY));
      await line.getByRole("spinbutton").press("Enter");
      await line.locator(".fault").waitFor();
      await walk.fillCheckout("tok_ok");
      await walk.provoking(409, "/v1/orders", async () => {
        await page.locator("#place-order").click();
        await page.getByRole("alert").getByText(product.title).waitFor();
      });
      await page.getByRole("alert").getByRole("button", { name: "Change the cart" }).click();
      await line.getByRole("spinbutton").fill("1");
      await line.getByRole("spinbutton").press("Enter");
      await walk.cartTotal(variant.price.amount);
      await line.locator(".fault").waitFor({ state: "detached" });
      await page.locator(".form-alert li").waitFor({ state: "detached" });
      walk.orderPosts.length = 0;
    });
  }

  await walk.step("a double tap on “Place the order” places one order, which is paid", async () => {
    await walk.fillCheckout("tok_ok");
    await page.locator("#place-order").dblclick();
    await walk.orderStatus("paid");
    await page.getByRole("heading", { name: /^Paid/ }).waitFor();
    same(walk.orderPosts.length, 1, "orders sent");
    check(walk.orderPosts[0].key, "the order went without an idempotency key");
    number = await page.locator(".order-number").textContent();
    await page.locator("#cart-count").waitFor({ state: "hidden" });
  });

  await walk.step("the paid order can be cancelled, and all of the money goes back", async () => {
    const cancel = page.getByRole("button", { name: "Cancel order", exact: true });
    await cancel.click();
    await page.getByRole("button", { name: "Keep the order", exact: true }).click();
    await cancel.click();
    await page.getByRole("button", { name: "Yes, cancel it", exact: true }).click();
    await page.locator(`[data-status="cancelled"]`).waitFor({ timeout: PAYMENT_MS });
    const refund = page.locator(`.order-page [data-refund="succeeded"]`);
    await refund.waitFor({ timeout: PAYMENT_MS });
    same(await refund.getAttribute("data-amount"), await page.locator(".order-page dd[data-total]").getAttribute("data-total"), "what went back");
    await page.getByRole("heading", { name: "The order is cancelled" }).waitFor();
    await page.locator(".status", { hasText: "has gone back" }).waitFor();
    check(!(await page.locator(".status").textContent()).includes("Nothing was charged"), "the page says that nothing was charged, and something was");
    await cancel.waitFor({ state: "detached" });
    same(walk.cancelKeys.length, 1, "cancellations sent");
    check(walk.cancelKeys[0], "the cancellation went without an idempotency key");
  });

  await walk.step("bought again, the paid order has an invoice to download", async () => {
    await walk.addToCart(product, variant);
    await walk.fillCheckout("tok_ok");
    await page.locator("#place-order").click();
    await walk.orderStatus("paid");
    check((await page.locator(".order-number").textContent()) !== number, "the order that was cancelled is shown again");
    // Right after the payment the page may be told that the invoice is still being made; it asks again.
    await walk.provoking(404, "/v1/orders/", async () => {
      const answered = page.waitForResponse((response) => new URL(response.url()).pathname.endsWith("/invoice") && response.status() === 200, { timeout: PAYMENT_MS });
      await page.getByRole("button", { name: "Download invoice", exact: true }).click();
      const invoice = await (await answered).json();
      check(invoice.url.includes(`${invoice.number}.pdf`), `the address of the invoice ${invoice.number} is ${invoice.url}`);
      await page.getByText(`${invoice.number} is being downloaded.`).first().waitFor();
    });
  });

  await walk.step("a declined card shows on the order, and the goods can go back in the cart", async () => {
    await walk.addToCart(product, variant);
    await walk.fillCheckout("tok_declined");
    await page.locator("#place-order").click();
    await walk.orderStatus("payment_failed");
    await page.getByRole("heading", { name: "The payment did not go through" }).waitFor();
    same(walk.orderPosts.length, 3, "orders sent");
    same(new Set(walk.orderPosts.map((post) => post.key)).size, 3, "different idempotency keys");
    await page.getByRole("button", { name: "Put it back in the cart" }).click();
    await walk.line(variant.sku).waitFor();
  });

  await walk.step("what is removed leaves the cart empty", async () => {
    await walk.line(variant.sku).getByRole("button", { name: /^Remove/ }).click();
    await page.locator("#cart").getByText("Nothing in it yet").waitFor();
    await page.locator("#cart-count").waitFor({ state: "hidden" });
    await page.keyboard.press("Escape");
  });

  if (behindTheCounter) {
    await walk.step("the confirmation of the cancelled order, and no second one, is among the caught e-mails, and so is what came after", async () => {
      const { items } = await api("/_dev/mails");
      check(items.every((mail) => mail.id && mail.subject), "/_dev/mails answers in a form that the page does not read: restart make dev, its gateway is older than the page");
      await page.goto(`${BASE}/_dev`);
      for (const subject of [`Your order ${number} is cancelled`, `Your refund for order ${number}`]) {
        await page.locator("#mail-list .mail", { hasText: subject }).first().waitFor({ timeout: PAYMENT_MS });
      }
      const mail = page.locator("#mail-list .mail", { hasText: `Your order ${number} is confirmed` });
      await mail.first().waitFor({ timeout: PAYMENT_MS });
      same(await mail.count(), 1, `confirmations of the order ${number}`);
      await mail.click();
      await page.locator("#mail-reader pre", { hasText: product.title }).waitFor();
      await page.locator("#pulse", { hasText: "Live" }).waitFor();
      await page.goto(`${BASE}/`);
    });
  }

  // The same code at every width: once is enough.
  if (width < 1000) return;
  const single = products.find((p) => p.options.length === 0 && p.variants[0]?.available);
  if (single !== undefined) {
    await walk.step(`${single.title} has no options and goes into the cart as it is`, async () => {
      const [{ sku }] = single.variants;
      await walk.openProduct(single);
      same(await page.locator("fieldset.option").count(), 0, "options to choose from");
      await page.locator("#add-to-cart").click();
      await walk.line(sku).getByRole("link", { name: single.title, exact: true }).waitFor();
      await walk.line(sku).getByRole("button", { name: /^Remove/ }).click();
      await walk.line(sku).waitFor({ state: "detached" });
      await page.keyboard.press("Escape");
    });
  }

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

  await walk.step("a cart that was ordered elsewhere makes room for a new one", async () => {
    const kept = () => page.evaluate(() => localStorage.getItem("stampede.cart"));
    await walk.addToCart(product, variant);
    const first = await kept();
    const { email, ...address } = CUSTOMER;
    await api("/v1/orders", {
      method: "POST",
      headers: { "idempotency-key": crypto.randomUUID() },
      body: { cart_id: first, email, shipping_address: address, payment: { method: "test", token: "tok_declined" } },
    });
    await walk.provoking(409, "/v1/carts/", async () => {
      await walk.line(variant.sku).getByRole("button", { name: /more$/ }).click();
      await page.locator("#cart").getByText("has become an order").waitFor();
      await walk.cartTotal(2 * variant.price.amount);
    });
    check((await kept()) !== first, "the cart that was ordered is still in use");
    // The same, found out when the page is opened.
    await page.evaluate((id) => localStorage.setItem("stampede.cart", id), first);
    await page.reload();
    await page.locator("#cart-button").click();
    await page.locator("#cart").getByText("has become an order").waitFor();
    await page.locator("#cart").getByText("Nothing in it yet").waitFor();
    same(await kept(), null, "the cart that the browser remembers");
  });

  await walk.step("a cart that is no longer there makes room for a new one", async () => {
    await page.evaluate(() => localStorage.setItem("stampede.cart", "crt_00000000000000000000000000"));
    await walk.provoking(404, "/v1/carts/", async () => {
      await page.reload();
      await page.locator("#cart-button").click();
      await page.locator("#cart").getByText("had expired").waitFor();
    });
    await page.keyboard.press("Escape");
    await walk.addToCart(product, variant);
    await walk.cartTotal(variant.price.amount);
  });
}

async function walkAt({ chromium, executablePath }, width, height, products) {
  const profile = await mkdtemp(join(tmpdir(), "storefront-"));
  let context;
  let watchdog;
  try {
    context = await chromium.launchPersistentContext(profile, { executablePath, args: ARGS, headless: true, viewport: { width, height }, locale: "en-GB" });
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

await report(async () => {
  if (!/^https?:\/\//.test(BASE)) throw new CannotStart("say where the shop is: node tests/browser/storefront.mjs http://127.0.0.1:8080");
  const driven = await browser();
  for (const [width, height] of [[1280, 900], [360, 740]]) {
    console.log(`A customer with a screen of ${width} px`);
    // Read anew for each: the one before has bought something.
    await walkAt(driven, width, height, await wholeCatalogue());
  }
}, () => passed);
