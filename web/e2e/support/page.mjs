import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

// A page that remembers what the browser complained of.
export async function openPage(browser, { scheme = "light", token, portal, viewport = { width: 1280, height: 860 } }) {
  const context = await browser.newContext({ colorScheme: scheme, reducedMotion: "reduce", viewport });
  context.setDefaultTimeout(15_000);
  if (token) {
    await context.addCookies([{ name: "pave_session", value: token, url: portal, sameSite: "Strict", httpOnly: true }]);
  }
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // The browser itself notes every answer that is not a success; those that are expected stand on the page in words.
    const refusal = /^Failed to load resource: .* status of (401|403|404|422)/.test(message.text());
    if (["error", "warning"].includes(message.type()) && !refusal) {
      complaints.push(`${page.url()}: ${message.text()}`);
    }
  });
  return { page, complaints };
}

// No violation of the rules of WCAG 2.2 AA on the page as it stands.
export async function accessible(page, what) {
  await page.locator("[aria-label=Loading]").first().waitFor({ state: "detached" });
  // Colours on their way from one state to the next are nobody's choice.
  await page.evaluate(() => {
    const finite = document.getAnimations().filter((animation) => animation.effect?.getComputedTiming().iterations !== Infinity);
    return Promise.allSettled(finite.map((animation) => animation.finished)).then(() => undefined);
  });
  // Evaluated by the debugger, so that the page keeps its content security policy.
  await page.evaluate(`${axe};0`);
  const violations = await page.evaluate(async (rules) => {
    const result = await window.axe.run(document, { runOnly: { type: "tag", values: rules } });
    return result.violations.map(({ id, help, nodes }) => ({
      rule: `${id}: ${help}`,
      nodes: nodes.map((node) => `${node.html.slice(0, 160)} ${node.any.map((check) => check.message).join(" ")}`),
    }));
  }, RULES);
  assert.deepEqual(violations, [], `accessibility of ${what}`);
}

// Nothing sticks out of the page sideways, once it has taken the width of a window that was just resized.
export async function fits(page, what) {
  await page.waitForFunction(() => document.documentElement.scrollWidth <= window.innerWidth, undefined, { timeout: 3000 }).catch(() => undefined);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(over <= 0, `${what} is ${over} px wider than the window`);
}

// Waits for the page of that title.
export async function arrived(page, title) {
  await page.getByRole("heading", { level: 1, name: title }).waitFor();
}
