import { expect, test } from "vitest";
import { blocksOf, inlinesOf } from "./markdown";

test("blocks are told apart", () => {
  const text = "# Title\n\nA *few* words\nin two lines.\n\n- one\n  more\n- [x] two\n\n```yaml\na: 1\n# no heading\n```\n\n> said\n\n| a | b |\n|---|---|\n| 1 | `x` |\n\n---\n1. first";
  expect(blocksOf(text).map((block) => block.kind)).toEqual(["heading", "paragraph", "list", "code", "quote", "table", "rule", "list"]);
  expect(blocksOf(text)[3]).toEqual({ kind: "code", language: "yaml", text: "a: 1\n# no heading" });
});

test("words within a line", () => {
  expect(inlinesOf("a `b*c*` **d** _e_ snake_case_name").map((piece) => piece.kind)).toEqual(["text", "code", "text", "strong", "text", "emphasis", "text"]);
  expect(inlinesOf("see https://example.com/a.").map((piece) => ("href" in piece ? piece.href : piece.kind))).toEqual(["text", "https://example.com/a", "text"]);
});

test("links never lead to a script, and HTML stays text", () => {
  expect(inlinesOf("[x](javascript:alert%281%29)")[0]?.kind).toBe("emphasis");
  expect(inlinesOf("[x](docs/a.md)")[0]?.kind).toBe("emphasis");
  expect(inlinesOf("[x](https://example.com)")[0]?.kind).toBe("link");
  expect(inlinesOf("<img src=x onerror=alert(1)>")).toEqual([{ kind: "text", text: "<img src=x onerror=alert(1)>" }]);
});

test("nothing that ends early hangs", () => {
  for (const text of ["```", "- ", "|", "| a |\n|-|", ">", "#", "**", "![", "1."]) {
    expect(Array.isArray(blocksOf(text))).toBe(true);
  }
});
