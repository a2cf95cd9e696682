import { Box, Button } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { builds } from "../../api/builds";
import { buildQueries } from "../../api/buildQueries";
import type { Build, Timeline, TimelineRecord } from "../../api/buildTypes";
import type { Place } from "../../api/devopsTypes";
import { type PageKey, useKeys } from "../../lib/keys";
import { earlierAttempts, failingLine, findingsOf, stageEdges, stepsOf, stepToShow, treeOf } from "../../lib/run";
import { Empty, Failure, Loading } from "../../ui/Page";
import { Graph } from "./Graph";
import { Issues } from "./Issues";
import { LogView } from "./LogView";
import { Steps } from "./Steps";

const route = getRouteApi("/runs/$org/$project/$buildId");

// Graph and list of the steps, and the log of one of them.
export function RunSteps({ place, isFirst, build, timeline, onRetry }: { place: Place; isFirst: boolean; build: Build; timeline: Timeline; onRetry?: (stage: string, all: boolean) => void }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [withEarlier, setWithEarlier] = useState(false);
  const hasEarlier = useMemo(() => earlierAttempts(timeline.records).size > 0, [timeline]);
  const tree = useMemo(() => treeOf(timeline), [timeline]);
  const findings = useMemo(() => findingsOf(timeline), [timeline]);
  const steps = stepsOf(tree);
  // Without a wish, the page goes with the run and ends at what failed.
  const selected = timeline.records.find((record) => record.id === search.step && (record.log || record.type === "Task")) ?? stepToShow(steps);
  const isStaged = tree.some((stage) => stage.isNamed);
  const preview = useQuery({
    ...buildQueries.preview(place, build.definition.id, { resources: { repositories: { self: { refName: build.sourceBranch, version: build.sourceVersion } } }, templateParameters: build.templateParameters }),
    enabled: isStaged && tree.length > 1,
  });
  const edges = useMemo(() => stageEdges(preview.data?.finalYaml ?? ""), [preview.data]);
  const select = (record: TimelineRecord, line?: number) => void navigate({ search: (old) => ({ ...old, step: record.id, line }), replace: true, resetScroll: false });
  const move = (by: number) => {
    const at = steps.findIndex((step) => step.id === selected?.id);
    const next = steps[Math.min(Math.max(at + by, 0), steps.length - 1)];
    if (next) {
      select(next);
    }
  };
  const keys: PageKey[] = [
    { key: "j", what: "Next step", run: () => move(1) },
    { key: "k", what: "Previous step", run: () => move(-1) },
  ];
  return (
    <>
      <Issues findings={findings} build={build} place={place} isFirst={isFirst} onOpen={select} />
      {isStaged && <Graph tree={tree} edges={edges} onSelect={(record) => select(record)} />}
      {steps.length === 0 && tree.length === 0 && <Empty title={build.status === "completed" ? "Nothing was run" : "Nothing has begun yet"} />}
      <Box sx={{ display: "grid", gridTemplateColumns: { xs: "minmax(0, 1fr)", md: "300px minmax(0, 1fr)" }, gap: 2, alignItems: "start" }}>
        {tree.length > 0 && (
          <Box>
            <Steps tree={withEarlier ? treeOf(timeline, true) : tree} selected={selected?.id} onSelect={(record) => select(record)} onRetry={onRetry} />
            {hasEarlier && (
              <Button size="small" color="inherit" onClick={() => setWithEarlier(!withEarlier)} sx={{ mt: 0.5 }}>
                {withEarlier ? "Hide" : "Show"} earlier attempts
              </Button>
            )}
          </Box>
        )}
        {selected && <StepLog key={selected.id} place={place} build={build} record={selected} line={search.step === selected.id ? search.line : undefined} isChosen={search.step === selected.id} keys={keys} onPoint={(line) => select(selected, line)} />}
      </Box>
    </>
  );
}

function StepLog({ place, build, record, line, isChosen, keys, onPoint }: { place: Place; build: Build; record: TimelineRecord; line: number | undefined; isChosen: boolean; keys: PageKey[]; onPoint: (line: number) => void }) {
  const log = record.log?.id;
  const text = useQuery({ ...buildQueries.log(place, build.id, log ?? 0), enabled: log !== undefined });
  const point = useCallback((to: number) => onPoint(to), [onPoint]);
  // The last lines may have been written after the last hint that there are more.
  const isOver = record.state === "completed";
  const wasLive = useRef(!isOver);
  const { refetch } = text;
  useEffect(() => {
    if (isOver && wasLive.current && log !== undefined) {
      wasLive.current = false;
      void refetch();
    }
  }, [isOver, log, refetch]);
  if (log === undefined) {
    return <Waiting record={record} keys={keys} />;
  }
  if (text.isError) {
    return <Failure error={text.error} retry={() => void text.refetch()} />;
  }
  if (text.isPending) {
    return <Loading rows={10} />;
  }
  const failed = record.result === "failed" && (line === undefined || !isChosen) ? failingLine(record) : undefined;
  return (
    <LogView
      raw={text.data}
      isLive={record.state === "inProgress"}
      line={line ?? failed}
      label={`Log of ${record.name}`}
      url={builds.logUrl(place, build.id, log)}
      keys={keys}
      onPoint={point}
    />
  );
}

function Waiting({ record, keys }: { record: TimelineRecord; keys: PageKey[] }) {
  useKeys(keys);
  return <Empty title={record.result === "skipped" ? `${record.name} was skipped` : record.state === "completed" ? `${record.name} has no log` : `${record.name} has not begun`} />;
}
