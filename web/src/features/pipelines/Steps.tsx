import { Box, Button, IconButton, Menu, MenuItem, Typography } from "@mui/material";
import { useState } from "react";
import type { TimelineRecord } from "../../api/buildTypes";
import { recordStanding, type Node, type StageNode, took } from "../../lib/run";
import { duration } from "../../lib/time";
import { StateShape } from "../../ui/StateMark";
import { useNow } from "./place";

interface StepsProps {
  tree: StageNode[];
  selected: string | undefined;
  onSelect: (record: TimelineRecord) => void;
  // Absent where it cannot be done.
  onRetry?: (stage: string, all: boolean) => void;
}

// Stages, jobs and steps as a list that unfolds.
export function Steps({ tree, selected, onSelect, onRetry }: StepsProps) {
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const toggle = (id: string) =>
    setFolded((before) => {
      const next = new Set(before);
      return next.delete(id) ? next : next.add(id);
    });
  const jobs = (list: Node[]) => list.map((job) => <Job key={job.record.id} {...{ job, selected, onSelect }} isFolded={folded.has(job.record.id)} onToggle={() => toggle(job.record.id)} />);
  return (
    <Box component="nav" aria-label="Steps" sx={{ "& ul": { listStyle: "none", m: 0, p: 0 }, border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper", p: 0.75 }}>
      <ul>
        {tree.map((stage) =>
          stage.isNamed ? (
            <li key={stage.record.id}>
              <Box sx={{ display: "flex", alignItems: "center" }}>
                <Row record={stage.record} isHeading isFolded={folded.has(stage.record.id)} onClick={() => toggle(stage.record.id)} />
                {onRetry && stage.record.state === "completed" && <StageMenu record={stage.record} onRetry={onRetry} />}
              </Box>
              {!folded.has(stage.record.id) && (
                <Box component="ul" sx={{ pl: "10px !important" }}>
                  {stage.checkpoints.some((one) => one.state !== "completed") && (
                    <Typography component="li" variant="body2" sx={{ color: "state.waiting", px: 1, py: 0.5 }}>
                      Waits for a check or an approval
                    </Typography>
                  )}
                  {jobs(stage.jobs)}
                </Box>
              )}
            </li>
          ) : (
            jobs(stage.jobs)
          ),
        )}
      </ul>
    </Box>
  );
}

function Job({ job, selected, onSelect, isFolded, onToggle }: { job: Node; selected: string | undefined; onSelect: (record: TimelineRecord) => void; isFolded: boolean; onToggle: () => void }) {
  return (
    <li>
      <Box sx={{ display: "flex", alignItems: "center" }}>
        {job.children.length > 0 && (
          <IconButton size="small" aria-label={`${isFolded ? "Show" : "Hide"} the steps of ${job.record.name}`} aria-expanded={!isFolded} onClick={onToggle} sx={{ width: 24, height: 24, fontSize: "0.75rem" }}>
            {isFolded ? "▸" : "▾"}
          </IconButton>
        )}
        {/* What the agent itself says of the job. */}
        <Row record={job.record} isHeading isSelected={job.record.id === selected} onClick={() => (job.record.log ? onSelect(job.record) : onToggle())} />
      </Box>
      {!isFolded && job.children.length > 0 && (
        <Box component="ul" sx={{ pl: "24px !important" }}>
          {job.children.map(({ record }) => (
            <li key={record.id}>
              <Row record={record} isSelected={record.id === selected} onClick={() => onSelect(record)} />
            </li>
          ))}
        </Box>
      )}
    </li>
  );
}

function Row({ record, isHeading = false, isSelected = false, isFolded, onClick }: { record: TimelineRecord; isHeading?: boolean; isSelected?: boolean; isFolded?: boolean; onClick: () => void }) {
  const { state, word } = recordStanding(record);
  const now = useNow(record.state === "inProgress");
  const time = record.state === "completed" && record.result === "skipped" ? undefined : took(record.startTime, record.finishTime, now);
  return (
    <Button
      color="inherit"
      size="small"
      onClick={onClick}
      aria-current={isSelected ? "step" : undefined}
      aria-expanded={isFolded === undefined ? undefined : !isFolded}
      data-step={isHeading ? undefined : record.id}
      sx={{
        flex: 1,
        width: "100%",
        justifyContent: "flex-start",
        gap: 1,
        textAlign: "left",
        fontWeight: isHeading ? 600 : 450,
        minHeight: 30,
        bgcolor: isSelected ? "background.default" : undefined,
        boxShadow: isSelected ? "inset 3px 0 0 var(--mui-palette-primary-main)" : undefined,
        color: record.result === "skipped" ? "text.secondary" : "text.primary",
      }}
    >
      <StateShape state={state} size={14} />
      <Box component="span" sx={{ flex: 1, minWidth: 0, overflowWrap: "anywhere", lineHeight: 1.35 }}>
        {record.name}
        {record.attempt > 1 && ` (attempt ${record.attempt})`}
        <Box component="span" sx={{ position: "absolute", left: -9999 }}>
          , {word}
        </Box>
      </Box>
      <Typography component="span" variant="body2" className="figures" sx={{ color: "text.secondary", whiteSpace: "nowrap" }}>
        {record.result === "skipped" ? "skipped" : time === undefined ? "" : duration(time)}
      </Typography>
    </Button>
  );
}

function StageMenu({ record, onRetry }: { record: TimelineRecord; onRetry: (stage: string, all: boolean) => void }) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const choose = (all: boolean) => {
    setAnchor(null);
    onRetry(record.identifier ?? record.refName ?? record.name, all);
  };
  const failed = record.result === "failed" || record.result === "canceled";
  return (
    <>
      <IconButton size="small" aria-label={`Actions for stage ${record.name}`} aria-haspopup="menu" onClick={(event) => setAnchor(event.currentTarget)}>
        ⋯
      </IconButton>
      <Menu anchorEl={anchor} open={anchor !== null} onClose={() => setAnchor(null)}>
        {failed && <MenuItem onClick={() => choose(false)}>Re-run the failed jobs of {record.name}</MenuItem>}
        <MenuItem onClick={() => choose(true)}>Re-run all of {record.name}</MenuItem>
      </Menu>
    </>
  );
}
