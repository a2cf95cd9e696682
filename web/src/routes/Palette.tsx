import { Autocomplete, Box, Dialog, TextField, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { queries } from "../api/queries";
import { PLACES } from "./navigation";

interface Target {
  label: string;
  group: string;
  path: string;
}

// One box for everything: places, templates, environments, Applications, entities.
export function Palette({ open, onOpen, onClose }: { open: boolean; onOpen: () => void; onClose: () => void }) {
  const navigate = useNavigate();
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        onOpen();
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [onOpen]);
  const targets = useTargets(open);
  return (
    <Dialog open={open} onClose={onClose} fullWidth maxWidth="sm" aria-label="Search or go to" sx={{ "& .MuiDialog-container": { alignItems: "flex-start", pt: 8 } }}>
      <Autocomplete<Target>
        open={open}
        options={targets}
        getOptionLabel={(target) => target.label}
        isOptionEqualToValue={(left, right) => left.path === right.path}
        getOptionKey={(target) => target.path}
        autoHighlight
        noOptionsText="Nothing of that name"
        onChange={(_, target) => {
          if (target) {
            onClose();
            void navigate({ to: target.path });
          }
        }}
        renderInput={(params) => (
          <Box sx={{ p: 1.5, pt: 2 }}>
            <TextField {...params} autoFocus placeholder="Search or go to…" label="Search" />
          </Box>
        )}
        renderOption={({ key, ...props }, target) => (
          <Box component="li" key={key} {...props}>
            <Typography sx={{ flex: 1 }}>{target.label}</Typography>
            <Typography variant="body2" color="textSecondary">
              {target.group}
            </Typography>
          </Box>
        )}
      />
    </Dialog>
  );
}

function useTargets(open: boolean): Target[] {
  const environments = useQuery({ ...queries.environments(), enabled: open });
  const applications = useQuery({ ...queries.applications(), enabled: open });
  const entities = useQuery({ ...queries.entities({ limit: 500, order: "metadata.name,asc", fields: "kind,metadata.name,metadata.namespace,metadata.title" }), enabled: open });
  const known = (entities.data?.items ?? []).filter((entity) => entity.kind !== "Location");
  return [
    ...PLACES.map((place) => ({ label: place.label, group: "Go to", path: place.to })),
    { label: "Register existing component", group: "Go to", path: "/catalog-import" },
    { label: "Installed actions", group: "Go to", path: "/create/actions" },
    { label: "Service connections", group: "Go to", path: "/connections" },
    ...known
      .filter((entity) => entity.kind === "Template")
      .map((entity) => ({
        label: entity.metadata.title ?? entity.metadata.name,
        group: "Create",
        path: `/create/${entity.metadata.namespace ?? "default"}/${entity.metadata.name}`,
      })),
    ...(environments.data?.items ?? []).map((item) => ({
      label: `${item.namespace}/${item.name}`,
      group: "Environments",
      path: `/environments/${item.namespace}/${item.name}`,
    })),
    ...(applications.data?.items ?? []).map((item) => ({ label: item.name, group: "Applications", path: `/applications/${item.namespace}/${item.name}` })),
    ...known.map((entity) => ({
      label: `${entity.metadata.title ?? entity.metadata.name} (${entity.kind})`,
      group: "Catalog",
      path: `/catalog/${entity.metadata.namespace ?? "default"}/${entity.kind.toLowerCase()}/${entity.metadata.name}`,
    })),
  ];
}
