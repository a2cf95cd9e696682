import { Box, Button, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { queries } from "../../api/queries";
import type { Hop } from "../../api/types";
import { ArmLink } from "../../ui/ArmLink";
import { Code } from "../../ui/Code";
import { Failure, Link, Loading } from "../../ui/Page";
import { mono } from "../../theme/theme";
import { EventList } from "../../ui/EventList";

// What stands at a station: links, the object itself, its events.
export function HopDetail({ hop }: { hop: Hop }) {
  const link = hop.link ?? {};
  return (
    <Box sx={{ display: "grid", gap: 1 }}>
      {!link.armId && (
        <Typography variant="body2" color="textSecondary" sx={{ fontFamily: mono, overflowWrap: "anywhere" }}>
          {hop.subject}
        </Typography>
      )}
      {link.taskId && (
        <Link to="/runs/$taskId" params={{ taskId: link.taskId }}>
          Open the run with its log
        </Link>
      )}
      {link.repository && (
        <Typography variant="body2" sx={{ overflowWrap: "anywhere" }}>
          {link.repository}
          {link.files && ` · ${link.files.join(", ")}`}
        </Typography>
      )}
      {link.pullRequest && (
        <Link
          to="/pullrequests/$org/$project/$repo/$id"
          params={{ org: link.pullRequest.organization, project: link.pullRequest.project, repo: link.pullRequest.repository, id: link.pullRequest.id }}
        >
          Open pull request {link.pullRequest.id}
        </Link>
      )}
      {link.run && (
        <Link to="/runs/$org/$project/$buildId" params={{ org: link.run.organization, project: link.run.project, buildId: link.run.build }}>
          Open run {link.run.build} with its log
        </Link>
      )}
      {link.application && (
        <Link to="/applications/$namespace/$name" params={link.application}>
          Open the Application
        </Link>
      )}
      {link.armId && (
        <Typography variant="body2">
          <ArmLink id={link.armId} />
        </Typography>
      )}
      {link.apiVersion && link.kind && link.name && hop.state !== "deleted" && (
        <ObjectPane apiVersion={link.apiVersion} kind={link.kind} namespace={link.namespace} name={link.name} />
      )}
    </Box>
  );
}

function ObjectPane(which: { apiVersion: string; kind: string; namespace?: string; name: string }) {
  const [open, setOpen] = useState(false);
  const object = useQuery({ ...queries.object(which), enabled: open });
  return (
    <Box>
      <Button size="small" variant="outlined" onClick={() => setOpen(!open)} aria-expanded={open}>
        {open ? "Hide the object" : "Show the object and its events"}
      </Button>
      {open && (
        <Box sx={{ mt: 1.5, display: "grid", gap: 2 }}>
          {object.isPending && <Loading rows={3} />}
          {object.isError && <Failure error={object.error} />}
          {object.data && (
            <>
              <EventList events={object.data.events} />
              <Code text={object.data.yaml} label={`${which.kind} ${which.name} as YAML`} />
            </>
          )}
        </Box>
      )}
    </Box>
  );
}
