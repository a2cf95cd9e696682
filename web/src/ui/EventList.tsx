import { Box, Typography } from "@mui/material";
import type { ObjectEvent } from "../api/types";
import { When } from "./When";

export function EventList({ events }: { events: ObjectEvent[] }) {
  if (events.length === 0) {
    return <Typography color="text.secondary">No events in the last hour.</Typography>;
  }
  return (
    <Box component="ul" sx={{ listStyle: "none", p: 0, m: 0 }}>
      {events.map((event, index) => (
        <Box
          component="li"
          key={index}
          sx={{ display: "grid", gridTemplateColumns: { xs: "1fr", md: "120px 200px 1fr" }, gap: { xs: 0, md: 1.5 }, py: 0.75, borderTop: index === 0 ? 0 : 1, borderColor: "divider" }}
        >
          <Typography variant="body2" color="text.secondary">
            <When at={event.time} />
          </Typography>
          <Typography variant="body2" sx={{ color: event.type === "Warning" ? "state.degraded" : "text.primary", fontWeight: 560 }}>
            {event.type === "Warning" ? "Warning: " : ""}
            {event.reason}
          </Typography>
          <Typography variant="body2" sx={{ overflowWrap: "anywhere" }}>
            {event.message} <Box component="span" sx={{ color: "text.secondary" }}>({event.object})</Box>
          </Typography>
        </Box>
      ))}
    </Box>
  );
}
