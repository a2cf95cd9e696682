import { Table, TableBody, TableCell, TableHead, TableRow } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { queries } from "../../api/queries";
import { Failure, Loading } from "../../ui/Page";
import { TableBox } from "../../ui/TableBox";
import { When } from "../../ui/When";

// Who did what, newest first.
export function AuditLog() {
  const audit = useQuery(queries.audit());
  if (audit.isPending) {
    return <Loading rows={3} />;
  }
  if (audit.isError) {
    return <Failure error={audit.error} />;
  }
  return (
    <TableBox label="Audit log">
      <Table size="small">
        <TableHead>
          <TableRow>
            <TableCell>When</TableCell>
            <TableCell>Who</TableCell>
            <TableCell>Did</TableCell>
            <TableCell>To</TableCell>
          </TableRow>
        </TableHead>
        <TableBody>
          {audit.data.items.slice(0, 50).map((entry, index) => (
            <TableRow key={index}>
              <TableCell>
                <When at={entry.time} />
              </TableCell>
              <TableCell>{entry.actor}</TableCell>
              <TableCell>{entry.action}</TableCell>
              <TableCell sx={{ overflowWrap: "anywhere" }}>
                {entry.subject} {entry.detail}
              </TableCell>
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </TableBox>
  );
}
