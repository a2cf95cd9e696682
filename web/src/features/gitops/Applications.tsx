import { TableCell, TableRow, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { queries } from "../../api/queries";
import { mono } from "../../theme/theme";
import { FilteredTable } from "../../ui/FilteredTable";
import { Empty, Failure, Link, Loading, Page } from "../../ui/Page";
import { StateMark } from "../../ui/StateMark";
import { When } from "../../ui/When";
import { healthState, syncState } from "./words";

export function Applications() {
  const applications = useQuery(queries.applications());
  const items = applications.data?.items ?? [];
  return (
    <Page title="Applications" below="What brings folders of Git into the cluster; the ones in trouble come first.">
      {applications.isPending && <Loading />}
      {applications.isError && <Failure error={applications.error} retry={() => void applications.refetch()} />}
      {applications.data && items.length === 0 && <Empty title="No applications yet">Apply an Application that points at a folder of a repository.</Empty>}
      {items.length > 0 && (
        <FilteredTable
          label="Applications"
          filterLabel="Filter"
          headings={["Name", "Project", "Sync", "Health", "Folder", "Revision", "Compared"]}
          items={items}
          text={(item) => `${item.name} ${item.project} ${item.sync} ${item.health}`}
          row={(item) => (
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
          )}
        />
      )}
    </Page>
  );
}
