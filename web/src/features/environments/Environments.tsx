import { TableCell, TableRow } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { queries } from "../../api/queries";
import { FilteredTable } from "../../ui/FilteredTable";
import { Empty, Failure, Link, LinkButton, Loading, Page } from "../../ui/Page";
import { SmallRoad } from "../../ui/SmallRoad";
import { StateMark } from "../../ui/StateMark";
import { When } from "../../ui/When";

export function Environments() {
  const environments = useQuery(queries.environments());
  const items = [...(environments.data?.items ?? [])].sort((left, right) => `${left.namespace}/${left.name}`.localeCompare(`${right.namespace}/${right.name}`));
  return (
    <Page title="Environments" actions={<LinkButton to="/create" variant="contained">Create environment</LinkButton>}>
      {environments.isPending && <Loading />}
      {environments.isError && <Failure error={environments.error} retry={() => void environments.refetch()} />}
      {environments.data?.items.length === 0 && (
        <Empty title="No environments yet" action={<LinkButton to="/create" variant="outlined">See what you can create</LinkButton>}>
          An environment is a claim in your team's folder in Git.
        </Empty>
      )}
      {items.length > 0 && (
        <FilteredTable
          label="Environments"
          filterLabel="Filter by name or state"
          headings={["Name", "State", "Road", "Requested by", "Created"]}
          items={items}
          text={(item) => `${item.namespace}/${item.name} ${item.state}`}
          row={(item) => (
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
          )}
        />
      )}
    </Page>
  );
}
