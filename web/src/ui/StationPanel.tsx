import { Box, Button, Typography } from "@mui/material";
import type { Hop } from "../api/types";
import { STATION_TITLES, type Stop } from "../lib/road";
import { duration } from "../lib/time";
import { StateMark } from "./StateMark";
import { When } from "./When";

// An open station: what stands there, and when on the way it was at work.
export function StationPanel({
  stop,
  from,
  span,
  finished,
  onClose,
  detail,
}: {
  stop: Stop;
  from: number;
  span: number;
  finished: boolean;
  onClose: () => void;
  detail: (hop: Hop) => React.ReactNode;
}) {
  const title = STATION_TITLES[stop.station];
  return (
    <Box role="region" aria-label={`${title} in detail`} sx={{ borderTop: "1px solid var(--mui-palette-divider)", bgcolor: "background.default", px: { xs: 2, md: 2.5 }, py: 1.5 }}>
      <Box sx={{ display: "flex", alignItems: "center", mb: 0.5 }}>
        <Typography variant="h3" sx={{ flex: 1 }}>
          {title}
          {stop.hops.length > 1 && (
            <Box component="span" sx={{ color: "text.secondary", fontWeight: 400 }}>
              {" "}
              {stop.hops.length} objects
            </Box>
          )}
        </Typography>
        <Button size="small" color="inherit" onClick={onClose} aria-label={`Close ${title}`}>
          Close
        </Button>
      </Box>
      {stop.hops.length === 0 && (
        <Typography color="textSecondary">{finished ? "Nothing stood at this station." : "The request has not reached this station yet."}</Typography>
      )}
      <Box component="ul" sx={{ listStyle: "none", p: 0, m: 0 }}>
        {stop.hops.map((hop, index) => (
          <Box component="li" key={`${hop.subject} ${hop.direction}`} sx={{ py: 1.25, borderTop: index === 0 ? 0 : "1px solid var(--mui-palette-divider)" }}>
            <Box sx={{ display: "flex", flexWrap: "wrap", columnGap: 2, rowGap: 0.5, alignItems: "center", mb: 0.5 }}>
              <Typography sx={{ flex: "1 1 240px", fontWeight: 580, overflowWrap: "anywhere" }}>{hop.title}</Typography>
              <StateMark state={hop.state} />
              <Span hop={hop} from={from} span={span} />
              <Typography variant="body2" color="textSecondary" className="figures" sx={{ minWidth: 56, textAlign: { sm: "right" } }}>
                {duration(Date.parse(hop.changedAt) - Date.parse(hop.startedAt))}
              </Typography>
              <Typography variant="body2" color="textSecondary" sx={{ minWidth: 104, textAlign: { sm: "right" } }}>
                <When at={hop.changedAt} />
              </Typography>
            </Box>
            {hop.cause && <Typography sx={{ overflowWrap: "anywhere", mb: 0.5 }}>{hop.cause}</Typography>}
            {detail(hop)}
          </Box>
        ))}
      </Box>
    </Box>
  );
}

// Its share of the whole way, for the eye only: the figures stand beside it.
function Span({ hop, from, span }: { hop: Hop; from: number; span: number }) {
  const left = ((Date.parse(hop.startedAt) - from) / span) * 100;
  const width = ((Date.parse(hop.changedAt) - Date.parse(hop.startedAt)) / span) * 100;
  return (
    <Box aria-hidden sx={{ display: { xs: "none", md: "block" }, position: "relative", width: 200, height: 6, borderRadius: 1, bgcolor: "divider" }}>
      <Box
        sx={{ position: "absolute", top: 0, bottom: 0, borderRadius: 1, minWidth: 4, bgcolor: `state.${hop.state}` }}
        style={{ left: `${Math.min(Math.max(left, 0), 98)}%`, width: `${Math.min(width, 100)}%` }}
      />
    </Box>
  );
}
