import { Box, Chip, TextField, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { queries } from "../../api/queries";
import { duration } from "../../lib/time";
import { Empty, Failure, LinkButton, Loading, Page } from "../../ui/Page";

export function Gallery() {
  const templates = useQuery(queries.entities({ filter: ["kind=template"], order: "metadata.name,asc" }));
  const overview = useQuery(queries.overview());
  const [filter, setFilter] = useState("");
  const all = templates.data?.items ?? [];
  const items = all.filter((item) =>
    `${item.metadata.name} ${item.metadata.title} ${item.metadata.description} ${item.metadata.tags?.join(" ")}`.toLowerCase().includes(filter.trim().toLowerCase()),
  );
  return (
    <Page
      title="Create"
      below="Each template says what you get and what it touches; nothing is made before you have seen it."
      actions={
        <>
          <LinkButton to="/catalog-import" variant="outlined">
            Register existing component
          </LinkButton>
          <LinkButton to="/create/actions" variant="text">
            Installed actions
          </LinkButton>
        </>
      }
    >
      {templates.isPending && <Loading rows={3} />}
      {templates.isError && <Failure error={templates.error} retry={() => void templates.refetch()} />}
      {templates.data && all.length === 0 && (
        <Empty
          title="No templates yet"
          action={
            <LinkButton to="/catalog-import" variant="outlined">
              Register existing component
            </LinkButton>
          }
        >
          Register a catalog location that holds a Template.
        </Empty>
      )}
      {all.length > 3 && (
        <TextField
          label="Filter templates"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
          slotProps={{ htmlInput: { "data-filter": true } }}
          sx={{ maxWidth: 360, mb: 2 }}
        />
      )}
      <Box component="ul" sx={{ listStyle: "none", p: 0, m: 0, display: "grid", gap: 2, gridTemplateColumns: "repeat(auto-fill, minmax(min(100%, 340px), 1fr))" }}>
        {items.map((item) => {
          const title = item.metadata.title ?? item.metadata.name;
          return (
            <Box
              component="li"
              key={item.metadata.name}
              sx={{ border: 1, borderColor: "divider", borderRadius: 1, p: 2.5, bgcolor: "background.paper", display: "flex", flexDirection: "column", gap: 1 }}
            >
              <Typography variant="h2">{title}</Typography>
              <Typography color="textSecondary" sx={{ flex: 1 }}>
                {item.metadata.description}
              </Typography>
              <Box sx={{ display: "flex", gap: 0.5, flexWrap: "wrap" }}>
                {item.metadata.tags?.map((tag) => <Chip key={tag} size="small" variant="outlined" label={tag} />)}
              </Box>
              <Typography variant="body2" color="textSecondary">
                Owned by {item.relations?.find((relation) => relation.type === "ownedBy")?.targetRef.split("/")[1] ?? "nobody"}
                {overview.data?.usualSeconds != null && ` · usually takes ${duration(overview.data.usualSeconds * 1000)}`}
              </Typography>
              <Box sx={{ mt: 1 }}>
                <LinkButton
                  to="/create/$namespace/$name"
                  params={{ namespace: item.metadata.namespace ?? "default", name: item.metadata.name }}
                  variant="contained"
                  aria-label={`Choose ${title}`}
                >
                  Choose
                </LinkButton>
              </Box>
            </Box>
          );
        })}
      </Box>
    </Page>
  );
}
