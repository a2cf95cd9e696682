import { expect, test } from "vitest";
import type { Entity } from "../../api/types";
import { address, cureOf, effectOf, ownerOf } from "./judge";

test.each<[string, string]>([
  ["https://dev.azure.com/o/p/_git/r?path=/templates/test.yaml&version=GBmain", "file"],
  ["https://github.com/o/r/blob/main/catalog-info.yml", "file"],
  ["  https://github.com/o/r/blob/main/catalog-info.YAML ", "file"],
  ["https://dev.azure.com/o/p/_git/r", "repository"],
  ["https://dev.azure.com/o/p/_git/r?path=/templates", "repository"],
  ["templates/test.yaml", "nothing"],
  ["ftp://host/test.yaml", "nothing"],
  ["", "nothing"],
])("%s leads to a %s", (url, leadsTo) => {
  expect(address(url).leadsTo).toBe(leadsTo);
});

const component = (change: object = {}, origin = "url:https://h/a.yaml"): Entity => ({
  apiVersion: "backstage.io/v1alpha1",
  kind: "Component",
  metadata: { name: "orders", annotations: { "backstage.io/managed-by-origin-location": origin } },
  spec: { type: "service", owner: "a" },
  ...change,
});

test.each<[string, Entity | null, string]>([
  ["nothing of its name", null, "added"],
  ["the same", component({ spec: { owner: "a", type: "service" }, relations: [] }), "same"],
  ["another spec", component({ spec: { type: "library", owner: "a" } }), "changed"],
  ["one of another location", component({}, "url:https://h/b.yaml"), "taken"],
])("where there is %s", (_, known, effect) => {
  expect(effectOf(component(), known)).toBe(effect);
});

test.each<[string | undefined, string | null]>([
  ["CNCF", "group:default/cncf"],
  ["user:alice", "user:default/alice"],
  ["other/team-a", "group:other/team-a"],
  ["user:other/alice", "user:other/alice"],
  [undefined, null],
])("owner %s", (owner, ref) => {
  expect(ownerOf(component({ spec: owner === undefined ? {} : { owner } }))).toBe(ref);
});

test("a kind that is not allowed comes with the exact lines", () => {
  const message = "NotAllowedError: Entity template:default/x at url:https://h/t.yaml, originated at url:https://h/t.yaml, is not of an allowed kind for that location";
  const origin = { kind: "file" as const, file: "app-config.yaml", line: 17, column: 5, variables: [], text: "app-config.yaml:17:5" };
  const cure = cureOf(message, "https://h/t.yaml", { allowed: ["Component", "Location"], origin });
  expect(cure?.lines).toBe("catalog:\n  rules:\n    - allow:\n        - Component\n        - Location\n        - Template\n");
  expect(cure?.words).toContain("app-config.yaml:17:5");
});

test.each<[string, string | null]>([
  ["No integration found for location https://git.example.com/x", "is not among the integrations"],
  ["https://h/x could not be read, the host refused the credential (401); check the token", "did not accept the token"],
  ["https://h/x could not be read, 404 Not Found", "There is nothing at this address"],
  ['"metadata.name" is not valid', null],
])("%s", (message, title) => {
  const cure = cureOf(message, "https://git.example.com/x", undefined);
  if (title === null) {
    expect(cure).toBeNull();
  } else {
    expect(cure?.title).toContain(title);
  }
});
