// Where the portal stands: behind a reverse proxy it may be below a path, which the server writes into the shell.

export function baseOf(written: string | null | undefined): string {
  const path = (written ?? "").trim();
  return path.startsWith("/") ? path.replace(/\/+$/, "") : "";
}

// `/pave`, or nothing at the root.
export const BASE = typeof document === "undefined" ? "" : baseOf(document.querySelector('meta[name="pave-base"]')?.getAttribute("content"));

// An address of the portal itself.
export function own(path: string): string {
  return `${BASE}${path}`;
}
