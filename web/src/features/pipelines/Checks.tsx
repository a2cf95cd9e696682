import { Box, Button, ListItemText, Menu, MenuItem, Typography } from "@mui/material";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { builds } from "../../api/builds";
import { buildQueries } from "../../api/buildQueries";
import type { Check, DeployEnvironment } from "../../api/buildTypes";
import { queries, queryClient } from "../../api/queries";
import { type CheckKind, CHECKS, kindOf, titleOf, wordsOf } from "../../lib/checks";
import { Failure } from "../../ui/Page";
import { CheckDialog } from "./CheckDialog";
import type { Somewhere } from "./place";

// What an environment demands before a stage may use it.
export function Checks({ somewhere, environment }: { somewhere: Somewhere; environment: DeployEnvironment }) {
  const { place, host } = somewhere;
  const checks = useQuery({ ...buildQueries.checks(place, environment.id), retry: false });
  const people = useQuery({ ...queries.people(), enabled: host.shared });
  const [editing, setEditing] = useState<{ kind: CheckKind; check?: Check }>();
  return (
    <Box sx={{ pl: { xs: 0, sm: 2 } }}>
      {checks.isError && <Failure error={checks.error} retry={() => void checks.refetch()} />}
      {checks.data?.length === 0 && (
        <Typography variant="body2" color="textSecondary">
          No checks: every run that names it may begin at once.
        </Typography>
      )}
      <Box component="ul" aria-label={`Checks of ${environment.name}`} sx={{ listStyle: "none", m: 0, p: 0 }}>
        {checks.data?.map((check) => (
          <One key={check.id} somewhere={somewhere} environment={environment} check={check} words={wordsOf(check, people.data?.items)} onEdit={(kind) => setEditing({ kind, check })} />
        ))}
      </Box>
      {host.shared && <Add environment={environment} known={(checks.data ?? []).map(kindOf)} onAdd={(kind) => setEditing({ kind })} />}
      {editing && <CheckDialog somewhere={somewhere} environment={environment} {...editing} onClose={() => setEditing(undefined)} />}
    </Box>
  );
}

function One({ somewhere, environment, check, words, onEdit }: { somewhere: Somewhere; environment: DeployEnvironment; check: Check; words: string; onEdit: (kind: CheckKind) => void }) {
  const { place, host } = somewhere;
  const title = titleOf(check);
  const kind = kindOf(check);
  const [sure, setSure] = useState(false);
  const remove = useMutation({
    mutationFn: () => builds.removeCheck(place, check.id),
    onSettled: () => queryClient.invalidateQueries({ queryKey: buildQueries.checks(place, environment.id).queryKey }),
  });
  return (
    <Box component="li" sx={{ py: 0.25 }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", columnGap: 1 }}>
        <Typography variant="body2" sx={{ flex: "1 1 240px", minWidth: 0, overflowWrap: "anywhere" }}>
          <Box component="span" sx={{ fontWeight: 560 }}>
            {title}
          </Box>
          {check.isDisabled && " (switched off)"}
          {words !== "" && `: ${words}`}
        </Typography>
        {host.shared && kind && kind !== "lock" && (
          <Button size="small" color="inherit" onClick={() => onEdit(kind)} aria-label={`Edit ${title} of ${environment.name}`}>
            Edit
          </Button>
        )}
        {host.shared && (
          <Button size="small" color={sure ? "error" : "inherit"} loading={remove.isPending} onBlur={() => setSure(false)} onClick={() => (sure ? remove.mutate() : setSure(true))} aria-label={`${sure ? "Remove for good:" : "Remove"} ${title} of ${environment.name}`}>
            {sure ? "Remove for good" : "Remove"}
          </Button>
        )}
      </Box>
      {check.settings?.instructions && (
        <Typography variant="body2" color="textSecondary" sx={{ overflowWrap: "anywhere" }}>
          “{check.settings.instructions}”
        </Typography>
      )}
      {remove.isError && <Failure error={remove.error} />}
    </Box>
  );
}

function Add({ environment, known, onAdd }: { environment: DeployEnvironment; known: (CheckKind | undefined)[]; onAdd: (kind: CheckKind) => void }) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  return (
    <>
      <Button size="small" color="inherit" aria-haspopup="menu" aria-expanded={anchor !== null} aria-label={`Add check to ${environment.name}`} onClick={(event) => setAnchor(event.currentTarget)} sx={{ ml: -0.5 }}>
        Add check
      </Button>
      <Menu open={anchor !== null} anchorEl={anchor} onClose={() => setAnchor(null)}>
        {(Object.keys(CHECKS) as CheckKind[]).map((kind) => (
          <MenuItem
            key={kind}
            // Two locks lock no better than one.
            disabled={kind === "lock" && known.includes("lock")}
            onClick={() => {
              setAnchor(null);
              onAdd(kind);
            }}
          >
            <ListItemText secondary={CHECKS[kind].about}>{CHECKS[kind].title}</ListItemText>
          </MenuItem>
        ))}
      </Menu>
    </>
  );
}
