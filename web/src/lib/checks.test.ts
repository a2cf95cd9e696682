import { describe, expect, test } from "vitest";
import type { Check } from "../api/buildTypes";
import type { Person } from "../api/types";
import { type CheckKind, CHECKS, checkOf, emptyForm, formOf, kindOf, limit, titleOf, troubleOf, wordsOf } from "./checks";

const people: Person[] = [
  { id: "A1", kind: "user", displayName: "Alice", uniqueName: "alice@example.com" },
  { id: "platform", kind: "group", displayName: "platform", uniqueName: "group:default/platform" },
];
const resource = { type: "environment", id: "1", name: "production" };

describe("checks", () => {
  test.each(Object.keys(CHECKS) as CheckKind[])("%s survives its form", (kind) => {
    const form = { ...emptyForm(kind, "UTC"), approvers: kind === "approval" ? people : [], branches: "refs/heads/main, refs/heads/release/*" };
    const check: Check = { id: 1, ...checkOf(form, resource) };
    expect(kindOf(check)).toBe(kind);
    expect(formOf(check, kind, people, "UTC")).toMatchObject(kind === "branches" ? { branches: form.branches } : kind === "approval" ? { approvers: people, minimum: 1 } : { days: form.days });
    expect(titleOf(check)).toBe(CHECKS[kind].title);
  });

  test("what a form does not show stays", () => {
    const before: Check = { id: 3, ...checkOf(emptyForm("branches", "UTC"), resource) };
    before.settings = { ...before.settings, displayName: "Ours", inputs: { ...before.settings?.inputs, allowUnknownStatusBranch: "false" } };
    const after = checkOf({ ...emptyForm("branches", "UTC"), branches: "next" }, resource, before);
    expect(after.settings).toMatchObject({ displayName: "Ours", inputs: { allowedBranches: "refs/heads/next", allowUnknownStatusBranch: "false" } });
  });

  test("a check without a form goes by its name", () => {
    expect(titleOf({ type: { id: "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7", name: "Task Check" }, settings: { definitionRef: { id: "9C3E8943-130D-4C78-AC63-8AF81DF62DFB" } } })).toBe("Invoke REST API");
    expect(titleOf({ type: { id: "x", name: "Something new" } })).toBe("Something new");
  });

  test("a form says what is missing", () => {
    const approval = emptyForm("approval", "UTC");
    expect(troubleOf(approval)).toMatch(/at least one/);
    expect(troubleOf({ ...approval, approvers: people.slice(0, 1), minimum: 2 })).toMatch(/Only 1 is/);
    expect(troubleOf({ ...approval, approvers: people })).toBeUndefined();
    expect(troubleOf({ ...emptyForm("hours", "UTC"), start: "18:00" })).toMatch(/end after/);
    expect(troubleOf({ ...emptyForm("branches", "UTC"), branches: " " })).toMatch(/branch/);
    expect(troubleOf(emptyForm("lock", "UTC"))).toBeUndefined();
  });

  test("words", () => {
    const words = (kind: CheckKind, change: object) => wordsOf({ id: 1, ...checkOf({ ...emptyForm(kind, "UTC"), ...change }, resource) }, people);
    expect(words("approval", { approvers: people.slice(0, 1), requesterMayNot: true })).toBe("Alice, never whoever started the run; within 30 days");
    expect(words("approval", { approvers: people, minimum: 1 })).toBe("at least 1 of Alice, platform; within 30 days");
    expect(words("approval", { approvers: people, minimum: 0, inSequence: true, timeout: 90 })).toBe("all of Alice, then platform; within 90 minutes");
    expect(words("branches", { branches: "main, release/*" })).toBe("main, release/*");
    expect(words("hours", { days: ["Tuesday", "Monday"] })).toBe("Monday, Tuesday, 09:00 to 17:00 (UTC)");
    expect(limit(60)).toBe("1 hour");
  });
});
