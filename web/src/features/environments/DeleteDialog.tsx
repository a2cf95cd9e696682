import { Box, Button, Dialog, DialogActions, DialogContent, DialogTitle, TextField, Typography } from "@mui/material";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api } from "../../api/client";
import type { EnvironmentDetail } from "../../api/types";
import { Failure } from "../../ui/Page";

// Lists what goes, and wants the name typed: data in a deleted database does not come back.
export function DeleteDialog({ environment, open, onClose }: { environment: EnvironmentDetail; open: boolean; onClose: () => void }) {
  const navigate = useNavigate();
  const [typed, setTyped] = useState("");
  const { namespace, name } = environment;
  const remove = useMutation({
    mutationFn: () => api.deleteEnvironment(namespace, name),
    onSuccess: ({ road }) => {
      onClose();
      void navigate({ to: "/roads/$road", params: { road } });
    },
  });
  return (
    <Dialog open={open} onClose={onClose} aria-labelledby="delete-title" maxWidth="sm" fullWidth>
      <DialogTitle id="delete-title">
        Delete {namespace}/{name}?
      </DialogTitle>
      <DialogContent>
        <Typography>
          This commits the removal of {environment.source ? <code>{environment.source.path}</code> : "its file"}. What follows:
        </Typography>
        <Box component="ul" sx={{ pl: 3, my: 1.5 }}>
          {environment.deleteEffects.map((effect) => (
            <Typography component="li" key={effect}>
              {effect}
            </Typography>
          ))}
        </Box>
        <Typography color="textSecondary" sx={{ mb: 2 }}>
          Reverting the commit brings the environment back, but with an empty database. To keep the database, set{" "}
          <code>deletionPolicy: Orphan</code> on it first.
        </Typography>
        <TextField
          label={`Type ${name} to confirm`}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          autoComplete="off"
          autoFocus
        />
        {remove.isError && (
          <Box sx={{ mt: 2 }}>
            <Failure error={remove.error} />
          </Box>
        )}
      </DialogContent>
      <DialogActions>
        <Button color="inherit" onClick={onClose}>
          Keep it
        </Button>
        <Button color="error" variant="contained" disabled={typed !== name} loading={remove.isPending} onClick={() => remove.mutate()}>
          Delete environment
        </Button>
      </DialogActions>
    </Dialog>
  );
}
