import { expect, test } from "vitest";
import { branchNameTrouble, cleanPath, formatVersion, nameOf, parentOf, parseVersion, proposedBranch } from "./gitversion";

test("versions are read and written as in Azure DevOps' addresses", () => {
  for (const text of ["GBmain", "GBfeature/a", "GTv1.0", "GC0123456789abcdef"]) {
    const version = parseVersion(text);
    expect(version && formatVersion(version)).toBe(text);
  }
  expect(parseVersion("GBmain")).toEqual({ type: "branch", name: "main" });
  for (const text of [undefined, "", "main", "GX1", "GB"]) {
    expect(parseVersion(text)).toBeUndefined();
  }
});

test("names of branches are checked as Git checks them", () => {
  const taken = ["main", "feature/a"];
  for (const good of ["fix", "fix/a-b_c.d", "feature/b", "ünï"]) {
    expect(branchNameTrouble(good, taken)).toBeUndefined();
  }
  for (const bad of ["", "main", "a b", "a..b", "/a", "a/", "a.lock", "-a", "a~1", "a:b", ".a", "a/.b", "@", "feature", "main/x", "feature/a/b"]) {
    expect(branchNameTrouble(bad, taken), bad).toBeDefined();
  }
  expect(branchNameTrouble("feature", taken)).toContain("feature/a");
});

test("a branch is proposed that is free and allowed", () => {
  expect(proposedBranch("a/b c.yaml", [])).toBe("edit-b-c.yaml");
  expect(proposedBranch("x.yaml", ["edit-x.yaml", "edit-x.yaml-2"])).toBe("edit-x.yaml-3");
  expect(branchNameTrouble(proposedBranch(".hidden.lock", []), [])).toBeUndefined();
});

test("paths", () => {
  expect(cleanPath("/a/b/")).toBe("a/b");
  expect(parentOf("a/b/c")).toBe("a/b");
  expect(parentOf("a")).toBe("");
  expect(nameOf("a/b")).toBe("b");
});
