import { Alert, Box, Button } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { ApiError, words } from "../../api/errors";
import { queries } from "../../api/queries";
import { kindOfArm, placeOfArm } from "../../lib/arm";
import { ArmLink } from "../../ui/ArmLink";
import { Empty, Failure, Page } from "../../ui/Page";
import { About, Children, Properties } from "./CloudParts";
import { Origin } from "./Origin";

const route = getRouteApi("/cloud/$");

// One resource of the cloud: what it is, who owns it, which request made it, what lies in it.
export function CloudPage() {
  const { _splat = "" } = route.useParams();
  const id = `/${_splat.replace(/^\/+|\/+$/g, "")}`;
  if (!placeOfArm(id)) {
    return (
      <Page title="Cloud resource" crumbs={[{ label: "Catalog", to: "/catalog" }]}>
        <Empty title="This is not an id of Azure Resource Manager">
          It begins with <code>/subscriptions/…</code>.
        </Empty>
      </Page>
    );
  }
  return <Known key={id} id={id} />;
}

function Known({ id }: { id: string }) {
  const place = placeOfArm(id);
  const cloud = useQuery(queries.cloud(id));
  const entities = useQuery(queries.entities({ filter: [`kind=resource,metadata.annotations.azure.com/resource-id=${id}`], limit: 1 }));
  const entity = entities.data?.items[0];
  const isGone = cloud.error instanceof ApiError && cloud.error.status === 404;
  const title = cloud.data?.resource.displayName ?? cloud.data?.resource.name ?? place?.name ?? id;
  const outside = entity?.metadata.links?.find((link) => /^https:\/\/portal\.azure\.com\//.test(link.url));
  return (
    <Page
      title={title}
      crumbs={[{ label: "Catalog", to: "/catalog" }]}
      below={
        <Box sx={{ display: "flex", flexWrap: "wrap", columnGap: 2, alignItems: "center" }}>
          <span>{kindOfArm(id)}</span>
          {place?.parents.map((parent) => (
            <ArmLink key={parent.id} id={parent.id}>
              {parent.label}
            </ArmLink>
          ))}
        </Box>
      }
      actions={
        outside && (
          <Button component="a" href={outside.url} target="_blank" rel="noreferrer" variant="outlined">
            Open in the Azure portal
          </Button>
        )
      }
    >
      {isGone && (
        <Alert severity="info" variant="outlined" sx={{ mb: 3, overflowWrap: "anywhere" }}>
          It is not in the cloud (any more): {words(cloud.error)}
        </Alert>
      )}
      {cloud.isError && !isGone && (
        <Box sx={{ mb: 3 }}>
          <Failure error={cloud.error} retry={() => void cloud.refetch()} />
        </Box>
      )}
      <Box sx={{ display: "grid", gridTemplateColumns: { xs: "minmax(0, 1fr)", lg: "minmax(0, 1fr) 400px" }, columnGap: 5 }}>
        <Box sx={{ minWidth: 0 }}>
          <About id={id} resource={cloud.data?.resource} entity={entity} isPending={cloud.isPending} />
          {cloud.data && <Properties resource={cloud.data.resource} />}
          {cloud.data && <Children id={id} cloud={cloud.data} />}
        </Box>
        <Origin id={id} entity={entity} isPending={entities.isPending} />
      </Box>
    </Page>
  );
}
