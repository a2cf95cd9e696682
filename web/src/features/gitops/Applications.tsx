import { Table, TableBody, TableCell, TableHead, TableRow, TextField, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { queries } from "../../api/queries";
import { mono } from "../../theme/theme";
import { Empty, Failure, Link, Loading, Page } from "../../ui/Page";
import { StateMark } from "../../ui/StateMark";
import { When } from "../../ui/When";
import { healthState, syncState } from "./words";
import { TableBox } from "../../ui/TableBox";

export function Applications() {
  const applications = useQuery(queries.applications());
  const [filter, setFilter] = useState("");
  const all = applications.data?.items ?? [];
  const items = all.filter((item) => `${item.name} ${item.project} ${item.sync} ${item.health}`.toLowerCase().includes(filter.trim().toLowerCase()));
  return (
    <Page title="Applications" below="What brings folders of Git into the cluster; the ones in trouble come first.">
      {applications.isPending && <Loading />}
      {applications.isError && <Failure error={applications.error} retry={() => void applications.refetch()} />}
      {applications.data && all.length === 0 && <Empty title="No applications yet">Apply an Application that points at a folder of a repository.</Empty>}
      {all.length > 0 && (
        <>
          <TextField
            label="Filter"
            value={filter}
            onChange={(event) => setFilter(event.target.value)}
            slotProps={{ htmlInput: { "data-filter": true } }}
            sx={{ maxWidth: 360, mb: 2 }}
          />
          <TableBox label="Applications">
            <Table size="small">
              <TableHead>
                <TableRow>
                  <TableCell>Name</TableCell>
                  <TableCell>Project</TableCell>
                  <TableCell>Sync</TableCell>
                  <TableCell>Health</TableCell>
                  <TableCell>Folder</TableCell>
                  <TableCell>Revision</TableCell>
                  <TableCell>Compared</TableCell>
                </TableRow>
              </TableHead>
              <TableBody>
                {items.map((item) => (
                  <TableRow key={`${item.namespace}/${item.name}`} hover>
                    <TableCell>
                      <Link to="/applications/$namespace/$name" params={{ namespace: item.namespace, name: item.name }}>
                        {item.name}
                      </Link>
                      {item.message && (
                        <Typography variant="body2" color="textSecondary" sx={{ maxWidth: 420, overflowWrap: "anywhere" }}>
                          {item.message}
                        </Typography>
                      )}
                    </TableCell>
                    <TableCell>{item.project}</TableCell>
                    <TableCell>
                      <StateMark state={syncState(item.sync)} word={item.sync} />
                    </TableCell>
                    <TableCell>
                      <StateMark state={healthState(item.health)} word={item.health} />
                    </TableCell>
                    <TableCell sx={{ fontFamily: mono }}>{item.path}</TableCell>
                    <TableCell sx={{ fontFamily: mono }}>{item.revision.slice(0, 7) || "–"}</TableCell>
                    <TableCell>
                      <When at={item.reconciledAt} />
                    </TableCell>
                  </TableRow>
                ))}
              </TableBody>
            </Table>
          </TableBox>
          {items.length === 0 && <Empty title={`No application matches “${filter}”`} />}
        </>
      )}
    </Page>
  );
}
