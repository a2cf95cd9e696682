import { describe, expect, test } from "vitest";
import { baseOf } from "./base";

describe("where the portal stands", () => {
  test.each([
    ["/", ""],
    ["/pave/", "/pave"],
    ["/a/b/", "/a/b"],
    ["", ""],
    [null, ""],
    ["//", ""],
  ])("%s", (written, expected) => expect(baseOf(written)).toBe(expected));
});
