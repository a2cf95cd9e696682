import { Box, Tooltip } from "@mui/material";
import { useSyncExternalStore } from "react";
import { absolute, relative } from "../lib/time";

// One clock for all relative times on the page.
const listeners = new Set<() => void>();
const STEP = 15_000;
let now = Date.now();
setInterval(() => {
  now = Date.now();
  for (const listener of listeners) {
    listener();
  }
}, STEP);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// The clock moves in steps: what has just happened must not seem to lie ahead.
function between(clock: number, moment: number): number {
  return moment > clock && moment - clock < STEP * 2 ? moment : clock;
}

// "3 minutes ago", with the absolute time on hover and for screen readers.
export function When({ at }: { at: string | null | undefined }) {
  const moment = useSyncExternalStore(subscribe, () => now);
  if (!at) {
    return <span>–</span>;
  }
  const exact = absolute(at);
  return (
    <Tooltip title={exact}>
      <Box component="time" dateTime={at} aria-label={exact} sx={{ whiteSpace: "nowrap" }}>
        {relative(at, between(moment, Date.parse(at)))}
      </Box>
    </Tooltip>
  );
}
