import { expect, test } from "vitest";
import { clockOf, columns, groupOf, type LineKind, matches, offsets, parseLine, plain, rowAt, spansOf, visible } from "./runlog";

test("a line is its time, its marker and its text", () => {
  const check = (raw: string, time: string, kind: LineKind, text: string) => expect(parseLine(raw)).toEqual({ time, kind, text });
  check("2026-11-22T07:12:58.1273561Z ##[command]terraform plan", "2026-11-22T07:12:58.1273561Z", "command", "terraform plan");
  check("2026-11-22T07:12:58Z ", "2026-11-22T07:12:58Z", "text", "");
  check("2026-11-22T07:12:58Z", "2026-11-22T07:12:58Z", "text", "");
  check("2026-11-22T07:12:58Z 10%\r50%\r100%\r", "2026-11-22T07:12:58Z", "text", "100%");
  check("##[error]no", "", "error", "no");
  check("##[group]Tools", "", "group", "Tools");
  check("##[other]x", "", "text", "##[other]x");
  check("\ufeff2026-11-22T07:12:58Z x", "2026-11-22T07:12:58Z", "text", "x");
  expect(clockOf("2026-11-22T07:12:58.1273561Z")).toBe("07:12:58.127");
  expect(clockOf("")).toBe("");
});

test("colours become spans, and every other escape is left out", () => {
  expect(spansOf("a\u001b[32mb\u001b[0mc")).toEqual([
    { text: "a", style: {} },
    { text: "b", style: { colour: "green" } },
    { text: "c", style: {} },
  ]);
  expect(spansOf("\u001b[1;31mx\u001b[22my\u001b[m")).toEqual([
    { text: "x", style: { bold: true, colour: "red" } },
    { text: "y", style: { colour: "red" } },
  ]);
  expect(spansOf("\u001b[38;5;196mx\u001b[48;2;1;2;3my")).toEqual([
    { text: "x", style: { colour: "rgb(255, 0, 0)" } },
    { text: "y", style: { colour: "rgb(255, 0, 0)", background: "rgb(1, 2, 3)" } },
  ]);
  expect(spansOf("\u001b[2K\u001b]8;;http://x\u0007link")).toEqual([{ text: "link", style: {} }]);
  expect(plain("\u001b[33m│\u001b[0m x")).toBe("│ x");
});

test("folded groups hide their lines", () => {
  const kinds: LineKind[] = ["text", "group", "text", "text", "endgroup", "text", "group", "text"];
  expect(visible(kinds, new Set())).toEqual([0, 1, 2, 3, 5, 6, 7]);
  expect(visible(kinds, new Set([1, 6]))).toEqual([0, 1, 5, 6]);
  expect(groupOf(kinds, 3)).toBe(1);
  expect(groupOf(kinds, 5)).toBeUndefined();
  expect(groupOf(kinds, 7)).toBe(6);
});

test("search does not care about case", () => {
  expect(matches(["An Error", "fine", "error"], "ERROR")).toEqual([0, 2]);
  expect(matches(["x"], "")).toEqual([]);
});

test("wrapped rows are found by their height", () => {
  const starts = offsets([0, 80, 81, 10], 80);
  expect(starts).toEqual([0, 1, 2, 4, 5]);
  expect([0, 1, 2, 3, 4, 99].map((height) => rowAt(starts, height))).toEqual([0, 1, 2, 2, 3, 3]);
  expect(rowAt([0], 0)).toBe(0);
  expect(columns("aあ")).toBe(3);
});
