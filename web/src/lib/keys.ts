import { useEffect, useRef, useSyncExternalStore } from "react";

// Keys that the page at hand answers to, besides those that hold everywhere. The list of keys shows both.

export interface PageKey {
  key: string;
  what: string;
  // Absent while there is nothing to do; the key is still listed.
  run?: () => void;
}

let current: PageKey[] = [];
const listeners = new Set<() => void>();

function become(keys: PageKey[]): void {
  current = keys;
  for (const listener of listeners) {
    listener();
  }
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function usePageKeys(): PageKey[] {
  return useSyncExternalStore(subscribe, () => current);
}

const FIELD = "input, textarea, select, [contenteditable=true], [contenteditable=''], [role=textbox], [role=dialog] *";

// Whether a key belongs to a field, or to a dialog that lies above the page.
function elsewhere(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(FIELD) !== null;
}

// Answers to single keys as long as the page is there. A letter after `g` means a place to go to.
export function useKeys(keys: PageKey[]): void {
  const known = useRef(keys);
  known.current = keys;
  const listed = JSON.stringify(keys.map(({ key, what }) => [key, what]));
  useEffect(() => {
    become(known.current);
    return () => become([]);
  }, [listed]);
  useEffect(() => {
    let going = -Infinity;
    const onKey = (event: KeyboardEvent) => {
      const afterG = event.timeStamp - going < 1200;
      going = event.key === "g" ? event.timeStamp : -Infinity;
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || afterG || elsewhere(event.target)) {
        return;
      }
      const run = known.current.find((one) => one.key === event.key)?.run;
      if (run) {
        event.preventDefault();
        run();
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}
