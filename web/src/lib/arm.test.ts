import { describe, expect, test } from "vitest";
import { flattened, isArmId, kindOfArm, placeOfArm } from "./arm";

const group = "/subscriptions/s1/resourceGroups/rg-one";
const server = `${group}/providers/Microsoft.DBforPostgreSQL/flexibleServers/db`;

describe("ids of ARM", () => {
  test.each([
    ["/subscriptions/s1", "Subscription", "s1", []],
    [group, "Resource group", "rg-one", ["/subscriptions/s1"]],
    [server, "PostgreSQL flexible server", "db", ["/subscriptions/s1", group]],
    [`${server}/databases/orders`, "PostgreSQL database", "orders", ["/subscriptions/s1", group, server]],
    [`${group}/providers/Microsoft.Odd/things/x`, "Microsoft.Odd/things", "x", ["/subscriptions/s1", group]],
    ["/subscriptions/s1/providers/Microsoft.Odd/things/x", "Microsoft.Odd/things", "x", ["/subscriptions/s1"]],
  ])("%s", (id, kind, name, parents) => {
    expect(kindOfArm(id)).toBe(kind);
    expect(placeOfArm(id)?.name).toBe(name);
    expect(placeOfArm(id)?.parents.map((one) => one.id)).toEqual(parents);
  });

  test.each(["", "/", "/subscriptions", "/subscriptions//x", "https://example.com/subscriptions/s", "/providers/x"])("%s is none", (id) => {
    expect(isArmId(id)).toBe(false);
  });

  test("fields of any depth", () => {
    expect(flattened({ state: "Ready", storage: { sizeGb: 32, tiers: ["a", "b"] }, empty: [], none: null, rules: [{ a: 1 }] })).toEqual([
      ["state", "Ready"],
      ["storage.sizeGb", "32"],
      ["storage.tiers", "a, b"],
      ["rules", '{"a":1}'],
    ]);
  });
});
