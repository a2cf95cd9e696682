import { expect, test } from "vitest";
import { counts, diffLines, fold, linesOf, sideBySide } from "./diff";

test("lines know their numbers on both sides", () => {
  const lines = diffLines("a\nb\nc\n", "a\nx\ny\nc\n");
  expect(lines.map((line) => `${line.kind} ${line.left ?? "-"} ${line.right ?? "-"} ${line.text}`)).toEqual([
    "same 1 1 a",
    "removed 2 - b",
    "added - 2 x",
    "added - 3 y",
    "same 3 4 c",
  ]);
  expect(counts(lines)).toEqual({ added: 2, removed: 1 });
});

test("a missing side is all added or all removed", () => {
  expect(counts(diffLines("", "a\nb"))).toEqual({ added: 2, removed: 0 });
  expect(counts(diffLines("a\n", ""))).toEqual({ added: 0, removed: 1 });
  expect(linesOf("")).toEqual([]);
  expect(linesOf("a\n\n")).toEqual(["a", ""]);
});

test("what replaced a line stands beside it", () => {
  const pairs = sideBySide(diffLines("a\nb\nc\n", "a\nx\ny\nc\n"));
  expect(pairs.map(({ left, right }) => [left?.text, right?.text])).toEqual([
    ["a", "a"],
    ["b", "x"],
    [undefined, "y"],
    ["c", "c"],
  ]);
});

test("what lies far from a change is folded", () => {
  const before = Array.from({ length: 40 }, (_, at) => `line ${at}`);
  const after = before.map((line, at) => (at === 20 ? "changed" : line));
  const lines = diffLines(before.join("\n"), after.join("\n"));
  const blocks = fold(lines, (line) => line.kind !== "same");
  expect(blocks.map((block) => ("folded" in block ? -block.folded.length : block.rows.length))).toEqual([-17, 8, -16]);
  const kept = fold(lines, (line) => line.kind !== "same", (line) => line.right === 1);
  expect(kept.map((block) => ("folded" in block ? -block.folded.length : block.rows.length))).toEqual([4, -13, 8, -16]);
});
