import { Alert, Box, Button } from "@mui/material";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "../../api/client";
import { ApiError } from "../../api/errors";
import { Loading, Section } from "../../ui/Page";
import { EntityEffects, type Judged, summary } from "./EntityEffects";
import { Imported } from "./Imported";
import { effectOf, ownerOf, refOf } from "./judge";
import { Refusal } from "./Refusal";

// Tries the registration without making it, and asks what the catalog has of the same names.
async function analyze(url: string): Promise<{ exists: boolean; items: Judged[]; missingOwners: string[] }> {
  const dry = await api.dryRunLocation(url);
  const entities = dry.entities.filter((entity) => !(entity.kind === "Location" && entity.metadata.name.startsWith("generated-")));
  const owners = [...new Set(entities.flatMap((entity) => ownerOf(entity) ?? []))];
  const refs = entities.map(refOf);
  const known = refs.length + owners.length > 0 ? (await api.entitiesByRefs([...refs, ...owners])).items : [];
  const items = entities.map((entity, index) => ({ entity, known: known[index] ?? null, effect: effectOf(entity, known[index] ?? null) }));
  const missingOwners = owners.filter((owner, index) => !known[refs.length + index] && !refs.includes(owner));
  return { exists: dry.exists ?? false, items, missingOwners };
}

export function FileResult({ url }: { url: string }) {
  const client = useQueryClient();
  const analysis = useQuery({ queryKey: ["analyze", url], queryFn: () => analyze(url), retry: false, staleTime: 0, gcTime: 0 });
  const forget = () => Promise.all(["entities", "entity", "facets", "locations"].map((key) => client.invalidateQueries({ queryKey: [key] })));
  const register = useMutation({ mutationFn: () => api.registerLocation(url), onSuccess: forget });
  const refresh = useMutation({ mutationFn: () => Promise.all((analysis.data?.items ?? []).slice(0, 1).map((item) => api.refreshEntity(refOf(item.entity)))), onSuccess: forget });
  if (analysis.isPending) {
    return (
      <Section title="What importing would do">
        <Loading rows={3} />
      </Section>
    );
  }
  if (analysis.isError) {
    return <Refusal error={analysis.error} url={url} retry={() => void analysis.refetch()} />;
  }
  const { exists, items, missingOwners } = analysis.data;
  if (register.isSuccess || (register.error instanceof ApiError && register.error.status === 409)) {
    return <Imported items={items} />;
  }
  return (
    <Section title={exists ? "This address is registered already" : summary(items)}>
      <EntityEffects items={items} />
      {missingOwners.length > 0 && (
        <Alert severity="warning" variant="outlined" sx={{ mt: 2, overflowWrap: "anywhere" }}>
          {missingOwners.length === 1 ? "This owner is not in the catalog" : "These owners are not in the catalog"}: {missingOwners.join(", ")}. The import goes
          through; the link to the owner leads nowhere until a Group or User of that name is registered.
        </Alert>
      )}
      {register.isError && <Refusal error={register.error} url={url} retry={() => register.mutate()} />}
      <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap", mt: 2 }}>
        {exists ? (
          <Button variant="contained" loading={refresh.isPending} onClick={() => refresh.mutate()}>
            {refresh.isSuccess ? "Read again" : "Read it again now"}
          </Button>
        ) : (
          <Button variant="contained" loading={register.isPending} disabled={items.length === 0} onClick={() => register.mutate()}>
            Import
          </Button>
        )}
      </Box>
    </Section>
  );
}
