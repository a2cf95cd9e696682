import { Box, Tooltip } from "@mui/material";
import type { Hop } from "../api/types";
import { standing, STATE_WORDS, STATION_TITLES, stops } from "../lib/road";
import { StateShape } from "./StateMark";

// The road in a list row: a dot for each station.
export function SmallRoad({ hops }: { hops: Hop[] }) {
  const down = hops.some((hop) => hop.direction === "down");
  const seen = stops(hops.filter((hop) => (hop.direction === "down") === down));
  const label = `Road: ${STATE_WORDS[standing(hops)]}; ${seen.map((stop) => `${stop.station} ${STATE_WORDS[stop.state]}`).join(", ")}`;
  return (
    <Box role="img" aria-label={label} sx={{ display: "inline-flex", alignItems: "center" }}>
      {seen.map((stop, index) => (
        <Box key={stop.station} sx={{ display: "flex", alignItems: "center" }}>
          {index > 0 && (
            <Box sx={{ width: 10, height: 2, bgcolor: stop.hops.length > 0 ? `state.${stop.state}` : "divider" }} />
          )}
          <Tooltip title={`${STATION_TITLES[stop.station]}: ${STATE_WORDS[stop.state]}`}>
            <Box component="span" sx={{ display: "flex" }}>
              <StateShape state={stop.state} size={12} />
            </Box>
          </Tooltip>
        </Box>
      ))}
    </Box>
  );
}
