import type { Version } from "../api/devopsTypes";

const LETTERS = { B: "branch", T: "tag", C: "commit" } as const;

// `GBmain`, `GTv1`, `GC0a1b…`, as Azure DevOps writes a version in the address of a page.
export function parseVersion(text: string | undefined): Version | undefined {
  const match = /^G([BTC])(.+)$/.exec(text ?? "");
  const [, letter, name] = match ?? [];
  return letter && name ? { type: LETTERS[letter as keyof typeof LETTERS], name } : undefined;
}

export function formatVersion(version: Version): string {
  return `G${version.type.charAt(0).toUpperCase()}${version.name}`;
}

// `main` of `refs/heads/main`.
export function shortRef(name: string | undefined): string {
  return (name ?? "").replace(/^refs\/(heads|tags)\//, "");
}

// A path without slashes at its ends.
export function cleanPath(path: string | undefined): string {
  return (path ?? "").replace(/^\/+|\/+$/g, "");
}

export function parentOf(path: string): string {
  const at = path.lastIndexOf("/");
  return at === -1 ? "" : path.slice(0, at);
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

// Why Git would not take a name for a branch; nothing if it would.
export function branchNameTrouble(name: string, taken: string[]): string | undefined {
  if (name === "") {
    return "A branch needs a name.";
  }
  if (taken.includes(name)) {
    return `There is a branch ${name} already.`;
  }
  const bad = /[\u0000-\u0020~^:?*[\\\u007f]|\.\.|@\{|\/\/|^[-/]|[/.]$|\.lock$|(^|\/)\.|^@$/.exec(name);
  if (bad) {
    return bad[0].trim() === "" ? "Git allows no spaces in the name of a branch." : `Git does not allow “${bad[0]}” there in the name of a branch.`;
  }
  const inside = taken.find((other) => name.startsWith(`${other}/`) || other.startsWith(`${name}/`));
  return inside === undefined ? undefined : `Git cannot keep ${name} beside the branch ${inside}.`;
}

// A name for a branch that changes a file.
export function proposedBranch(path: string, taken: string[]): string {
  const base = `edit-${nameOf(path).replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[.-]+|\.lock$|[.-]+$/g, "") || "file"}`;
  let name = base;
  for (let count = 2; taken.includes(name); count += 1) {
    name = `${base}-${count}`;
  }
  return name;
}
