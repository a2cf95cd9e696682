import { Table, TableBody, TableCell, TableHead, TableRow, Typography } from "@mui/material";
import type { Build } from "../../api/buildTypes";
import type { Place } from "../../api/devopsTypes";
import { shortRef } from "../../lib/gitversion";
import { nameOfPerson } from "../../lib/pullrequest";
import { reasonOf, standingOf, took } from "../../lib/run";
import { duration } from "../../lib/time";
import { Link } from "../../ui/Page";
import { StateMark } from "../../ui/StateMark";
import { TableBox } from "../../ui/TableBox";
import { When } from "../../ui/When";
import { runLink, useNow } from "./place";

export function Took({ build }: { build: Build }) {
  const now = useNow(build.status !== "completed" && build.startTime !== undefined);
  const time = took(build.startTime, build.finishTime, now);
  return <span className="figures">{time === undefined ? "–" : duration(time)}</span>;
}

export function RunTable({ label, runs, waiting, isFirst, place }: { label: string; runs: Build[]; waiting: ReadonlySet<number>; isFirst: boolean; place: Place }) {
  return (
    <TableBox label={label}>
      <Table size="small">
        <TableHead>
          <TableRow>
            <TableCell>Run</TableCell>
            <TableCell>State</TableCell>
            <TableCell>Branch</TableCell>
            <TableCell>Commit</TableCell>
            <TableCell>Took</TableCell>
            <TableCell>When</TableCell>
          </TableRow>
        </TableHead>
        <TableBody>
          {runs.map((run) => (
            <TableRow key={run.id} hover>
              <TableCell>
                <Link {...runLink(place, run.id, isFirst)} sx={{ fontWeight: 560 }}>
                  {run.buildNumber}
                </Link>
                <Typography variant="body2" color="textSecondary">
                  {nameOfPerson(run.requestedFor)}, {reasonOf(run)}
                </Typography>
              </TableCell>
              <TableCell>
                <StateMark {...standingOf(run, waiting.has(run.id))} />
              </TableCell>
              <TableCell>
                <code>{shortRef(run.sourceBranch)}</code>
              </TableCell>
              <TableCell>
                <code>{run.sourceVersion.slice(0, 8)}</code> {run.triggerInfo?.["ci.message"]}
              </TableCell>
              <TableCell>
                <Took build={run} />
              </TableCell>
              <TableCell>
                <When at={run.queueTime} />
              </TableCell>
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </TableBox>
  );
}
