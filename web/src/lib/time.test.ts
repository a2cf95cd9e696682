import { expect, test } from "vitest";
import { duration, relative } from "./time";

test.each([
  [0, "0 ms"],
  [0.4, "0 ms"],
  [12.4, "12 ms"],
  [999, "999 ms"],
  [1000, "1.0 s"],
  [2195, "2.2 s"],
  [59_900, "59.9 s"],
  [59_970, "1 min 0 s"],
  [125_000, "2 min 5 s"],
  [119_600, "2 min 0 s"],
])("%d milliseconds are %s", (milliseconds, words) => {
  expect(duration(milliseconds)).toBe(words);
});

const NOW = Date.parse("2026-01-02T12:00:00Z");

test.each([
  ["2026-01-02T12:00:00Z", "just now"],
  ["2026-01-02T11:59:30Z", "30 seconds ago"],
  ["2026-01-02T11:57:01Z", "2 minutes ago"],
  ["2026-01-02T09:00:00Z", "3 hours ago"],
  ["2026-01-01T11:00:00Z", "yesterday"],
  ["2026-01-02T13:00:00Z", "in 1 hour"],
])("%s is %s", (moment, words) => {
  expect(relative(moment, NOW)).toBe(words);
});
