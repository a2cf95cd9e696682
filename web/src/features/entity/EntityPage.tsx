import { Alert, Box, Button, Chip, Tab, Table, TableBody, TableCell, TableHead, TableRow, Tabs } from "@mui/material";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { api } from "../../api/client";
import { queries } from "../../api/queries";
import type { Entity } from "../../api/types";
import { isArmId } from "../../lib/arm";
import { mono } from "../../theme/theme";
import { ArmLink } from "../../ui/ArmLink";
import { Code } from "../../ui/Code";
import { Facts } from "../../ui/Facts";
import { Empty, Failure, Link, LinkButton, Loading, Page, Section } from "../../ui/Page";
import { EntityLink } from "./EntityLink";

const route = getRouteApi("/catalog/$namespace/$kind/$name");
const TABS = ["overview", "relations", "json"] as const;

export function EntityPage() {
  const { namespace, kind, name } = route.useParams();
  const { tab = "overview" } = route.useSearch();
  const navigate = route.useNavigate();
  const client = useQueryClient();
  const entity = useQuery(queries.entity(kind, namespace, name));
  const refresh = useMutation({
    mutationFn: () => api.refreshEntity(`${kind}:${namespace}/${name}`),
    onSuccess: () => client.invalidateQueries({ queryKey: ["entity"] }),
  });
  const data = entity.data;
  return (
    <Page
      title={data?.metadata.title ?? name}
      crumbs={[{ label: "Catalog", to: "/catalog" }]}
      below={data && `${data.kind} · ${data.metadata.namespace ?? "default"}/${data.metadata.name}`}
      actions={
        data && (
          <>
            <Button variant="outlined" loading={refresh.isPending} onClick={() => refresh.mutate()}>
              Refresh
            </Button>
            {data.kind === "Template" && (
              <LinkButton to="/create/$namespace/$name" params={{ namespace, name }} variant="contained">
                Use template
              </LinkButton>
            )}
          </>
        )
      }
    >
      {entity.isPending && <Loading />}
      {entity.isError && <Failure error={entity.error} retry={() => void entity.refetch()} />}
      {refresh.isError && <Failure error={refresh.error} />}
      {data && (
        <>
          {data.status?.items?.map((item, index) => (
            <Alert key={index} severity="error" variant="outlined" sx={{ mb: 2, overflowWrap: "anywhere" }}>
              {item.message}
            </Alert>
          ))}
          <Tabs
            value={TABS.find((known) => known === tab) ?? "overview"}
            onChange={(_, next: string) => void navigate({ search: { tab: next }, replace: true })}
            sx={{ mb: 3, borderBottom: 1, borderColor: "divider" }}
          >
            <Tab value="overview" label="Overview" />
            <Tab value="relations" label="Relations" />
            <Tab value="json" label="As stored" />
          </Tabs>
          {tab === "relations" ? <Relations entity={data} /> : tab === "json" ? <Code text={JSON.stringify(data, null, 2)} label="Entity as JSON" /> : <Overview entity={data} />}
        </>
      )}
    </Page>
  );
}

function Overview({ entity }: { entity: Entity }) {
  const annotations = entity.metadata.annotations ?? {};
  const source = annotations["backstage.io/managed-by-location"]?.replace(/^url:/, "");
  const owner = entity.relations?.find((relation) => relation.type === "ownedBy")?.targetRef;
  const rows: [string, React.ReactNode][] = [
    ["Description", entity.metadata.description ?? "–"],
    ["Owner", owner ? <EntityLink entityRef={owner} /> : "–"],
    ["Type", typeof entity.spec?.type === "string" ? entity.spec.type : "–"],
    ["Lifecycle", typeof entity.spec?.lifecycle === "string" ? entity.spec.lifecycle : "–"],
    [
      "Tags",
      entity.metadata.tags?.length ? (
        <Box sx={{ display: "flex", gap: 0.5, flexWrap: "wrap" }}>
          {entity.metadata.tags.map((tag) => (
            <Chip key={tag} label={tag} size="small" variant="outlined" />
          ))}
        </Box>
      ) : (
        "–"
      ),
    ],
    ["Source", source ? <Box component="span" sx={{ fontFamily: mono, overflowWrap: "anywhere" }}>{source}</Box> : "–"],
  ];
  const armId = annotations["azure.com/resource-id"];
  if (isArmId(armId)) {
    rows.push(["In the cloud", <ArmLink key="cloud" id={armId} />]);
  }
  const road = annotations["pave.dev/road"];
  if (road) {
    rows.push([
      "Request",
      <Link key="road" to="/roads/$road" params={{ road }}>
        The request that made it
      </Link>,
    ]);
  }
  const refreshed = annotations["pave.dev/refreshed"];
  if (refreshed) {
    rows.push(["Read", refreshed]);
  }
  // Links come from files: nothing but the web is followed.
  const links = entity.metadata.links?.filter((link) => /^https?:\/\//i.test(link.url) && !(road && link.url.endsWith(`/roads/${road}`))) ?? [];
  if (links.length > 0) {
    rows.push([
      "Links",
      <Box key="links" component="ul" sx={{ listStyle: "none", p: 0, m: 0 }}>
        {links.map((link) => (
          <li key={link.url}>
            <a href={link.url}>{link.title ?? link.url}</a>
          </li>
        ))}
      </Box>,
    ]);
  }
  return (
    <Section title="About">
      <Facts rows={rows} />
    </Section>
  );
}

function Relations({ entity }: { entity: Entity }) {
  if (!entity.relations?.length) {
    return <Empty title="No relations" />;
  }
  return (
    <Table size="small">
      <TableHead>
        <TableRow>
          <TableCell>Relation</TableCell>
          <TableCell>Entity</TableCell>
        </TableRow>
      </TableHead>
      <TableBody>
        {entity.relations.map((relation) => (
          <TableRow key={`${relation.type} ${relation.targetRef}`}>
            <TableCell>{relation.type}</TableCell>
            <TableCell>
              <EntityLink entityRef={relation.targetRef} />
            </TableCell>
          </TableRow>
        ))}
      </TableBody>
    </Table>
  );
}
