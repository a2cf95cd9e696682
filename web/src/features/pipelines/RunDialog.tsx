import { Autocomplete, Box, Button, Checkbox, Dialog, DialogActions, DialogContent, DialogTitle, FormControlLabel, MenuItem, TextField } from "@mui/material";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { builds } from "../../api/builds";
import { buildKey, buildQueries } from "../../api/buildQueries";
import type { Definition, Parameter, RunRequest } from "../../api/buildTypes";
import { devopsQueries } from "../../api/devopsQueries";
import type { Place } from "../../api/devopsTypes";
import { queryClient } from "../../api/queries";
import { shortRef } from "../../lib/gitversion";
import { isPlain, parametersIn, parametersOf, startText, valueOf } from "../../lib/pipelineFile";
import { Failure, Loading } from "../../ui/Page";
import { Refused } from "./Preview";
import { type VariableRow, Variables } from "./Variables";

// What a run needs to know: the branch, the file's parameters, variables.
export function RunDialog({ place, isFirst, definition, onClose }: { place: Place; isFirst: boolean; definition: Definition; onClose: () => void }) {
  const navigate = useNavigate();
  const repository = { ...place, repository: definition.repository?.name ?? "" };
  const refs = useQuery(devopsQueries.refs(repository, "heads/"));
  const branches = (refs.data ?? []).map((ref) => shortRef(ref.name));
  const [branch, setBranch] = useState(shortRef(definition.repository?.defaultBranch ?? "refs/heads/main"));
  const { parameters, isPending } = useParameters(place, definition, branch);
  const [typed, setTyped] = useState<Record<string, string>>({});
  const [variables, setVariables] = useState<VariableRow[]>(() => [
    ...Object.entries(definition.variables ?? {})
      .filter(([, variable]) => variable.allowOverride)
      .map(([name, variable]) => ({ name, value: variable.value ?? "", isSecret: variable.isSecret === true })),
  ]);
  const [tried, setTried] = useState(false);
  const textOf = (parameter: Parameter) => typed[parameter.name] ?? startText(parameter);
  const read = parameters.map((parameter) => ({ parameter, ...valueOf(parameter, textOf(parameter)) }));
  const run = useMutation({
    mutationFn: () => {
      const request: RunRequest = { resources: { repositories: { self: { refName: `refs/heads/${branch}` } } } };
      // What is left at its default is left to the file.
      const given = read.filter((one) => "value" in one && textOf(one.parameter) !== startText(one.parameter));
      request.templateParameters = Object.fromEntries(given.map((one) => [one.parameter.name, "value" in one ? one.value : undefined]));
      request.variables = Object.fromEntries(variables.filter((one) => one.name !== "" && !(one.isSecret && one.value === "")).map(({ name, value, isSecret }) => [name, { value, ...(isSecret && { isSecret }) }]));
      return builds.run(place, definition.id, request);
    },
    onSuccess: ({ id }) => {
      void queryClient.invalidateQueries({ queryKey: buildKey(place) });
      onClose();
      void navigate({ to: "/runs/$org/$project/$buildId", params: { org: place.organization, project: place.project ?? "", buildId: String(id) }, search: isFirst ? {} : { host: place.host } });
    },
  });
  const troubled = read.some((one) => "trouble" in one);
  const submit = () => {
    setTried(true);
    if (!troubled) {
      run.mutate();
    }
  };
  return (
    <Dialog open onClose={onClose} aria-labelledby="run-title" maxWidth="sm" fullWidth slotProps={{ paper: { component: "form", onSubmit: (event: React.FormEvent) => (event.preventDefault(), submit()) } }}>
      <DialogTitle id="run-title">Run {definition.name}</DialogTitle>
      <DialogContent>
        <Box sx={{ display: "grid", gap: 2, pt: 1 }}>
          <Autocomplete
            freeSolo
            disableClearable
            options={branches}
            value={branch}
            onInputChange={(_, value) => setBranch(value)}
            renderInput={(params) => <TextField {...params} label="Branch" required />}
          />
          {isPending && <Loading rows={2} />}
          {read.map((one) => (
            <ParameterField
              key={one.parameter.name}
              parameter={one.parameter}
              text={textOf(one.parameter)}
              trouble={tried && "trouble" in one ? one.trouble : undefined}
              onChange={(text) => setTyped((before) => ({ ...before, [one.parameter.name]: text }))}
            />
          ))}
          <Variables rows={variables} onChange={setVariables} />
          {run.isError && <Refused error={run.error} />}
          {refs.isError && <Failure error={refs.error} />}
        </Box>
      </DialogContent>
      <DialogActions>
        <Button color="inherit" onClick={onClose}>
          Cancel
        </Button>
        <Button type="submit" variant="contained" loading={run.isPending} disabled={branch === ""}>
          Run
        </Button>
      </DialogActions>
    </Dialog>
  );
}

// From the host where it tells them, otherwise from the file.
function useParameters(place: Place, definition: Definition, branch: string): { parameters: Parameter[]; isPending: boolean } {
  const preview = useQuery({ ...buildQueries.preview(place, definition.id, { resources: { repositories: { self: { refName: `refs/heads/${branch}` } } } }), enabled: branch !== "" });
  const told = parametersOf(preview.data);
  const repository = { ...place, repository: definition.repository?.name ?? "" };
  const path = `/${(definition.process?.yamlFilename ?? "").replace(/^\/+/, "")}`;
  const file = useQuery({ ...devopsQueries.text(repository, path, { type: "branch", name: branch }), enabled: !preview.isPending && told === undefined && path !== "/" && branch !== "", retry: false });
  return { parameters: told ?? parametersIn(file.data?.text ?? ""), isPending: preview.isPending && branch !== "" };
}

function ParameterField({ parameter, text, trouble, onChange }: { parameter: Parameter; text: string; trouble: string | undefined; onChange: (text: string) => void }) {
  const isBoolean = parameter.type.toLowerCase() === "boolean";
  if (isBoolean) {
    return <FormControlLabel control={<Checkbox checked={text === "true"} onChange={(event) => onChange(String(event.target.checked))} />} label={parameter.displayName} />;
  }
  const common = { label: parameter.displayName, value: text, error: trouble !== undefined, helperText: trouble, required: parameter.default === undefined, onChange: (event: { target: { value: string } }) => onChange(event.target.value) };
  if (parameter.values.length > 0) {
    return (
      <TextField select {...common}>
        {parameter.values.map((value) => (
          <MenuItem key={String(value)} value={String(value)}>
            {String(value)}
          </MenuItem>
        ))}
      </TextField>
    );
  }
  if (!isPlain(parameter)) {
    return <TextField {...common} multiline minRows={3} helperText={trouble ?? `JSON, of type ${parameter.type}`} />;
  }
  return <TextField {...common} slotProps={{ htmlInput: { inputMode: parameter.type.toLowerCase() === "number" ? "decimal" : undefined } }} />;
}
