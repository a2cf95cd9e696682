import { expect, test } from "vitest";
import { EVERY, pauseOf } from "./watch";

test("only what sends no events and may still change is asked again", () => {
  expect(pauseOf({ shared: true }, "run", false)).toBe(0);
  expect(pauseOf({ shared: false }, "run", false)).toBe(EVERY.run);
  expect(pauseOf({ shared: false }, "run", true)).toBe(0);
  expect(pauseOf({ shared: false }, "pullRequest", false)).toBe(EVERY.pullRequest);
});
