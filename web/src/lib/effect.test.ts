import { expect, test } from "vitest";
import { amounts } from "./effect";

test("what happens is counted by kind", () => {
  const check = (rows: Parameters<typeof amounts>[0], expected: string) => expect(amounts(rows)).toBe(expected);
  check([], "");
  check([{ action: "create", kind: "Secret" }], "creates 1 Secret");
  check(
    [
      { action: "delete", kind: "NetworkPolicy" },
      { action: "create", kind: "ResourceGroup" },
      { action: "delete", kind: "NetworkPolicy" },
      { action: "create", kind: "ResourceGroup" },
      { action: "create", kind: "Secret" },
    ],
    "creates 2 ResourceGroups and 1 Secret; deletes 2 NetworkPolicies",
  );
});
