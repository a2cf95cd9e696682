import { Box, Button, Typography } from "@mui/material";
import { useState } from "react";
import type { Hop } from "../api/types";
import { STATE_WORDS, STATION_TITLES, type Stop, stops } from "../lib/road";
import { duration } from "../lib/time";
import { StateMark, StateShape } from "./StateMark";
import { When } from "./When";

// The road in large: a line with stations. A station opens in place; where the line stands still, it says why.
export function RoadView({
  hops,
  usualSeconds,
  detail,
}: {
  hops: Hop[];
  usualSeconds?: number | null;
  detail: (hop: Hop) => React.ReactNode;
}) {
  const down = hops.some((hop) => hop.direction === "down");
  const line = stops(hops.filter((hop) => (hop.direction === "down") === down));
  const [open, setOpen] = useState<string | null>(null);
  const stuck = line.find((stop) => stop.state === "failed" || stop.state === "waiting" || stop.state === "degraded");
  const slow = stuck ?? line.find((stop) => stop.state === "running" && stop.cause !== "");
  const chosen = line.find((stop) => stop.station === open);
  return (
    <Box>
      <Box
        component="ol"
        aria-label={down ? "Road of the deletion" : "Road of the request"}
        sx={{
          listStyle: "none",
          p: 0,
          m: 0,
          display: "flex",
          flexDirection: { xs: "column", md: "row" },
          border: 1,
          borderColor: "divider",
          borderRadius: 1,
          bgcolor: "background.paper",
          overflow: "hidden",
        }}
      >
        {line.map((stop, index) => (
          <StationItem
            key={stop.station}
            stop={stop}
            first={index === 0}
            last={index === line.length - 1}
            open={open === stop.station}
            onToggle={() => setOpen(open === stop.station ? null : stop.station)}
          />
        ))}
      </Box>
      {slow && (
        <Box role="status" sx={{ mt: 1.5, pl: 1.5, borderLeft: 3, borderColor: `state.${slow.state}` }}>
          <Typography sx={{ fontWeight: 600 }}>
            {slow.state === "running" ? "On its way at" : "Stands still at"} {STATION_TITLES[slow.station].toLowerCase()}
            {slow.changedAt && (
              <Typography component="span" color="text.secondary" sx={{ ml: 1 }}>
                since <When at={slow.changedAt} />
              </Typography>
            )}
          </Typography>
          <Typography sx={{ overflowWrap: "anywhere" }}>{slow.cause || STATE_WORDS[slow.state]}</Typography>
        </Box>
      )}
      {usualSeconds != null && !down && (
        <Typography variant="body2" color="text.secondary" sx={{ mt: 1 }}>
          Requests usually take {duration(usualSeconds * 1000)} from form to login.
        </Typography>
      )}
      {chosen && (
        <Box role="region" aria-label={`${STATION_TITLES[chosen.station]} in detail`} sx={{ mt: 2, display: "grid", gap: 1.5 }}>
          {chosen.hops.length === 0 && <Typography color="text.secondary">The request has not reached this station yet.</Typography>}
          {chosen.hops.map((hop) => (
            <Box key={`${hop.subject}-${hop.direction}`} sx={{ border: 1, borderColor: "divider", borderRadius: 1, p: 2, bgcolor: "background.paper" }}>
              <Box sx={{ display: "flex", flexWrap: "wrap", gap: 2, alignItems: "center", mb: hop.cause ? 1 : 0 }}>
                <Typography variant="h3" sx={{ flex: 1, overflowWrap: "anywhere" }}>
                  {hop.title}
                </Typography>
                <StateMark state={hop.state} />
                <Typography variant="body2" color="text.secondary">
                  {duration(Date.parse(hop.changedAt) - Date.parse(hop.startedAt))} · <When at={hop.changedAt} />
                </Typography>
              </Box>
              {hop.cause && <Typography sx={{ overflowWrap: "anywhere", mb: 1 }}>{hop.cause}</Typography>}
              {detail(hop)}
            </Box>
          ))}
        </Box>
      )}
    </Box>
  );
}

function StationItem({
  stop,
  first,
  last,
  open,
  onToggle,
}: {
  stop: Stop;
  first: boolean;
  last: boolean;
  open: boolean;
  onToggle: () => void;
}) {
  const reached = stop.hops.length > 0;
  const took = stop.startedAt && stop.changedAt ? Date.parse(stop.changedAt) - Date.parse(stop.startedAt) : 0;
  const line = (shown: boolean, done: boolean) => (
    <Box aria-hidden sx={{ flex: 1, height: 3, bgcolor: shown ? (done ? `state.${stop.state}` : "divider") : "transparent" }} />
  );
  return (
    <Box component="li" sx={{ flex: 1, minWidth: 0, borderColor: "divider", borderTop: { xs: first ? 0 : 1, md: 0 } }}>
      <Button
        color="inherit"
        onClick={onToggle}
        aria-expanded={open}
        aria-label={`${STATION_TITLES[stop.station]}: ${STATE_WORDS[stop.state]}${stop.hops.length > 1 ? `, ${stop.hops.length} objects` : ""}`}
        sx={{
          width: "100%",
          height: "100%",
          borderRadius: 0,
          p: 0,
          pt: { xs: 1, md: 2 },
          pb: { xs: 1, md: 1.75 },
          display: "flex",
          flexDirection: { xs: "row", md: "column" },
          justifyContent: { xs: "flex-start", md: "center" },
          gap: { xs: 1.5, md: 0.75 },
          px: { xs: 2, md: 0 },
          bgcolor: open ? "background.default" : "transparent",
        }}
      >
        <Box sx={{ display: "flex", alignItems: "center", width: { md: "100%" } }}>
          <Box sx={{ display: { xs: "none", md: "flex" }, flex: 1 }}>{line(!first, reached)}</Box>
          <Box sx={{ display: "flex", px: { md: 0.5 } }}>
            <StateShape state={stop.state} size={22} />
          </Box>
          <Box sx={{ display: { xs: "none", md: "flex" }, flex: 1 }}>{line(!last, stop.state === "ok" || stop.state === "deleted")}</Box>
        </Box>
        <Typography component="span" sx={{ fontWeight: 580, flex: { xs: 1, md: "none" }, textAlign: { xs: "left", md: "center" } }}>
          {STATION_TITLES[stop.station]}
          {stop.hops.length > 1 && (
            <Box component="span" sx={{ color: "text.secondary", fontWeight: 400 }}>
              {" "}
              ×{stop.hops.length}
            </Box>
          )}
        </Typography>
        <Typography component="span" variant="body2" sx={{ color: `state.${stop.state}`, whiteSpace: "nowrap" }}>
          {STATE_WORDS[stop.state]}
          {took > 0 && (
            <Box component="span" sx={{ color: "text.secondary" }}>
              {" "}
              {duration(took)}
            </Box>
          )}
        </Typography>
      </Button>
    </Box>
  );
}
