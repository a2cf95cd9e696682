import { Box, Dialog, DialogContent, DialogTitle, Typography } from "@mui/material";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { usePageKeys } from "../lib/keys";
import { PLACES } from "./navigation";

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName));
}

// `g` then a letter goes somewhere, `c` creates, `/` filters, `?` shows the keys.
export function Keys() {
  const navigate = useNavigate();
  const [help, setHelp] = useState(false);
  const onThisPage = usePageKeys();
  const going = useRef(-Infinity);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) {
        return;
      }
      if (event.timeStamp - going.current < 1200) {
        going.current = -Infinity;
        const place = PLACES.find((candidate) => candidate.key === event.key);
        if (place) {
          event.preventDefault();
          void navigate({ to: place.to });
        }
        return;
      }
      if (event.key === "g") {
        going.current = event.timeStamp;
      } else if (event.key === "?") {
        setHelp(true);
      } else if (event.key === "c") {
        void navigate({ to: "/create" });
      } else if (event.key === "/") {
        const filter = document.querySelector<HTMLInputElement>("input[data-filter]");
        if (filter) {
          event.preventDefault();
          filter.focus();
        }
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [navigate]);
  const rows: [string, string][] = [
    ["Ctrl K", "Search or go to"],
    ["c", "Create"],
    ["/", "Filter the list"],
    ...PLACES.map((place): [string, string] => [`g ${place.key}`, `Go to ${place.label}`]),
    ["?", "Show these keys"],
    ...onThisPage.map(({ key, what }): [string, string] => [key, what]),
  ];
  return (
    <Dialog open={help} onClose={() => setHelp(false)} aria-labelledby="keys-title">
      <DialogTitle id="keys-title">Keys</DialogTitle>
      <DialogContent>
        <Box component="dl" sx={{ display: "grid", gridTemplateColumns: "auto 1fr", columnGap: 3, rowGap: 1, m: 0, minWidth: 280 }}>
          {rows.map(([keys, what]) => (
            <Box key={keys} sx={{ display: "contents" }}>
              <Box component="dt">
                <kbd>{keys}</kbd>
              </Box>
              <Typography component="dd" sx={{ m: 0 }}>
                {what}
              </Typography>
            </Box>
          ))}
        </Box>
      </DialogContent>
    </Dialog>
  );
}
