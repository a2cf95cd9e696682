import { Box, Table, TableBody, TableCell, TableHead, TableRow, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { queries } from "../../api/queries";
import type { Attention, Overview } from "../../api/types";
import { elapsed, standing } from "../../lib/road";
import { duration } from "../../lib/time";
import { Empty, Failure, Link, LinkButton, Loading, Page, Section } from "../../ui/Page";
import { RequestTable } from "../../ui/RequestTable";
import { StateMark } from "../../ui/StateMark";
import { TableBox } from "../../ui/TableBox";

export function Home() {
  const overview = useQuery(queries.overview());
  return (
    <Page title="Home" actions={<LinkButton to="/create" variant="contained">Create</LinkButton>}>
      {overview.isPending && <Loading />}
      {overview.isError && <Failure error={overview.error} retry={() => void overview.refetch()} />}
      {overview.data && <Content overview={overview.data} />}
    </Page>
  );
}

function Content({ overview }: { overview: Overview }) {
  const { attention, roads, environments, applications, templates } = overview;
  const fresh = environments.length === 0 && roads.length === 0;
  return (
    <>
      {attention.length > 0 && (
        <Section title="Needs you">
          <Box component="ul" sx={{ listStyle: "none", p: 0, m: 0, display: "grid", gap: 1 }}>
            {attention.map((item, index) => (
              <AttentionItem key={index} item={item} />
            ))}
          </Box>
        </Section>
      )}
      <Section title="Requests">
        {fresh ? (
          <Empty
            title="No requests yet"
            action={
              templates[0] && (
                <LinkButton to={templatePath(templates[0].entityRef)} variant="contained">
                  Request your first environment
                </LinkButton>
              )
            }
          >
            A request goes from a form through Git and the cluster to the cloud; you can follow it here, station by station.
          </Empty>
        ) : (
          <RequestTable roads={roads} />
        )}
      </Section>
      <Box sx={{ display: "grid", gap: 4, gridTemplateColumns: { xs: "1fr", lg: "3fr 2fr" } }}>
        <Section title="Environments" actions={<Link to="/environments">All environments</Link>}>
          {environments.length === 0 ? (
            <Empty title="No environments yet" />
          ) : (
            <TableBox>
              <Table size="small">
                <TableHead>
                  <TableRow>
                    <TableCell>Name</TableCell>
                    <TableCell>State</TableCell>
                  </TableRow>
                </TableHead>
                <TableBody>
                  {environments.slice(0, 8).map((item) => (
                    <TableRow key={`${item.namespace}/${item.name}`} hover>
                      <TableCell>
                        <Link to="/environments/$namespace/$name" params={{ namespace: item.namespace, name: item.name }}>
                          {item.namespace}/{item.name}
                        </Link>
                      </TableCell>
                      <TableCell>
                        <StateMark state={item.state} />
                      </TableCell>
                    </TableRow>
                  ))}
                </TableBody>
              </Table>
            </TableBox>
          )}
        </Section>
        <Section title="Platform" actions={<Link to="/applications">All applications</Link>}>
          <Figures
            rows={[
              ["Applications synced", `${applications.synced} of ${applications.total}`],
              ["Applications healthy", `${applications.healthy} of ${applications.total}`],
              ["From form to login", overview.usualSeconds === null ? "no request yet" : `usually ${duration(overview.usualSeconds * 1000)}`],
              ["Requests under way", String(roads.filter((road) => standing(road.hops) === "running").length)],
              ["Last request took", roads[0] ? duration(elapsed(roads[0].hops)) : "–"],
            ]}
          />
        </Section>
      </Box>
    </>
  );
}

function Figures({ rows }: { rows: [string, string][] }) {
  return (
    <Box component="dl" sx={{ m: 0, border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper" }}>
      {rows.map(([name, value], index) => (
        <Box key={name} sx={{ display: "flex", px: 1.5, minHeight: 36, alignItems: "center", borderTop: index === 0 ? 0 : 1, borderColor: "divider" }}>
          <Typography component="dt" variant="body2" color="textSecondary" sx={{ flex: 1 }}>
            {name}
          </Typography>
          <Typography component="dd" variant="body2" sx={{ m: 0 }}>
            {value}
          </Typography>
        </Box>
      ))}
    </Box>
  );
}

function AttentionItem({ item }: { item: Attention }) {
  const place = item.road ? (
    <Link to="/roads/$road" params={{ road: item.road }}>
      {item.title}
    </Link>
  ) : item.environment ? (
    <Link to="/environments/$namespace/$name" params={item.environment}>
      {item.title}
    </Link>
  ) : item.application ? (
    <Link to="/applications/$namespace/$name" params={item.application}>
      {item.title}
    </Link>
  ) : (
    item.title
  );
  return (
    <Box component="li" sx={{ border: 1, borderColor: "divider", borderLeft: 3, borderLeftColor: `state.${item.state}`, borderRadius: 1, px: 2, py: 1, bgcolor: "background.paper" }}>
      <Box sx={{ display: "flex", gap: 2, alignItems: "center" }}>
        <Typography sx={{ flex: 1, fontWeight: 560 }}>{place}</Typography>
        <StateMark state={item.state} />
      </Box>
      <Typography variant="body2" color="textSecondary" sx={{ overflowWrap: "anywhere" }}>
        {item.cause}
      </Typography>
    </Box>
  );
}

function templatePath(entityRef: string): string {
  const [namespace, name] = (entityRef.split(":")[1] ?? "").split("/");
  return `/create/${namespace}/${name}`;
}
