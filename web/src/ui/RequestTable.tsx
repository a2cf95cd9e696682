import { Table, TableBody, TableCell, TableHead, TableRow } from "@mui/material";
import type { RoadSummary } from "../api/types";
import { elapsed, standing } from "../lib/road";
import { duration } from "../lib/time";
import { Link } from "./Page";
import { SmallRoad } from "./SmallRoad";
import { StateMark } from "./StateMark";
import { When } from "./When";
import { TableBox } from "./TableBox";

export function RequestTable({ roads }: { roads: RoadSummary[] }) {
  return (
    <TableBox label="Requests">
      <Table size="small">
        <TableHead>
          <TableRow>
            <TableCell>Request</TableCell>
            <TableCell>Road</TableCell>
            <TableCell>State</TableCell>
            <TableCell>Took</TableCell>
            <TableCell>Begun</TableCell>
          </TableRow>
        </TableHead>
        <TableBody>
          {roads.map((road) => (
            <TableRow key={road.road} hover>
              <TableCell>
                <Link to="/roads/$road" params={{ road: road.road }}>
                  {road.title}
                </Link>
              </TableCell>
              <TableCell>
                <SmallRoad hops={road.hops} />
              </TableCell>
              <TableCell>
                <StateMark state={standing(road.hops)} />
              </TableCell>
              <TableCell>{duration(elapsed(road.hops))}</TableCell>
              <TableCell>
                <When at={road.startedAt} />
              </TableCell>
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </TableBox>
  );
}
