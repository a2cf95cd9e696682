import { Box, Tooltip } from "@mui/material";
import { useSyncExternalStore } from "react";
import { absolute, relative } from "../lib/time";

// One clock for all relative times on the page.
const listeners = new Set<() => void>();
let now = Date.now();
setInterval(() => {
  now = Date.now();
  for (const listener of listeners) {
    listener();
  }
}, 15_000);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
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
        {relative(at, Math.max(moment, Date.parse(at)))}
      </Box>
    </Tooltip>
  );
}
