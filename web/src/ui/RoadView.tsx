import { Box, Button, Typography } from "@mui/material";
import { useRef } from "react";
import type { Hop, Station } from "../api/types";
import { elapsed, isDown, STATE_WORDS, STATION_TITLES, type Stop, stops, story } from "../lib/road";
import { duration } from "../lib/time";
import { StateShape } from "./StateMark";
import { StationPanel } from "./StationPanel";
import { When } from "./When";

// The road in large: one sentence, a line with stations, and the station that is open, in place.
export function RoadView({
  hops,
  usualSeconds,
  open,
  onOpen,
  detail,
}: {
  hops: Hop[];
  usualSeconds?: number | null;
  open: Station | undefined;
  onOpen: (station: Station | undefined) => void;
  detail: (hop: Hop) => React.ReactNode;
}) {
  const down = isDown(hops);
  const travelled = hops.filter((hop) => (hop.direction === "down") === down);
  const line = stops(travelled);
  const told = story(hops);
  const chosen = line.find((stop) => stop.station === open);
  const list = useRef<HTMLOListElement>(null);
  const onKey = (event: React.KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const buttons = [...(list.current?.querySelectorAll("button") ?? [])];
    const at = buttons.findIndex((button) => button === document.activeElement);
    if (step !== undefined && at !== -1) {
      event.preventDefault();
      buttons[at + step]?.focus();
    }
  };
  const close = () => {
    onOpen(undefined);
    list.current?.querySelectorAll("button")[line.findIndex((stop) => stop.station === open)]?.focus();
  };
  const finished = told.state === "ok" || told.state === "deleted";
  return (
    <Box
      sx={{ border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper", overflow: "hidden" }}
      onKeyDown={(event) => event.key === "Escape" && open && close()}
    >
      <Box role="status" sx={{ px: { xs: 2, md: 2.5 }, pt: 2, pb: 0.5 }}>
        <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", columnGap: 1.25 }}>
          <StateShape state={told.state} size={18} />
          <Typography sx={{ fontWeight: 620, fontSize: "0.9375rem" }}>{told.words}</Typography>
          <Typography variant="body2" color="textSecondary">
            {told.since && (
              <>
                since <When at={told.since} />
                {usualSeconds != null && !down && " · "}
              </>
            )}
            {usualSeconds != null && !down && `usually ${duration(usualSeconds * 1000)} from form to login`}
          </Typography>
        </Box>
        {told.cause && (
          <Typography sx={{ mt: 0.5, pl: 1.5, ml: 1, borderLeft: 3, borderLeftColor: `state.${told.state}`, overflowWrap: "anywhere" }}>{told.cause}</Typography>
        )}
      </Box>
      <Box
        component="ol"
        ref={list}
        onKeyDown={onKey}
        aria-label={down ? "Road of the deletion" : "Road of the request"}
        sx={{ listStyle: "none", p: { xs: 1, md: 0 }, m: 0, display: "flex", flexDirection: { xs: "column", md: "row" } }}
      >
        {line.map((stop, index) => (
          <StationItem
            key={stop.station}
            stop={stop}
            down={down}
            before={index === 0 ? null : travelledPast(line[index - 1], stop)}
            after={index === line.length - 1 ? null : travelledPast(stop, line[index + 1])}
            open={open === stop.station}
            onToggle={() => onOpen(open === stop.station ? undefined : stop.station)}
          />
        ))}
      </Box>
      {chosen && (
        <StationPanel stop={chosen} from={first(travelled)} span={Math.max(elapsed(travelled), 1)} onClose={close} detail={detail} finished={finished} />
      )}
    </Box>
  );
}

function first(hops: Hop[]): number {
  return Math.min(...hops.map((hop) => Date.parse(hop.startedAt)));
}

type Stretch = "done" | "gone" | "now" | "ahead";

// How the stretch between two stations is drawn.
function travelledPast(left: Stop | undefined, right: Stop | undefined): Stretch {
  if (!left || !right || right.hops.length === 0) {
    return "ahead";
  }
  if (right.state === "deleted") {
    return "gone";
  }
  return right.state === "ok" ? "done" : "now";
}

const STRETCHES: Record<Stretch, object> = {
  done: { bgcolor: "state.ok" },
  gone: { bgcolor: "state.deleted", opacity: 0.55 },
  now: { bgcolor: "state.running" },
  ahead: { bgcolor: "divider" },
};

function Line({ stretch }: { stretch: Stretch | null }) {
  return (
    <Box
      aria-hidden
      sx={{
        flex: 1,
        minHeight: { xs: 6, md: 0 },
        width: { xs: 3, md: "auto" },
        height: { md: 3 },
        transition: "background-color 160ms",
        ...(stretch ? STRETCHES[stretch] : { bgcolor: "transparent" }),
      }}
    />
  );
}

function StationItem({
  stop,
  down,
  before,
  after,
  open,
  onToggle,
}: {
  stop: Stop;
  down: boolean;
  before: Stretch | null;
  after: Stretch | null;
  open: boolean;
  onToggle: () => void;
}) {
  const took = stop.startedAt && stop.changedAt ? Date.parse(stop.changedAt) - Date.parse(stop.startedAt) : 0;
  // On the way back, what has not been reached yet still stands.
  const word = down && stop.hops.length === 0 ? "still there" : STATE_WORDS[stop.state];
  const many = stop.hops.length > 1;
  return (
    <Box component="li" sx={{ flex: 1, minWidth: 0 }}>
      <Button
        color="inherit"
        onClick={onToggle}
        aria-expanded={open}
        sx={{
          width: "100%",
          height: "100%",
          minHeight: { xs: 44, md: 36 },
          borderRadius: { xs: 1, md: 0 },
          p: 0,
          pt: { md: 2 },
          pb: { md: 2 },
          px: { xs: 1, md: 0 },
          display: "flex",
          flexDirection: { xs: "row", md: "column" },
          alignItems: "stretch",
          justifyContent: { xs: "flex-start", md: "center" },
          gap: { xs: 1.5, md: 0.25 },
          bgcolor: open ? "background.default" : "transparent",
          boxShadow: { md: open ? "inset 0 2px 0 var(--mui-palette-primary-main)" : "none" },
          "&:focus-visible": { outlineOffset: -3 },
        }}
      >
        <Box sx={{ display: "flex", flexDirection: { xs: "column", md: "row" }, alignItems: "center", width: { xs: 24, md: "100%" }, mb: { md: 0.75 } }}>
          <Line stretch={before} />
          <Box sx={{ display: "flex", p: { xs: "3px 0", md: "0 4px" } }}>
            <StateShape state={stop.state} size={24} />
          </Box>
          <Line stretch={after} />
        </Box>
        <Typography component="span" sx={{ fontWeight: 580, flex: { xs: 1, md: "none" }, alignSelf: "center", textAlign: { xs: "left", md: "center" } }}>
          {STATION_TITLES[stop.station]}
          {many && (
            <Box component="span" sx={{ color: "text.secondary", fontWeight: 400 }}>
              {" "}
              ×{stop.hops.length}
            </Box>
          )}
        </Typography>
        <Typography component="span" variant="body2" className="figures" sx={{ color: `state.${stop.state}`, whiteSpace: "nowrap", alignSelf: "center" }}>
          {word}
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
