import { Table, TableBody, TableCell, TableHead, TableRow, TextField } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { queries } from "../../api/queries";
import { Empty, Failure, Link, LinkButton, Loading, Page } from "../../ui/Page";
import { SmallRoad } from "../../ui/SmallRoad";
import { StateMark } from "../../ui/StateMark";
import { When } from "../../ui/When";
import { TableBox } from "../../ui/TableBox";

export function Environments() {
  const environments = useQuery(queries.environments());
  const [filter, setFilter] = useState("");
  const items = (environments.data?.items ?? [])
    .filter((item) => `${item.namespace}/${item.name} ${item.state}`.includes(filter.trim().toLowerCase()))
    .sort((left, right) => `${left.namespace}/${left.name}`.localeCompare(`${right.namespace}/${right.name}`));
  return (
    <Page title="Environments" actions={<LinkButton to="/create" variant="contained">Create environment</LinkButton>}>
      {environments.isPending && <Loading />}
      {environments.isError && <Failure error={environments.error} retry={() => void environments.refetch()} />}
      {environments.data?.items.length === 0 && (
        <Empty title="No environments yet" action={<LinkButton to="/create" variant="outlined">See what you can create</LinkButton>}>
          An environment is a claim in your team's folder in Git.
        </Empty>
      )}
      {environments.data && environments.data.items.length > 0 && (
        <>
          <TextField
            label="Filter by name or state"
            value={filter}
            onChange={(event) => setFilter(event.target.value)}
            slotProps={{ htmlInput: { "data-filter": true } }}
            sx={{ maxWidth: 360, mb: 2 }}
          />
          <TableBox label="Environments">
            <Table size="small">
              <TableHead>
                <TableRow>
                  <TableCell>Name</TableCell>
                  <TableCell>State</TableCell>
                  <TableCell>Road</TableCell>
                  <TableCell>Requested by</TableCell>
                  <TableCell>Created</TableCell>
                </TableRow>
              </TableHead>
              <TableBody>
                {items.map((item) => (
                  <TableRow key={`${item.namespace}/${item.name}`} hover>
                    <TableCell>
                      <Link to="/environments/$namespace/$name" params={{ namespace: item.namespace, name: item.name }}>
                        {item.namespace}/{item.name}
                      </Link>
                    </TableCell>
                    <TableCell>
                      <StateMark state={item.state} />
                    </TableCell>
                    <TableCell>
                      <SmallRoad hops={item.hops} />
                    </TableCell>
                    <TableCell>{item.requestedBy ?? "–"}</TableCell>
                    <TableCell>
                      <When at={item.createdAt} />
                    </TableCell>
                  </TableRow>
                ))}
              </TableBody>
            </Table>
          </TableBox>
          {items.length === 0 && <Empty title={`No environment matches “${filter}”`} />}
        </>
      )}
    </Page>
  );
}
