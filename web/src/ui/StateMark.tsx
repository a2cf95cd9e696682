import { Box } from "@mui/material";
import type { State } from "../api/types";
import { STATE_WORDS } from "../lib/road";

// A shape for each state, so that colour never carries the meaning alone.
const SHAPES: Record<State, React.ReactNode> = {
  pending: <circle cx="8" cy="8" r="5.5" fill="none" strokeDasharray="2.4 2.4" />,
  running: <path d="M8 2.5a5.5 5.5 0 1 1-5.5 5.5" fill="none" strokeLinecap="round" />,
  waiting: (
    <>
      <circle cx="8" cy="8" r="5.5" fill="none" />
      <path d="M8 5v3.4l2 1.4" fill="none" strokeLinecap="round" />
    </>
  ),
  ok: (
    <>
      <circle cx="8" cy="8" r="6.5" fill="currentColor" stroke="none" />
      <path d="m5.2 8.2 2 2 3.7-4.2" fill="none" stroke="var(--mui-palette-background-paper)" strokeLinecap="round" strokeLinejoin="round" />
    </>
  ),
  drifted: <path d="M2.5 9.5q2.7-5 5.5-1.5t5.5-1.5" fill="none" strokeLinecap="round" />,
  degraded: <path d="M8 2.6 14 13H2Z M8 6.5v3 M8 11.2v.2" fill="none" strokeLinejoin="round" strokeLinecap="round" />,
  failed: (
    <>
      <circle cx="8" cy="8" r="6.5" fill="currentColor" stroke="none" />
      <path d="m5.8 5.8 4.4 4.4 M10.2 5.8l-4.4 4.4" stroke="var(--mui-palette-background-paper)" strokeLinecap="round" />
    </>
  ),
  deleted: (
    <>
      <circle cx="8" cy="8" r="5.5" fill="none" />
      <path d="M5.4 8h5.2" strokeLinecap="round" />
    </>
  ),
};

export function StateShape({ state, size = 16 }: { state: State; size?: number }) {
  return (
    <Box
      component="svg"
      viewBox="0 0 16 16"
      aria-hidden
      sx={{
        width: size,
        height: size,
        flex: "none",
        color: `state.${state}`,
        stroke: "currentColor",
        strokeWidth: 1.6,
        "@keyframes turn": { to: { transform: "rotate(360deg)" } },
        ...(state === "running" && { animation: "turn 1.1s linear infinite" }),
      }}
    >
      {SHAPES[state]}
    </Box>
  );
}

// Shape and word together.
export function StateMark({ state, word }: { state: State; word?: string }) {
  return (
    <Box component="span" sx={{ display: "inline-flex", alignItems: "center", gap: 0.75, color: `state.${state}`, whiteSpace: "nowrap", verticalAlign: "bottom" }}>
      <StateShape state={state} />
      <span>{word ?? STATE_WORDS[state]}</span>
    </Box>
  );
}
