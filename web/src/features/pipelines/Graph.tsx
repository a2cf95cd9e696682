import { Box, ButtonBase, Typography } from "@mui/material";
import type { TimelineRecord } from "../../api/buildTypes";
import { columnsOf, recordStanding, type StageEdges, type StageNode, stepToShow, took } from "../../lib/run";
import { duration } from "../../lib/time";
import { StateShape } from "../../ui/StateMark";
import { useNow } from "./place";

const WIDTH = 216;
const GAP = 44;
const HEAD = 46;
const JOB = 26;
const MOST = 6;

interface Box2 {
  stage: StageNode;
  name: string;
  x: number;
  y: number;
  height: number;
}

const nameOf = (stage: StageNode) => stage.record.identifier ?? stage.record.refName ?? stage.record.name;
const heightOf = (stage: StageNode) => HEAD + Math.min(stage.jobs.length, MOST + 1) * JOB + 8;

function laidOut(tree: StageNode[], edges: StageEdges[]): Box2[] {
  const columns = columnsOf(tree.map(nameOf), edges);
  const bottoms = new Map<number, number>();
  return tree.map((stage) => {
    const name = nameOf(stage);
    const column = columns.get(name) ?? 0;
    const y = bottoms.get(column) ?? 0;
    const height = heightOf(stage);
    bottoms.set(column, y + height + 16);
    return { stage, name, x: column * (WIDTH + GAP), y, height };
  });
}

// Stages side by side, with what waits for what.
export function Graph({ tree, edges, onSelect }: { tree: StageNode[]; edges: StageEdges[]; onSelect: (record: TimelineRecord) => void }) {
  const boxes = laidOut(tree, edges);
  const byName = new Map(boxes.map((box) => [box.name, box]));
  const width = Math.max(...boxes.map((box) => box.x)) + WIDTH;
  const height = Math.max(...boxes.map((box) => box.y + box.height));
  const lines = boxes.flatMap((box, index) => {
    const before = edges.find((edge) => edge.name === box.name)?.dependsOn ?? (index === 0 ? [] : [boxes[index - 1]?.name ?? ""]);
    return before.map((name) => byName.get(name)).filter((from) => from !== undefined).map((from) => ({ from, to: box }));
  });
  return (
    <Box role="region" aria-label="Graph of the stages" tabIndex={0} sx={{ overflowX: "auto", pb: 1, mb: 2 }}>
      <Box sx={{ position: "relative" }} style={{ width, height }}>
        <Box component="svg" aria-hidden width={width} height={height} sx={{ position: "absolute", inset: 0, color: "text.secondary" }}>
          {lines.map(({ from, to }) => {
            const [x1, y1, x2, y2] = [from.x + WIDTH, from.y + 23, to.x, to.y + 23];
            const middle = x2 - GAP / 2;
            return <path key={`${from.name} ${to.name}`} d={`M${x1} ${y1}H${middle}V${y2}H${x2 - 3}m-5 -4l5 4l-5 4`} fill="none" stroke="currentColor" strokeWidth="1.4" />;
          })}
        </Box>
        {boxes.map((box) => (
          <StageBox key={box.stage.record.id} box={box} onSelect={onSelect} />
        ))}
      </Box>
    </Box>
  );
}

function StageBox({ box, onSelect }: { box: Box2; onSelect: (record: TimelineRecord) => void }) {
  const { stage } = box;
  const waits = stage.checkpoints.some((one) => one.state !== "completed");
  const standing = waits ? ({ state: "waiting", word: "waits for approval" } as const) : recordStanding(stage.record);
  const now = useNow(stage.record.state === "inProgress");
  const time = took(stage.record.startTime, stage.record.finishTime, now);
  return (
    <Box
      component="section"
      aria-label={`Stage ${stage.record.name}`}
      style={{ left: box.x, top: box.y, width: WIDTH, height: box.height }}
      sx={{ position: "absolute", border: 1, borderColor: waits ? "state.waiting" : "divider", borderRadius: 1, bgcolor: "background.paper", overflow: "hidden" }}
    >
      <Box sx={{ display: "flex", alignItems: "center", gap: 1, px: 1.25, height: HEAD }}>
        <StateShape state={standing.state} />
        <Box sx={{ minWidth: 0, flex: 1 }}>
          <Typography noWrap sx={{ fontWeight: 600, lineHeight: 1.3 }}>
            {stage.record.name}
          </Typography>
          <Typography variant="body2" color="textSecondary" className="figures" sx={{ lineHeight: 1.2 }}>
            {standing.word}
            {time !== undefined && `, ${duration(time)}`}
          </Typography>
        </Box>
      </Box>
      {stage.jobs.slice(0, MOST).map((job) => {
        const target = stepToShow(job.children.map((child) => child.record));
        const { state, word } = recordStanding(job.record);
        return (
          <ButtonBase
            key={job.record.id}
            disabled={!target}
            onClick={() => target && onSelect(target)}
            aria-label={`Job ${job.record.name}, ${word}`}
            sx={{ display: "flex", width: "100%", height: JOB, px: 1.25, gap: 1, justifyContent: "flex-start", "&:hover": { bgcolor: "background.default" }, "&:focus-visible": { outlineOffset: "-2px" } }}
          >
            <StateShape state={state} size={12} />
            <Typography component="span" variant="body2" noWrap>
              {job.record.name}
            </Typography>
          </ButtonBase>
        );
      })}
      {stage.jobs.length > MOST && (
        <Typography variant="body2" color="textSecondary" sx={{ px: 1.25, height: JOB }}>
          and {stage.jobs.length - MOST} more
        </Typography>
      )}
    </Box>
  );
}
