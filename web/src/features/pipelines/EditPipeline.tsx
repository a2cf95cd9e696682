import { Box, Button, Dialog, DialogActions, DialogContent, DialogTitle, FormControlLabel, MenuItem, Switch, TextField, Typography } from "@mui/material";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { builds } from "../../api/builds";
import { buildKey } from "../../api/buildQueries";
import type { Definition } from "../../api/buildTypes";
import type { Place } from "../../api/devopsTypes";
import { queryClient } from "../../api/queries";
import { Failure, Section } from "../../ui/Page";
import { type VariableRow, Variables } from "./Variables";

// Name, file, triggers and variables of a pipeline; and its end.
export function EditPipeline({ place, definition }: { place: Place; definition: Definition }) {
  const navigate = useNavigate();
  const [name, setName] = useState(definition.name);
  const [path, setPath] = useState(definition.process?.yamlFilename ?? "");
  const [status, setStatus] = useState<string>(definition.queueStatus ?? "enabled");
  const [triggered, setTriggered] = useState((definition.triggers ?? []).length > 0);
  const [variables, setVariables] = useState<VariableRow[]>(
    Object.entries(definition.variables ?? {}).map(([variable, { value, isSecret }]) => ({ name: variable, value: value ?? "", isSecret: isSecret === true, isKept: isSecret === true })),
  );
  const [removing, setRemoving] = useState(false);
  const refresh = () => queryClient.invalidateQueries({ queryKey: buildKey(place) });
  const save = useMutation({
    mutationFn: () =>
      builds.updateDefinition(place, {
        ...definition,
        name: name.trim(),
        queueStatus: status as "enabled",
        process: { type: 2, yamlFilename: path.trim() },
        triggers: triggered ? [{ triggerType: "continuousIntegration", settingsSourceType: 2 } as never] : [],
        variables: Object.fromEntries(
          variables.filter((row) => row.name !== "").map((row) => [row.name, { ...(row.isKept && row.value === "" ? {} : { value: row.value }), isSecret: row.isSecret, allowOverride: definition.variables?.[row.name]?.allowOverride ?? true }]),
        ),
      }),
    onSuccess: refresh,
  });
  const remove = useMutation({
    mutationFn: () => builds.deleteDefinition(place, definition.id),
    onSuccess: async () => {
      await navigate({ to: "/pipelines" });
      await refresh();
    },
  });
  return (
    <Box component="form" onSubmit={(event) => (event.preventDefault(), save.mutate())} sx={{ maxWidth: 640, display: "grid", gap: 2 }}>
      <TextField label="Name" required value={name} onChange={(event) => setName(event.target.value)} />
      <TextField label="File" required value={path} onChange={(event) => setPath(event.target.value)} helperText={`In ${definition.repository?.name ?? "the repository"}, e.g. azure-pipelines.yml`} />
      <TextField select label="New runs" value={status} onChange={(event) => setStatus(event.target.value)}>
        <MenuItem value="enabled">begin at once</MenuItem>
        <MenuItem value="paused">wait until this is set back</MenuItem>
        <MenuItem value="disabled">are refused</MenuItem>
      </TextField>
      <FormControlLabel control={<Switch checked={triggered} onChange={(event) => setTriggered(event.target.checked)} />} label="Runs by itself, as the file’s triggers say" />
      <Variables rows={variables} onChange={setVariables} withOverride />
      {save.isError && <Failure error={save.error} />}
      <Box sx={{ display: "flex", alignItems: "center", gap: 2 }}>
        <Button type="submit" variant="contained" loading={save.isPending}>
          Save
        </Button>
        {save.isSuccess && (
          <Typography role="status" color="textSecondary">
            Saved
          </Typography>
        )}
      </Box>
      <Section title="Delete">
        <Typography sx={{ mb: 1 }}>The pipeline goes, and its runs cannot be reached by it any more. The file and what runs have made stay.</Typography>
        <Button variant="outlined" color="error" onClick={() => setRemoving(true)}>
          Delete this pipeline
        </Button>
      </Section>
      <Dialog open={removing} onClose={() => setRemoving(false)} aria-labelledby="remove-title">
        <DialogTitle id="remove-title">Delete pipeline {definition.name}?</DialogTitle>
        <DialogContent>
          <Typography>Pushes no longer start it. Branch policies that ask for it will wait for ever.</Typography>
          {remove.isError && <Failure error={remove.error} />}
        </DialogContent>
        <DialogActions>
          <Button color="inherit" onClick={() => setRemoving(false)}>
            Keep it
          </Button>
          <Button color="error" variant="contained" loading={remove.isPending} onClick={() => remove.mutate()}>
            Delete pipeline
          </Button>
        </DialogActions>
      </Dialog>
    </Box>
  );
}
