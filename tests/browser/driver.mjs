// What the tests in a browser share: how they fail, and the browser that they drive.

import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";

const CHROMIUM = process.env.CHROMIUM || "/usr/bin/chromium";

export const ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** A step that did not go as it should. */
export class Failure extends Error {}

/** What has to be put right before there is anything to test. */
export class CannotStart extends Error {}

export function check(holds, message) {
  if (!holds) throw new Failure(message);
}

export function same(actual, expected, what) {
  const [a, e] = [JSON.stringify(actual), JSON.stringify(expected)];
  check(a === e, `${what}: expected ${e}, found ${a}`);
}

/** The library that drives the browser, and the browser itself. */
export async function browser() {
  const { chromium } = await import("playwright-core").catch(() => {
    throw new CannotStart("playwright-core is not installed: run npm ci");
  });
  const places = CHROMIUM.includes("/") ? [CHROMIUM] : (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, CHROMIUM));
  for (const executablePath of places) {
    if (await access(executablePath, constants.X_OK).then(() => true, () => false)) return { chromium, executablePath };
  }
  throw new CannotStart(`there is no browser at ${CHROMIUM}: install Chromium (Debian: apt install chromium) or set CHROMIUM to where it is`);
}

/** Reports how a test has ended, in words and by the exit code; `passed` tells the number of steps. */
export async function report(run, passed) {
  try {
    await run();
    console.log(`${passed()} passed, 0 failed`);
  } catch (error) {
    if (error instanceof CannotStart) {
      console.error(`Cannot start: ${error.message}`);
      process.exitCode = 2;
    } else {
      console.error(`FAILED ${error instanceof Failure ? error.message : (error.stack ?? error)}`);
      console.log(`${passed()} passed, 1 failed`);
      process.exitCode = 1;
    }
  }
}
