// Adds a passkey to a new account and signs in with it, in a real browser with a virtual authenticator, against a local shop:
//
//   node tests/browser/passkeys.mjs http://localhost:8080
//
// By this name: browsers have no passkeys for a bare address, and the shop is known under its ShopAddress only. It reads the
// mails at /_dev/mails, as its own customer does. CHROMIUM names the browser, by path or by name (default /usr/bin/chromium).
// Exits with 0 when every step passed, with 1 when one failed, with 2 when there was nothing to start with.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { ARGS, CannotStart, Failure, browser, check, report, same } from "./driver.mjs";

const BASE = (process.argv[2] ?? "").replace(/\/+$/, "");
const WAIT_MS = 15_000;
const MAIL_MS = 60_000;
const WALK_MS = 180_000;
const EMAIL = `ann.${Date.now()}@example.com`;
const PASSWORD = "a long meadow in june";

// With a screen lock, and passkeys that it finds by itself.
const AUTHENTICATOR = {
  protocol: "ctap2",
  transport: "internal",
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
};

let passed = 0;

async function step(name, run) {
  const started = performance.now();
  try {
    await run();
  } catch (error) {
    throw new Failure(`${name}\n    ${error instanceof Failure ? error.message : (error.stack ?? error)}`);
  }
  passed += 1;
  console.log(`  ok  ${name} (${Math.round(performance.now() - started)} ms)`);
}

/** Calls the API from outside of the browser. */
async function api(path, { method = "POST", body, token } = {}) {
  const response = await fetch(BASE + path, {
    method,
    body: body && JSON.stringify(body),
    headers: { ...(body && { "content-type": "application/json" }), ...(token && { authorization: `Bearer ${token}` }) },
    signal: AbortSignal.timeout(WAIT_MS),
  }).catch((error) => {
    throw new CannotStart(`no shop answers at ${BASE} (${error.cause?.code ?? error.message}): start it with make dev`);
  });
  const text = await response.text();
  check(response.ok, `${method} ${path} answered ${response.status}: ${text}`);
  return text && JSON.parse(text);
}

/** The token of the link in the mail that confirms the address. */
async function linkToken() {
  for (const started = performance.now(); performance.now() - started < MAIL_MS; await sleep(200)) {
    const { items } = await api("/_dev/mails", { method: "GET" });
    const mail = items.find((it) => it.to.includes(EMAIL));
    const token = /token=([A-Za-z0-9._-]+)/.exec(mail?.text ?? "")?.[1];
    if (token) return token;
  }
  throw new Failure(`no mail with a link came to ${EMAIL}`);
}

/** Calls the API from the page; returns status and body. */
function fromPage(page, path, { method = "POST", body, token } = {}) {
  return page.evaluate(
    async ([path, method, body, token]) => {
      const headers = { ...(body && { "content-type": "application/json" }), ...(token && { authorization: `Bearer ${token}` }) };
      const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
      const text = await response.text();
      return { status: response.status, body: text && JSON.parse(text) };
    },
    [path, method, body, token],
  );
}

/** Has the page make a passkey of these options: the answer of the browser, or the name of its error. */
function create(page, options) {
  return page.evaluate(async (options) => {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    const made = await navigator.credentials.create({ publicKey }).catch((error) => error);
    return made instanceof Error ? { error: made.name } : made.toJSON();
  }, options);
}

/** Has the page prove a passkey by these options. */
function get(page, options) {
  return page.evaluate(async (options) => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
    return (await navigator.credentials.get({ publicKey })).toJSON();
  }, options);
}

async function optionsOf(page, path, token) {
  const { status, body } = await fromPage(page, path, { token });
  same(status, 200, `the status of ${path}: ${JSON.stringify(body)}`);
  return body;
}

async function signIn(page) {
  const options = await optionsOf(page, "/v1/auth/passkeys/login/options");
  const body = { cookies: true, credential: await get(page, options) };
  return fromPage(page, "/v1/auth/passkeys/login", { body });
}

async function walk(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", { options: AUTHENTICATOR });
  let token;
  let passkey;

  await step("somebody registers and confirms the address", async () => {
    await api("/v1/auth/register", { body: { email: EMAIL, password: PASSWORD, name: "Ann Field" } });
    await api("/v1/auth/verify", { body: { token: await linkToken() } });
    token = (await api("/v1/auth/login", { body: { email: EMAIL, password: PASSWORD } })).access_token;
  });

  await step("the page of the shop adds a passkey", async () => {
    await page.goto(`${BASE}/`);
    const options = await optionsOf(page, "/v1/auth/passkeys/register/options", token);
    same(options.rp.id, new URL(BASE).hostname, "the domain that the passkey is bound to");
    const credential = await create(page, options);
    check(!credential.error, `the browser made no passkey: ${credential.error}`);
    const { status, body } = await fromPage(page, "/v1/auth/passkeys/register", { token, body: { name: "Laptop", credential } });
    same(status, 201, `the status of the registration: ${JSON.stringify(body)}`);
    passkey = body;
    const { items } = await api("/v1/me/passkeys", { method: "GET", token });
    same(items.map((it) => it.name), ["Laptop"], "the passkeys of the account");
    const { credentials } = await devtools.send("WebAuthn.getCredentials", { authenticatorId });
    same(credentials.map((it) => [it.isResidentCredential, it.rpId]), [[true, options.rp.id]], "the passkeys of the device");
  });

  await step("the device makes no second one for the same account", async () => {
    const options = await optionsOf(page, "/v1/auth/passkeys/register/options", token);
    same(await create(page, options), { error: "InvalidStateError" }, "the browser's answer");
  });

  await step("the passkey signs in, by cookies that scripts do not see", async () => {
    same((await fromPage(page, "/v1/me", { method: "GET" })).status, 401, "the status before");
    const { status, body } = await signIn(page);
    same(status, 200, `the status of the login: ${JSON.stringify(body)}`);
    same(await page.evaluate(() => document.cookie), "", "the cookies that scripts see");
    const me = await fromPage(page, "/v1/me", { method: "GET" });
    same([me.status, me.body.email], [200, EMAIL], "the account of the cookies");
    const names = (await page.context().cookies()).map((it) => it.name).sort();
    same(names, ["__Host-refresh", "__Host-session"], "the cookies of the browser");
  });

  await step("the same answer does not sign in again", async () => {
    const options = await optionsOf(page, "/v1/auth/passkeys/login/options");
    const credential = await get(page, options);
    const once = await fromPage(page, "/v1/auth/passkeys/login", { body: { credential } });
    const twice = await fromPage(page, "/v1/auth/passkeys/login", { body: { credential } });
    same([once.status, twice.status, twice.body.code], [200, 401, "invalid_credentials"], "the statuses");
  });

  await step("the cookies sign out", async () => {
    same((await fromPage(page, "/v1/auth/logout")).status, 204, "the status of the logout");
    same((await fromPage(page, "/v1/me", { method: "GET" })).status, 401, "the status afterwards");
  });

  await step("a passkey that was deleted signs nobody in", async () => {
    same((await signIn(page)).status, 200, "the status of the login");
    const { status } = await fromPage(page, `/v1/me/passkeys/${passkey.id}`, { method: "DELETE" });
    same(status, 204, "the status of the deletion");
    const refused = await signIn(page);
    same([refused.status, refused.body.code], [401, "invalid_credentials"], "the response to the login");
  });
}

await report(async () => {
  if (!/^http:\/\/localhost(:\d+)?$/.test(BASE)) throw new CannotStart("say where the shop is, by this name: node tests/browser/passkeys.mjs http://localhost:8080");
  const { chromium, executablePath } = await browser();
  const profile = await mkdtemp(join(tmpdir(), "passkeys-"));
  let context;
  let watchdog;
  try {
    context = await chromium.launchPersistentContext(profile, { executablePath, args: ARGS, headless: true, locale: "en-GB" });
    const page = context.pages()[0] ?? (await context.newPage());
    page.setDefaultTimeout(WAIT_MS);
    const late = new Promise((_, reject) => {
      watchdog = setTimeout(() => reject(new Failure(`not done after ${WALK_MS / 1000} s`)), WALK_MS);
    });
    await Promise.race([walk(page), late]);
  } finally {
    clearTimeout(watchdog);
    await context?.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}, () => passed);
