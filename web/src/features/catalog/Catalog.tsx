import { Box, Button, Chip, Table, TableBody, TableCell, TableHead, TableRow, TableSortLabel, TextField, Typography } from "@mui/material";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { queries } from "../../api/queries";
import type { Entity } from "../../api/types";
import type { CatalogSearch } from "../../routes/router";
import { Empty, Failure, Link, Loading, Page } from "../../ui/Page";
import { TableBox } from "../../ui/TableBox";

const route = getRouteApi("/catalog");
const SIZE = 25;
const FACETS = [
  { path: "kind", key: "kind", title: "Kind" },
  { path: "spec.type", key: "type", title: "Type" },
  { path: "relations.ownedBy", key: "owner", title: "Owner" },
] as const;

function filters(search: CatalogSearch, but?: string): string[] {
  const parts = FACETS.filter((facet) => facet.key !== but && search[facet.key]).map((facet) => `${facet.path}=${search[facet.key]}`);
  return parts.length > 0 ? [parts.join(",")] : [];
}

// Every choice stands in the address, so that it can be shared and gone back to.
export function Catalog() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const page = search.page ?? 1;
  const set = (change: Partial<CatalogSearch>) => void navigate({ search: (old) => ({ ...old, page: undefined, ...change }), replace: true });
  const [unfolded, setUnfolded] = useState(false);
  const sort = search.sort ?? "metadata.name,asc";
  const entities = useQuery({
    ...queries.entities({ filter: filters(search), term: search.q, order: sort, limit: SIZE, offset: (page - 1) * SIZE }),
    placeholderData: keepPreviousData,
  });
  const total = entities.data?.totalItems ?? 0;
  return (
    <Page title="Catalog" below={entities.data ? `${total} ${total === 1 ? "entity" : "entities"}` : "Everything that is known here, and who owns it."}>
      <Box sx={{ display: "grid", gap: 3, gridTemplateColumns: { xs: "1fr", md: "220px 1fr" } }}>
        <Button variant="outlined" color="inherit" aria-expanded={unfolded} onClick={() => setUnfolded(!unfolded)} sx={{ display: { md: "none" }, justifySelf: "start" }}>
          {unfolded ? "Hide filters" : "Filters"}
        </Button>
        <Box component="aside" aria-label="Filters" sx={{ display: { xs: unfolded ? "block" : "none", md: "block" } }}>
          {FACETS.map((facet) => (
            <Facet key={facet.key} facet={facet} search={search} onChoose={(value) => set({ [facet.key]: value })} />
          ))}
        </Box>
        <Box sx={{ minWidth: 0 }}>
          <SearchField value={search.q ?? ""} onChange={(q) => set({ q: q || undefined })} />
          {entities.isPending && <Loading rows={8} />}
          {entities.isError && <Failure error={entities.error} retry={() => void entities.refetch()} />}
          {entities.data && total === 0 && (
            <Empty title="No entity matches" action={<Button onClick={() => void navigate({ search: {} })}>Clear all filters</Button>} />
          )}
          {entities.data && total > 0 && (
            <>
              <EntityTable items={entities.data.items} sort={sort} onSort={(next) => set({ sort: next })} />
              {total > SIZE && (
                <Box sx={{ display: "flex", alignItems: "center", gap: 1, mt: 2 }}>
                  <Button disabled={page === 1} onClick={() => set({ page: page - 1 })}>
                    Previous
                  </Button>
                  <Typography variant="body2">
                    Page {page} of {Math.ceil(total / SIZE)}
                  </Typography>
                  <Button disabled={page * SIZE >= total} onClick={() => set({ page: page + 1 })}>
                    Next
                  </Button>
                </Box>
              )}
            </>
          )}
        </Box>
      </Box>
    </Page>
  );
}

function SearchField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [typed, setTyped] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => {
      if (typed !== value) {
        onChange(typed);
      }
    }, 200);
    return () => clearTimeout(timer);
  });
  return (
    <TextField
      label="Find by name, title or description"
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
      slotProps={{ htmlInput: { "data-filter": true } }}
      sx={{ mb: 2, maxWidth: 420 }}
    />
  );
}

function Facet({
  facet,
  search,
  onChoose,
}: {
  facet: (typeof FACETS)[number];
  search: CatalogSearch;
  onChoose: (value: string | undefined) => void;
}) {
  const facets = useQuery({ ...queries.facets([facet.path], filters(search, facet.key)), placeholderData: keepPreviousData });
  const values = [...(facets.data?.facets[facet.path] ?? [])].sort((left, right) => right.count - left.count).slice(0, 12);
  const chosen = search[facet.key];
  if (values.length === 0) {
    return null;
  }
  return (
    <Box role="group" aria-label={facet.title} sx={{ mb: 2 }}>
      <Typography variant="overline" color="textSecondary">
        {facet.title}
      </Typography>
      {values.map(({ value, count }) => {
        const on = chosen?.toLowerCase() === value.toLowerCase();
        return (
          <Button
            key={value}
            fullWidth
            size="small"
            color="inherit"
            aria-pressed={on}
            onClick={() => onChoose(on ? undefined : value)}
            sx={{ justifyContent: "space-between", fontWeight: on ? 650 : 400, bgcolor: on ? "background.paper" : undefined, minHeight: 30, px: 1 }}
          >
            <Box component="span" sx={{ overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" }}>
              {value.replace(/^group:default\//, "")}
            </Box>
            <Box component="span" sx={{ color: "text.secondary" }}>
              {count}
            </Box>
          </Button>
        );
      })}
    </Box>
  );
}

function EntityTable({ items, sort, onSort }: { items: Entity[]; sort: string; onSort: (sort: string) => void }) {
  const [field, direction] = sort.split(",") as [string, "asc" | "desc"];
  const heading = (label: string, path: string) => (
    <TableCell sortDirection={field === path ? direction : false}>
      <TableSortLabel
        active={field === path}
        direction={field === path ? direction : "asc"}
        onClick={() => onSort(`${path},${field === path && direction === "asc" ? "desc" : "asc"}`)}
      >
        {label}
      </TableSortLabel>
    </TableCell>
  );
  return (
    <TableBox label="Entities">
      <Table size="small">
        <TableHead>
          <TableRow>
            {heading("Name", "metadata.name")}
            {heading("Kind", "kind")}
            <TableCell>Type</TableCell>
            <TableCell>Owner</TableCell>
            <TableCell>Description</TableCell>
          </TableRow>
        </TableHead>
        <TableBody>
          {items.map((entity) => (
            <TableRow key={entity.metadata.uid ?? entity.metadata.name} hover>
              <TableCell>
                <Link
                  to="/catalog/$namespace/$kind/$name"
                  params={{ namespace: entity.metadata.namespace ?? "default", kind: entity.kind.toLowerCase(), name: entity.metadata.name }}
                  sx={{ overflowWrap: "anywhere" }}
                >
                  {entity.metadata.title ?? entity.metadata.name}
                </Link>
                {entity.status?.items?.length ? <Chip size="small" color="error" variant="outlined" label="has errors" sx={{ ml: 1 }} /> : null}
              </TableCell>
              <TableCell>{entity.kind}</TableCell>
              <TableCell>{typeof entity.spec?.type === "string" ? entity.spec.type : "–"}</TableCell>
              <TableCell>{entity.relations?.find((relation) => relation.type === "ownedBy")?.targetRef.split("/")[1] ?? "–"}</TableCell>
              <TableCell sx={{ color: "text.secondary" }}>{entity.metadata.description ?? ""}</TableCell>
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </TableBox>
  );
}
