import { Box, Button, Typography } from "@mui/material";
import { useState } from "react";
import type { ObjectEvent } from "../api/types";
import { When } from "./When";

const FEW = 6;

// The newest events; the rest on demand.
export function EventList({ events }: { events: ObjectEvent[] }) {
  const [all, setAll] = useState(false);
  if (events.length === 0) {
    return <Typography color="textSecondary">No events in the last hour.</Typography>;
  }
  const rest = events.length - FEW;
  return (
    <>
    <Box component="ul" sx={{ listStyle: "none", p: 0, m: 0 }}>
      {(all ? events : events.slice(0, FEW)).map((event, index) => (
        <Box
          component="li"
          key={index}
          sx={{ display: "grid", gridTemplateColumns: { xs: "1fr", md: "112px 270px 1fr" }, gap: { xs: 0, md: 1.5 }, py: 0.75, borderTop: index === 0 ? 0 : 1, borderColor: "divider" }}
        >
          <Typography variant="body2" color="textSecondary">
            <When at={event.time} />
          </Typography>
          <Typography variant="body2" sx={{ color: event.type === "Warning" ? "state.degraded" : "text.primary", fontWeight: 560, overflowWrap: "anywhere" }}>
            {event.reason}
            {event.type === "Warning" && <Box component="span" sx={{ fontWeight: 400 }}> warning</Box>}
          </Typography>
          <Typography variant="body2" sx={{ overflowWrap: "anywhere" }}>
            {event.message} <Box component="span" sx={{ color: "text.secondary" }}>({event.object})</Box>
          </Typography>
        </Box>
      ))}
    </Box>
    {rest > 0 && (
      <Button size="small" onClick={() => setAll(!all)} aria-expanded={all} sx={{ mt: 0.5, ml: -0.5 }}>
        {all ? "Show the newest only" : `Show ${rest} more`}
      </Button>
    )}
    </>
  );
}
