import { Alert, Box, Button, Table, TableBody, TableCell, TableHead, TableRow, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { ApiError } from "../../api/errors";
import { queries } from "../../api/queries";
import type { EnvironmentDetail, Hop } from "../../api/types";
import { isDown, standing } from "../../lib/road";
import { mono } from "../../theme/theme";
import { Code } from "../../ui/Code";
import { EventList } from "../../ui/EventList";
import { Empty, Failure, LinkButton, Loading, Page, Section } from "../../ui/Page";
import { RoadView } from "../../ui/RoadView";
import { StateMark } from "../../ui/StateMark";
import { When } from "../../ui/When";
import { Connection } from "./Connection";
import { DeleteDialog } from "./DeleteDialog";
import { HopDetail } from "./HopDetail";
import { TableBox } from "../../ui/TableBox";

const route = getRouteApi("/environments/$namespace/$name");

export function EnvironmentPage() {
  const { namespace, name } = route.useParams();
  const environment = useQuery(queries.environment(namespace, name));
  const [deleting, setDeleting] = useState(false);
  const gone = environment.error instanceof ApiError && environment.error.status === 404;
  const lastRoad = gone ? /road is ([0-9a-f]{32})/.exec(environment.error?.message ?? "")?.[1] : undefined;
  return (
    <Page
      title={`${namespace}/${name}`}
      crumbs={[{ label: "Environments", to: "/environments" }]}
      below={environment.data && !gone && <Below environment={environment.data} />}
      actions={
        environment.data &&
        !gone && (
          <Button color="error" variant="outlined" disabled={isDown(environment.data.hops)} onClick={() => setDeleting(true)}>
            {isDown(environment.data.hops) ? "Being deleted" : "Delete environment"}
          </Button>
        )
      }
    >
      {environment.isPending && <Loading rows={8} />}
      {gone ? (
        <Gone road={lastRoad} />
      ) : (
        environment.isError && <Failure error={environment.error} retry={() => void environment.refetch()} />
      )}
      {environment.data && !gone && <Content environment={environment.data} />}
      {environment.data && (
        <DeleteDialog environment={environment.data} open={deleting} onClose={() => setDeleting(false)} />
      )}
    </Page>
  );
}

function Below({ environment }: { environment: EnvironmentDetail }) {
  return (
    <>
      <StateMark state={environment.state} /> · created <When at={environment.createdAt} />
      {environment.requestedBy && ` by ${environment.requestedBy}`}
      {environment.source && (
        <>
          {" · "}
          <Box component="span" sx={{ fontFamily: mono, fontSize: "0.8rem" }}>
            {environment.source.path}@{environment.source.commit.slice(0, 7)}
          </Box>
        </>
      )}
    </>
  );
}

function Road({ hops }: { hops: Hop[] }) {
  const overview = useQuery(queries.overview());
  const { hop } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <RoadView
      hops={hops}
      usualSeconds={overview.data?.usualSeconds}
      open={hop}
      onOpen={(next) => void navigate({ search: { hop: next }, replace: true, resetScroll: false })}
      detail={(one) => <HopDetail hop={one} />}
    />
  );
}

// What is left of an environment whose claim is gone: its road back, to the end.
function Gone({ road: id }: { road: string | undefined }) {
  const road = useQuery({ ...queries.road(id ?? ""), enabled: id !== undefined });
  const over = road.data === undefined || standing(road.data.hops) === "deleted";
  return (
    <>
      {over && (
        <Empty title="This environment is gone" action={<LinkButton to="/create" variant="outlined">Create another</LinkButton>}>
          Its file was removed from Git, and everything that came of it was taken away.
        </Empty>
      )}
      {road.data && (
        <Box sx={{ mt: over ? 3 : 0 }}>
          <Section title="Road">
            <Road hops={road.data.hops} />
          </Section>
        </Box>
      )}
    </>
  );
}

function Content({ environment }: { environment: EnvironmentDetail }) {
  const recreated = environment.events.find((event) => event.type === "Warning" && /empty/i.test(event.message));
  return (
    <>
      {recreated && (
        <Alert severity="warning" variant="outlined" sx={{ mb: 3 }}>
          {recreated.message}
        </Alert>
      )}
      <Section title="Road">
        <Road hops={environment.hops} />
      </Section>
      <Section title="Connection">
        <Connection environment={environment} />
      </Section>
      <Section title="Resources">
        {environment.resources.length === 0 ? (
          <Empty title="No resources yet">{environment.cause || "They are made once the claim has reached its composition."}</Empty>
        ) : (
          <TableBox label="Resources">
            <Table size="small">
              <TableHead>
                <TableRow>
                  <TableCell>Kind</TableCell>
                  <TableCell>Name in the cloud</TableCell>
                  <TableCell>State</TableCell>
                  <TableCell>What it says</TableCell>
                </TableRow>
              </TableHead>
              <TableBody>
                {environment.resources.map((resource) => (
                  <TableRow key={`${resource.kind}/${resource.name}`}>
                    <TableCell>{resource.kind}</TableCell>
                    <TableCell sx={{ fontFamily: mono }}>{resource.externalName ?? resource.name}</TableCell>
                    <TableCell>
                      <StateMark state={resource.state} />
                    </TableCell>
                    <TableCell sx={{ overflowWrap: "anywhere" }}>{resource.cause || "–"}</TableCell>
                  </TableRow>
                ))}
              </TableBody>
            </Table>
          </TableBox>
        )}
      </Section>
      <Section title="Events">
        <EventList events={environment.events} />
      </Section>
      <Section title="Claim">
        <Code text={environment.yaml} label="Claim as YAML" />
        <Typography variant="body2" color="textSecondary" sx={{ mt: 1, fontFamily: mono }}>
          same as: pave trace {environment.namespace}/{environment.name}
        </Typography>
      </Section>
    </>
  );
}
