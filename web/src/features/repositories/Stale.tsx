import { Alert, AlertTitle, Box, Button } from "@mui/material";
import type { UseMutationResult } from "@tanstack/react-query";
import { words } from "../../api/errors";
import { TextDiff } from "../../ui/TextDiff";
import type { Beginning } from "./Editor";

// Somebody pushed meanwhile. What was typed stays where it is; the person decides what it goes on top of.
export function Stale({
  error,
  base,
  newest,
  path,
  onRebase,
}: {
  error: Error;
  base: Beginning;
  newest: UseMutationResult<Beginning, Error, void>;
  path: string;
  onRebase: (on: Beginning) => void;
}) {
  const now = newest.data;
  const untouched = now?.text === base.text;
  return (
    <Alert severity="warning" variant="outlined" sx={{ overflowWrap: "anywhere", "& .MuiAlert-message": { flex: 1, minWidth: 0 } }}>
      <AlertTitle>The branch has moved on since you opened this</AlertTitle>
      {words(error)} Nothing was committed, and your text is still above.
      <Box sx={{ mt: 1 }}>
        {!now && (
          <Button variant="outlined" size="small" color="inherit" loading={newest.isPending} onClick={() => newest.mutate()}>
            Look at what is there now, keeping my text
          </Button>
        )}
        {newest.isError && <Box>{words(newest.error)}</Box>}
        {now && untouched && (
          <>
            {now.head === base.head ? "The branch stands where it stood: the host refuses for another reason. " : "This file was not touched by what came in between. "}
            <Button variant="outlined" size="small" color="inherit" onClick={() => onRebase(now)}>
              Put my text on top of {now.head.slice(0, 8)}
            </Button>
          </>
        )}
        {now && !untouched && (
          <Box sx={{ display: "grid", gap: 1 }}>
            <span>Meanwhile, others changed this file like this. Take over what you need, then put your text on top:</span>
            <TextDiff before={base.text} after={now.text} path={path} />
            <Box>
              <Button variant="outlined" size="small" color="inherit" onClick={() => onRebase(now)}>
                My text replaces theirs, on top of {now.head.slice(0, 8)}
              </Button>
            </Box>
          </Box>
        )}
      </Box>
    </Alert>
  );
}
