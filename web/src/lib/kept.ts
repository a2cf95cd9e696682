import { useCallback, useState } from "react";

// What stands in a field, kept for this window until it is sent or thrown away: neither a tab, a dialog nor a reload takes it.

const nameOf = (key: readonly (string | number)[]) => `pave-kept:${key.map((part) => encodeURIComponent(part)).join("/")}`;

export function readKept<Value>(key: readonly (string | number)[]): Value | undefined {
  try {
    const kept = sessionStorage.getItem(nameOf(key));
    return kept === null ? undefined : (JSON.parse(kept) as Value);
  } catch {
    return undefined;
  }
}

export function keep(key: readonly (string | number)[], value: unknown): void {
  try {
    if (value === undefined) {
      sessionStorage.removeItem(nameOf(key));
    } else {
      sessionStorage.setItem(nameOf(key), JSON.stringify(value));
    }
  } catch {
    // Storage is full or forbidden: then the field alone holds it.
  }
}

// Like state; `undefined` throws it away. What is there when the page opens again is what was typed.
export function useKept<Value>(key: readonly (string | number)[]): [Value | undefined, (value: Value | undefined) => void] {
  const [value, setValue] = useState(() => readKept<Value>(key));
  const name = JSON.stringify(key);
  const change = useCallback(
    (next: Value | undefined) => {
      keep(JSON.parse(name) as (string | number)[], next);
      setValue(next);
    },
    [name],
  );
  return [value, change];
}
