import { expect, test } from "vitest";
import { actionOf, readApplied, readPlan, summary } from "./plan";

const plan = (change: object, more: object = {}) => readPlan({ format_version: "1.2", terraform_version: "1.9.8", resource_changes: [{ address: "azurerm_resource_group.example", change, ...more }] });

test("actions are named as people say them", () => {
  const check = (actions: unknown, word: string) => expect(actionOf(actions)).toBe(word);
  check(["create"], "create");
  check(["delete", "create"], "replace");
  check(["create", "delete"], "replace");
  check(["no-op"], "none");
  check(["forget"], "forget");
  check(undefined, "none");
});

test("a new resource has only what comes; the unknown says so", () => {
  const made = plan({ actions: ["create"], before: null, after: { name: "rg-one", tags: { team: "checkout" }, timeouts: null }, after_unknown: { id: true, tags: {} }, before_sensitive: false, after_sensitive: { tags: {} } });
  expect(made && summary(made)).toBe("1 to add");
  expect(made?.changes[0]?.attributes.map(({ path, before, after }) => [path, before.kind, after.text])).toEqual([
    ["id", "absent", "known after apply"],
    ["name", "absent", "rg-one"],
    ["tags.team", "absent", "checkout"],
  ]);
});

test("only what differs is told, and what forces a replacement", () => {
  const made = plan(
    { actions: ["delete", "create"], before: { location: "westeurope", name: "a", list: [1, 2] }, after: { location: "northeurope", name: "a", list: [1, 3] }, after_unknown: {}, replace_paths: [["location"]] },
    { action_reason: "replace_because_cannot_update" },
  );
  const [change] = made?.changes ?? [];
  expect(change?.action).toBe("replace");
  expect(change?.reason).toBe("an attribute cannot be changed in place");
  expect(change?.attributes.map(({ path, before, after, forcesReplacement }) => [path, before.text, after.text, forcesReplacement])).toEqual([
    ["list[1]", "2", "3", false],
    ["location", "westeurope", "northeurope", true],
  ]);
  expect(change?.unchanged).toBe(2);
  expect(made && summary(made)).toBe("1 to add, 1 to destroy");
});

test("sensitive values never show, not even as a whole", () => {
  const made = plan({ actions: ["update"], before: { password: "old", nested: { key: "k" } }, after: { password: "new", nested: { key: "l" } }, before_sensitive: { password: true, nested: true }, after_sensitive: { password: true, nested: { key: true } } });
  expect(JSON.stringify(made)).not.toMatch(/old|new|"k"|"l"/);
  expect(made?.changes[0]?.attributes.find(({ path }) => path === "password")?.after.kind).toBe("hidden");
});

test("what stays is counted, outputs are told, and other things are no plan", () => {
  const made = readPlan({ format_version: "1.2", resource_changes: [{ address: "a.b", change: { actions: ["no-op"], before: {}, after: {} } }], output_changes: { id: { actions: ["create"], before: null, after: "x", after_unknown: false } } });
  expect([made?.untouched, made?.changes.length, made?.outputs[0]?.address]).toEqual([1, 0, "id"]);
  expect(made && summary(made)).toBe("Only outputs change");
  expect(readPlan({})).toBeUndefined();
  expect(readPlan(undefined)).toBeUndefined();
});

test("an apply names what there is now", () => {
  expect(readApplied({ workingDirectory: "terraform", resources: [{ address: "a.b", id: "/subscriptions/1" }, { address: "a.c", id: null }] })).toEqual({
    workingDirectory: "terraform",
    resources: [
      { address: "a.b", id: "/subscriptions/1" },
      { address: "a.c", id: "" },
    ],
  });
  expect(readApplied([])).toBeUndefined();
});
