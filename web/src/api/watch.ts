import { useEffect } from "react";
import type { QueryKey } from "@tanstack/react-query";
import type { Host } from "./devopsTypes";
import { queryClient } from "./queries";

// A host that is not Pave's own sends no events here: what is shown of it is asked for again from time to time, as long as
// somebody looks at it.

const OVER = 0;
export const EVERY = { run: 5_000, pullRequest: 15_000 } as const;

// Milliseconds between two questions; none where events come, or nothing changes any more.
export function pauseOf(host: Pick<Host, "shared">, what: keyof typeof EVERY, isOver: boolean): number {
  return host.shared || isOver ? OVER : EVERY[what];
}

// Asks again whatever begins with a key.
export function useWatch(key: QueryKey, pause: number): void {
  const name = JSON.stringify(key);
  useEffect(() => {
    if (pause === OVER) {
      return undefined;
    }
    const ask = () => void queryClient.invalidateQueries({ queryKey: JSON.parse(name) as QueryKey });
    let timer = 0;
    const begin = () => {
      window.clearInterval(timer);
      if (document.visibilityState === "visible") {
        timer = window.setInterval(ask, pause);
      }
    };
    // Whoever comes back sees at once what has happened meanwhile.
    const onVisible = () => {
      begin();
      if (document.visibilityState === "visible") {
        ask();
      }
    };
    begin();
    document.addEventListener("visibilitychange", onVisible);
    return () => {
      window.clearInterval(timer);
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, [name, pause]);
}
