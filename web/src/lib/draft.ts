// What somebody typed, kept in the browser until it is committed or thrown away.

export interface Draft {
  text: string;
  path: string;
  message: string;
  // The commit that it began from.
  base: string;
  savedAt: string;
}

const key = (of: string[]) => `pave-edit:${of.map(encodeURIComponent).join("/")}`;

export function readDraft(of: string[]): Draft | undefined {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key(of)) ?? "null");
    return kept !== null && typeof kept === "object" && "text" in kept && typeof kept.text === "string" ? (kept as Draft) : undefined;
  } catch {
    return undefined;
  }
}

// Whether it could be kept: storage may be full or forbidden.
export function keepDraft(of: string[], draft: Draft): boolean {
  try {
    localStorage.setItem(key(of), JSON.stringify(draft));
    return true;
  } catch {
    return false;
  }
}

export function dropDraft(of: string[]): void {
  try {
    localStorage.removeItem(key(of));
  } catch {
    // Nothing was kept then either.
  }
}
