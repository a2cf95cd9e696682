import { Box, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { builds } from "../../api/builds";
import { buildQueries } from "../../api/buildQueries";
import type { Build, TimelineRecord } from "../../api/buildTypes";
import type { Place } from "../../api/devopsTypes";
import { absolute } from "../../lib/time";
import { mono } from "../../theme/theme";
import { Empty, Failure, Loading, Section } from "../../ui/Page";

export function Artifacts({ place, build, records }: { place: Place; build: Build; records: TimelineRecord[] }) {
  const artifacts = useQuery(buildQueries.artifacts(place, build.id));
  const isOver = build.status === "completed";
  return (
    <>
      {artifacts.isPending && <Loading rows={2} />}
      {artifacts.isError && <Failure error={artifacts.error} retry={() => void artifacts.refetch()} />}
      {artifacts.data?.length === 0 && (
        <Empty title={isOver ? "This run published nothing" : "Nothing is published yet"}>
          A step <code>publish</code> keeps files of a run.
        </Empty>
      )}
      {artifacts.data && artifacts.data.length > 0 && (
        <Box component="ul" sx={{ m: 0, p: 0, listStyle: "none" }}>
          {artifacts.data.map((artifact) => (
            <Box component="li" key={artifact.id} sx={{ py: 1, borderBottom: 1, borderColor: "divider" }}>
              <Box component="a" href={builds.artifactUrl(place, build.id, artifact.name)} download={`${artifact.name}.zip`} sx={{ color: "primary.main", fontWeight: 560 }}>
                {artifact.name}
              </Box>
              <Typography component="span" variant="body2" color="textSecondary" sx={{ ml: 1 }}>
                as a zip file
              </Typography>
            </Box>
          ))}
        </Box>
      )}
      {records.some((record) => record.log) && (
        <Typography sx={{ mt: 2 }}>
          <Box component="a" href={builds.allLogsUrl(place, build.id)} download={`logs-${build.id}.zip`} sx={{ color: "primary.main" }}>
            All logs of this run as a zip file
          </Box>
        </Typography>
      )}
    </>
  );
}

function pairsOf(text: string | undefined): [string, string][] {
  try {
    return Object.entries(JSON.parse(text ?? "{}") as Record<string, unknown>).map(([name, value]) => [name, String(value)]);
  } catch {
    return [];
  }
}

export function Details({ build, records }: { build: Build; records: TimelineRecord[] }) {
  const parameters = Object.entries(build.templateParameters ?? {}).map(([name, value]): [string, string] => [name, typeof value === "string" ? value : JSON.stringify(value)]);
  const agents = [...new Set(records.map((record) => record.workerName).filter(Boolean))];
  return (
    <>
      <Section title="This run">
        <Pairs
          rows={[
            ["Queued", absolute(build.queueTime)],
            ["Begun", build.startTime ? absolute(build.startTime) : "not yet"],
            ["Ended", build.finishTime ? absolute(build.finishTime) : "not yet"],
            ["Commit", build.sourceVersion],
            ["Agent", agents.join(", ") || "none yet"],
            ...(build.tags && build.tags.length > 0 ? [["Tags", build.tags.join(", ")] as [string, string]] : []),
          ]}
        />
      </Section>
      <Section title="Parameters">{parameters.length === 0 ? <Typography color="textSecondary">None were given; the file’s defaults hold.</Typography> : <Pairs rows={parameters} />}</Section>
      <Section title="Variables given for this run">
        {pairsOf(build.parameters).length === 0 ? <Typography color="textSecondary">None, or only secret ones, which are never shown.</Typography> : <Pairs rows={pairsOf(build.parameters)} />}
      </Section>
    </>
  );
}

function Pairs({ rows }: { rows: [string, string][] }) {
  return (
    <Box component="dl" sx={{ m: 0, display: "grid", gridTemplateColumns: { xs: "1fr", sm: "minmax(140px, auto) 1fr" }, columnGap: 3, rowGap: { xs: 0, sm: 0.5 } }}>
      {rows.map(([name, value]) => (
        <Box key={name} sx={{ display: "contents" }}>
          <Typography component="dt" color="textSecondary">
            {name}
          </Typography>
          <Box component="dd" sx={{ m: 0, mb: { xs: 1, sm: 0 }, fontFamily: mono, fontSize: "0.8125rem", overflowWrap: "anywhere" }}>
            {value}
          </Box>
        </Box>
      ))}
    </Box>
  );
}
