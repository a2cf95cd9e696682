import { Box, Button, Dialog, DialogActions, DialogContent, DialogTitle, Typography } from "@mui/material";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "../../api/client";
import { queries } from "../../api/queries";
import type { CatalogLocation } from "../../api/types";
import { Failure, Loading } from "../../ui/Page";

const SHOWN = 20;

// Says what leaves the catalog before it does. The files stay, so registering the address again brings it all back.
export function RemoveLocation({ location, onClose }: { location: CatalogLocation; onClose: () => void }) {
  const client = useQueryClient();
  const held = useQuery(
    queries.entities({
      filter: [`metadata.annotations.backstage.io/managed-by-origin-location=url:${location.target}`],
      order: "metadata.name,asc",
      limit: SHOWN,
      fields: "kind,metadata.name,metadata.namespace",
    }),
  );
  const remove = useMutation({
    mutationFn: () => api.removeLocation(location.id),
    onSuccess: () => {
      onClose();
      return Promise.all(["entities", "facets", "locations", "entity"].map((key) => client.invalidateQueries({ queryKey: [key] })));
    },
  });
  const total = held.data?.totalItems ?? 0;
  return (
    <Dialog open onClose={onClose} aria-labelledby="remove-title" fullWidth maxWidth="sm">
      <DialogTitle id="remove-title">Remove this location?</DialogTitle>
      <DialogContent>
        <Typography sx={{ overflowWrap: "anywhere", mb: 2 }}>{location.target}</Typography>
        {held.isPending && <Loading rows={2} />}
        {held.isError && <Failure error={held.error} />}
        {held.data && (
          <>
            <Typography>
              {total === 0 ? "No entity leaves the catalog." : total === 1 ? "One entity leaves the catalog:" : `${total} entities leave the catalog:`}
            </Typography>
            <Box component="ul" sx={{ my: 1, pl: 3 }}>
              {held.data.items.map((entity) => (
                <li key={`${entity.kind} ${entity.metadata.name}`}>
                  {entity.kind} {entity.metadata.namespace ?? "default"}/{entity.metadata.name}
                </li>
              ))}
              {total > SHOWN && <li>and {total - SHOWN} more</li>}
            </Box>
            <Typography color="textSecondary">Files, repositories and what runs stay as they are. To undo it, register the address again.</Typography>
          </>
        )}
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
        <Button variant="contained" color="error" disabled={held.isPending} loading={remove.isPending} onClick={() => remove.mutate()}>
          Remove location
        </Button>
      </DialogActions>
    </Dialog>
  );
}
