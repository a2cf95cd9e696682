import { Button, Table, TableBody, TableCell, TableHead, TableRow, Typography } from "@mui/material";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../../api/client";
import { queries } from "../../api/queries";
import type { CatalogLocation, Entity } from "../../api/types";
import { Empty, Failure, Link, Loading, Section } from "../../ui/Page";
import { StateMark } from "../../ui/StateMark";
import { TableBox } from "../../ui/TableBox";
import { When } from "../../ui/When";
import { RemoveLocation } from "./RemoveLocation";

const ORIGIN = "metadata.annotations.backstage.io/managed-by-origin-location";

// Everything the catalog reads, with how it went.
export function Locations() {
  const client = useQueryClient();
  const locations = useQuery(queries.locations());
  const counts = useQuery(queries.facets([ORIGIN]));
  const targets = (locations.data ?? []).map((item) => item.data);
  const refs = targets.flatMap((location) => location.entityRef ?? []);
  const entities = useQuery({ queryKey: ["entities", "locations", refs], queryFn: () => api.entitiesByRefs(refs), enabled: refs.length > 0 });
  const [removing, setRemoving] = useState<CatalogLocation | null>(null);
  const refresh = useMutation({
    mutationFn: (entityRef: string) => api.refreshEntity(entityRef),
    onSuccess: () => Promise.all(["entities", "facets", "locations", "entity"].map((key) => client.invalidateQueries({ queryKey: [key] }))),
  });
  const count = (target: string) => counts.data?.facets[ORIGIN]?.find((facet) => facet.value === `url:${target}`)?.count;
  const errorOf = (location: CatalogLocation) => {
    const entity: Entity | null | undefined = entities.data?.items[refs.indexOf(location.entityRef ?? "")];
    return entity?.status?.items?.[0]?.message;
  };
  return (
    <Section title="Registered locations">
      {locations.isPending && <Loading rows={3} />}
      {locations.isError && <Failure error={locations.error} retry={() => void locations.refetch()} />}
      {locations.data?.length === 0 && <Empty title="No locations yet">Paste an address above, or name one under catalog.locations in app-config.yaml.</Empty>}
      {refresh.isError && <Failure error={refresh.error} />}
      {targets.length > 0 && (
        <TableBox label="Registered locations">
          <Table size="small">
            <TableHead>
              <TableRow>
                <TableCell>Address</TableCell>
                <TableCell>State</TableCell>
                <TableCell>Entities</TableCell>
                {targets.some((location) => location.lastReadAt) && <TableCell>Last read</TableCell>}
                <TableCell align="right">Actions</TableCell>
              </TableRow>
            </TableHead>
            <TableBody>
              {targets.map((location) => {
                const error = errorOf(location);
                return (
                  <TableRow key={location.id}>
                    <TableCell sx={{ overflowWrap: "anywhere", minWidth: { sm: 280 } }}>
                      <Link to="/catalog-import" search={{ url: location.target }}>
                        {location.target}
                      </Link>
                      {error && (
                        <Typography variant="body2" color="textSecondary" sx={{ overflowWrap: "anywhere" }}>
                          {error}
                        </Typography>
                      )}
                    </TableCell>
                    <TableCell>{entities.isSuccess && <StateMark state={error ? "failed" : "ok"} word={error ? "has an error" : "read"} />}</TableCell>
                    <TableCell>{counts.isSuccess && `${count(location.target) ?? 0} ${count(location.target) === 1 ? "entity" : "entities"}`}</TableCell>
                    {targets.some((other) => other.lastReadAt) && (
                      <TableCell>
                        <When at={location.lastReadAt} />
                      </TableCell>
                    )}
                    <TableCell align="right" sx={{ whiteSpace: "nowrap" }}>
                      <Button
                        size="small"
                        disabled={!location.entityRef}
                        loading={refresh.isPending && refresh.variables === location.entityRef}
                        onClick={() => location.entityRef && refresh.mutate(location.entityRef)}
                        aria-label={`Refresh ${location.target}`}
                      >
                        Refresh
                      </Button>
                      <Button size="small" color="error" onClick={() => setRemoving(location)} aria-label={`Remove ${location.target}`}>
                        Remove
                      </Button>
                    </TableCell>
                  </TableRow>
                );
              })}
            </TableBody>
          </Table>
        </TableBox>
      )}
      {removing && <RemoveLocation location={removing} onClose={() => setRemoving(null)} />}
    </Section>
  );
}
