import type { JsonObject } from "../../api/types";

// What a person has typed survives a reload. Secrets never get here: the form keeps them apart.
export interface Draft {
  values: JsonObject;
  savedAt: string;
}

const key = (entityRef: string) => `pave.draft.${entityRef}`;

export function readDraft(entityRef: string): Draft | null {
  try {
    const text = localStorage.getItem(key(entityRef));
    return text === null ? null : (JSON.parse(text) as Draft);
  } catch {
    return null;
  }
}

export function writeDraft(entityRef: string, values: JsonObject): void {
  try {
    localStorage.setItem(key(entityRef), JSON.stringify({ values, savedAt: new Date().toISOString() } satisfies Draft));
  } catch {
    // A full or forbidden storage must not stand in the way of the form.
  }
}

export function dropDraft(entityRef: string): void {
  try {
    localStorage.removeItem(key(entityRef));
  } catch {
    // Nothing was kept, so nothing is left behind.
  }
}
