import { Autocomplete, Box, Button, Checkbox, Dialog, DialogActions, DialogContent, DialogTitle, FormControlLabel, FormGroup, FormLabel, MenuItem, TextField, Typography } from "@mui/material";
import { useMutation, useQuery } from "@tanstack/react-query";
import { builds } from "../../api/builds";
import { buildQueries } from "../../api/buildQueries";
import type { Check, DeployEnvironment } from "../../api/buildTypes";
import { queries, queryClient } from "../../api/queries";
import { type CheckForm, type CheckKind, CHECKS, checkOf, DAYS, emptyForm, formOf, limit, troubleOf } from "../../lib/checks";
import { useKept } from "../../lib/kept";
import { Failure } from "../../ui/Page";
import { PeoplePicker } from "../../ui/PeoplePicker";
import type { Somewhere } from "./place";

const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
const ZONES = ["UTC", ...Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC")];
const LIMITS = [60, 480, 1440, 10_080, 43_200];

// One check, new or changed. What was typed outlives the dialog until it is saved or thrown away.
export function CheckDialog({ somewhere, environment, kind, check, onClose }: { somewhere: Somewhere; environment: DeployEnvironment; kind: CheckKind; check?: Check; onClose: () => void }) {
  const { place } = somewhere;
  const people = useQuery(queries.people());
  const [typed, setTyped] = useKept<CheckForm>(["check", place.host, somewhere.projectId, environment.id, check?.id ?? kind]);
  const form = typed ?? (check ? formOf(check, kind, people.data?.items ?? [], ZONE) : emptyForm(kind, ZONE));
  const change = (more: Partial<CheckForm>) => setTyped({ ...form, ...more });
  const save = useMutation({
    mutationFn: () => {
      const body = checkOf(form, { type: "environment", id: String(environment.id), name: environment.name }, check);
      return check ? builds.changeCheck(place, check.id, body) : builds.addCheck(place, body);
    },
    onSuccess: () => {
      setTyped(undefined);
      onClose();
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: buildQueries.checks(place, environment.id).queryKey }),
  });
  const trouble = troubleOf(form);
  const discard = () => {
    setTyped(undefined);
    onClose();
  };
  return (
    <Dialog open onClose={onClose} fullWidth maxWidth="sm" aria-labelledby="check-title">
      <form onSubmit={(event) => (event.preventDefault(), trouble === undefined && save.mutate())}>
        <DialogTitle id="check-title">
          {CHECKS[kind].title} for {environment.name}
        </DialogTitle>
        <DialogContent>
          <Box sx={{ display: "grid", gap: 2, pt: 1 }}>
            {kind === "approval" && <Approval form={form} onChange={change} />}
            {kind === "branches" && <Branches form={form} onChange={change} />}
            {kind === "hours" && <Hours form={form} onChange={change} />}
            {kind === "lock" && (
              <Typography>
                A stage that uses {environment.name} waits until no other run uses it. Which waiting run goes next, the file decides by <code>lockBehavior</code>.
              </Typography>
            )}
            {kind !== "lock" && kind !== "branches" && (
              <TextField select label="Time limit" value={form.timeout} onChange={(event) => change({ timeout: Number(event.target.value) })} helperText="After it the stage fails." sx={{ maxWidth: 240 }}>
                {[...new Set([...LIMITS, form.timeout])].sort((left, right) => left - right).map((minutes) => (
                  <MenuItem key={minutes} value={minutes}>
                    {limit(minutes)}
                  </MenuItem>
                ))}
              </TextField>
            )}
            {save.isError && <Failure error={save.error} />}
          </Box>
        </DialogContent>
        <DialogActions sx={{ flexWrap: "wrap" }}>
          <Typography variant="body2" color="textSecondary" role="status" sx={{ flex: trouble === undefined ? 1 : "1 1 200px" }}>
            {trouble}
          </Typography>
          <Button color="inherit" onClick={discard}>
            Cancel
          </Button>
          <Button type="submit" variant="contained" disabled={trouble !== undefined} loading={save.isPending}>
            {check ? "Save check" : "Add check"}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

interface Part {
  form: CheckForm;
  onChange: (more: Partial<CheckForm>) => void;
}

function Approval({ form, onChange }: Part) {
  const most = Math.max(1, form.approvers.length);
  return (
    <>
      <PeoplePicker
        label="Approvers"
        value={form.approvers}
        onChange={(approvers) => onChange({ approvers, minimum: Math.min(form.minimum, Math.max(1, approvers.length)) })}
        helperText="Of a group, one member speaks for all of it."
        autoFocus
      />
      <TextField select label="How many have to approve" value={form.minimum >= most && most > 1 ? 0 : form.minimum} onChange={(event) => onChange({ minimum: Number(event.target.value) })} sx={{ maxWidth: 240 }}>
        <MenuItem value={0}>everybody named</MenuItem>
        {Array.from({ length: most === 1 ? 1 : most - 1 }, (_, at) => (
          <MenuItem key={at} value={at + 1}>
            at least {at + 1}
          </MenuItem>
        ))}
      </TextField>
      <FormGroup>
        <FormControlLabel control={<Checkbox size="small" checked={form.inSequence} onChange={(event) => onChange({ inSequence: event.target.checked })} />} label="One after the other, in the order above" />
        <FormControlLabel control={<Checkbox size="small" checked={form.requesterMayNot} onChange={(event) => onChange({ requesterMayNot: event.target.checked })} />} label="Whoever started the run may not approve it" />
      </FormGroup>
      <TextField label="Instructions" value={form.instructions} multiline minRows={2} maxRows={8} onChange={(event) => onChange({ instructions: event.target.value })} helperText="Shown to approvers: what to look at before they say yes." />
    </>
  );
}

function Branches({ form, onChange }: Part) {
  return (
    <>
      <TextField label="Allowed branches" value={form.branches} autoFocus required onChange={(event) => onChange({ branches: event.target.value })} helperText="Separated by commas; * stands for any characters, as in release/*." />
      <FormControlLabel control={<Checkbox size="small" checked={form.mustBeProtected} onChange={(event) => onChange({ mustBeProtected: event.target.checked })} />} label="Only if a branch policy guards the branch" />
    </>
  );
}

function Hours({ form, onChange }: Part) {
  return (
    <>
      <Box component="fieldset" sx={{ border: 0, p: 0, m: 0 }}>
        <FormLabel component="legend">Days</FormLabel>
        <FormGroup row>
          {DAYS.map((day) => (
            <FormControlLabel
              key={day}
              control={<Checkbox size="small" checked={form.days.includes(day)} onChange={(event) => onChange({ days: event.target.checked ? [...form.days, day] : form.days.filter((one) => one !== day) })} />}
              label={day}
            />
          ))}
        </FormGroup>
      </Box>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 2 }}>
        <TextField type="time" label="From" required value={form.start} onChange={(event) => onChange({ start: event.target.value })} slotProps={{ inputLabel: { shrink: true } }} sx={{ flex: "1 1 120px" }} />
        <TextField type="time" label="To" required value={form.end} onChange={(event) => onChange({ end: event.target.value })} slotProps={{ inputLabel: { shrink: true } }} sx={{ flex: "1 1 120px" }} />
        <Autocomplete disableClearable autoHighlight options={ZONES.includes(form.zone) ? ZONES : [form.zone, ...ZONES]} value={form.zone} onChange={(_, zone) => onChange({ zone })} renderInput={(params) => <TextField {...params} label="Time zone" />} sx={{ flex: "2 1 200px" }} />
      </Box>
    </>
  );
}
