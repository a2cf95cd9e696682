import { Box, Button, Checkbox, Dialog, DialogActions, DialogContent, DialogTitle, FormControlLabel, MenuItem, TextField } from "@mui/material";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { devops } from "../../api/devops";
import type { RepositoryPlace } from "../../api/devopsTypes";
import { Failure } from "../../ui/Page";

// Asks for a branch to be merged into another.
export function NewPullRequest({
  place,
  source,
  target,
  title: proposed,
  branches,
  onClose,
}: {
  place: RepositoryPlace;
  source: string;
  target: string;
  title: string;
  branches: string[];
  onClose: () => void;
}) {
  const navigate = useNavigate();
  const [title, setTitle] = useState(proposed);
  const [description, setDescription] = useState("");
  const [into, setInto] = useState(target);
  const [isDraft, setIsDraft] = useState(false);
  const create = useMutation({
    mutationFn: () =>
      devops.createPullRequest(place, { sourceRefName: `refs/heads/${source}`, targetRefName: `refs/heads/${into}`, title: title.trim(), description, isDraft }),
    onSuccess: (request) =>
      void navigate({
        to: "/pullrequests/$org/$project/$repo/$id",
        params: { org: place.organization, project: place.project ?? "", repo: place.repository, id: String(request.pullRequestId) },
        search: { host: new URLSearchParams(window.location.search).get("host") ?? undefined },
      }),
  });
  return (
    <Dialog open onClose={onClose} fullWidth maxWidth="sm" aria-labelledby="new-request">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate();
        }}
      >
        <DialogTitle id="new-request">Open a pull request from {source}</DialogTitle>
        <DialogContent sx={{ display: "grid", gap: 2 }}>
          <TextField label="Title" value={title} autoFocus required onChange={(event) => setTitle(event.target.value)} sx={{ mt: 1 }} />
          <TextField label="Description" value={description} multiline minRows={4} onChange={(event) => setDescription(event.target.value)} helperText="What it does, and why; Markdown is shown as such." />
          <TextField label="Into" select value={into} onChange={(event) => setInto(event.target.value)}>
            {branches
              .filter((branch) => branch !== source)
              .map((branch) => (
                <MenuItem key={branch} value={branch}>
                  {branch}
                </MenuItem>
              ))}
          </TextField>
          <FormControlLabel control={<Checkbox size="small" checked={isDraft} onChange={(event) => setIsDraft(event.target.checked)} />} label="As a draft: not ready to be merged yet" />
          {create.isError && (
            <Box>
              <Failure error={create.error} />
            </Box>
          )}
        </DialogContent>
        <DialogActions>
          <Button color="inherit" onClick={onClose}>
            Leave
          </Button>
          <Button type="submit" variant="contained" disabled={title.trim() === "" || into === ""} loading={create.isPending}>
            Open pull request
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
