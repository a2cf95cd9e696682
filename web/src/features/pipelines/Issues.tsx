import { Box, Button, Typography } from "@mui/material";
import { useState } from "react";
import type { Build, TimelineRecord } from "../../api/buildTypes";
import type { Place } from "../../api/devopsTypes";
import { cleanPath } from "../../lib/gitversion";
import type { Finding } from "../../lib/run";
import { mono } from "../../theme/theme";
import { Link } from "../../ui/Page";
import { StateShape } from "../../ui/StateMark";
import { repositoryLink } from "../repositories/place";

const FEW = 4;

// Errors and warnings of all steps, with the line of the log and the place in the code.
export function Issues({ findings, build, place, isFirst, onOpen }: { findings: Finding[]; build: Build; place: Place; isFirst: boolean; onOpen: (record: TimelineRecord, line: number | undefined) => void }) {
  const [all, setAll] = useState(false);
  const [open, setOpen] = useState(false);
  if (findings.length === 0) {
    return null;
  }
  // Where all went well, warnings do not stand before the steps.
  if (build.result === "succeeded" && findings.every((finding) => finding.issue.type === "warning")) {
    return (
      <Box sx={{ mb: 2 }}>
        <Button size="small" color="inherit" aria-expanded={open} onClick={() => setOpen(!open)} startIcon={<StateShape state="degraded" size={14} />} sx={{ ml: -0.5, mb: open ? 1 : 0 }}>
          {findings.length === 1 ? "1 warning" : `${findings.length} warnings`}
        </Button>
        {open && <List findings={findings} {...{ build, place, isFirst, onOpen, all, setAll }} />}
      </Box>
    );
  }
  return <List findings={findings} {...{ build, place, isFirst, onOpen, all, setAll }} />;
}

interface ListProps {
  findings: Finding[];
  build: Build;
  place: Place;
  isFirst: boolean;
  onOpen: (record: TimelineRecord, line: number | undefined) => void;
  all: boolean;
  setAll: (all: boolean) => void;
}

function List({ findings, build, place, isFirst, onOpen, all, setAll }: ListProps) {
  const shown = all ? findings : findings.slice(0, FEW);
  return (
    <Box component="section" aria-label="Errors and warnings" sx={{ mb: 2 }}>
      <Box component="ul" sx={{ listStyle: "none", m: 0, p: 0, border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper" }}>
        {shown.map((finding, index) => (
          <Box component="li" key={index} sx={{ display: "flex", gap: 1, px: 1.5, py: 0.75, borderTop: index > 0 ? 1 : 0, borderColor: "divider" }}>
            <Box sx={{ pt: 0.4 }}>
              <StateShape state={finding.issue.type === "error" ? "failed" : "degraded"} size={14} />
            </Box>
            <Box sx={{ minWidth: 0 }}>
              <Typography sx={{ overflowWrap: "anywhere" }}>
                <Box component="span" sx={{ position: "absolute", left: -9999 }}>
                  {finding.issue.type}:{" "}
                </Box>
                <Clamped text={finding.issue.message} />
              </Typography>
              <Typography variant="body2" color="textSecondary" component="div" sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", columnGap: 1.5 }}>
                {finding.record.log ? (
                  <Button size="small" onClick={() => onOpen(finding.record, finding.line)} sx={{ p: 0, minWidth: 0, minHeight: "24px !important", fontWeight: 450 }}>
                    {finding.record.name}
                    {finding.line && `, line ${finding.line}`}
                  </Button>
                ) : (
                  <span>{finding.record.name}</span>
                )}
                {finding.place && <Place finding={finding} build={build} place={place} isFirst={isFirst} />}
              </Typography>
            </Box>
          </Box>
        ))}
      </Box>
      {findings.length > FEW && !all && (
        <Button size="small" color="inherit" onClick={() => setAll(true)} sx={{ mt: 0.5 }}>
          Show all {findings.length}
        </Button>
      )}
    </Box>
  );
}

function Clamped({ text }: { text: string }) {
  const [open, setOpen] = useState(false);
  const isLong = text.length > 220;
  return (
    <>
      {isLong && !open ? `${text.slice(0, 200)}… ` : text}{" "}
      {isLong && (
        <Button size="small" color="inherit" onClick={() => setOpen(!open)} sx={{ p: 0, minWidth: 0, minHeight: "24px !important", color: "text.secondary" }}>
          {open ? "less" : "more"}
        </Button>
      )}
    </>
  );
}

// A path within the repository leads to the file as it was built.
function Place({ finding, build, place, isFirst }: { finding: Finding; build: Build; place: Place; isFirst: boolean }) {
  const path = cleanPath(finding.path);
  const isInside = build.repository?.name && !finding.path?.startsWith("/");
  const text = (
    <Box component="span" sx={{ fontFamily: mono, overflowWrap: "anywhere" }}>
      {finding.place}
    </Box>
  );
  if (!isInside) {
    return text;
  }
  const link = repositoryLink({ ...place, repository: build.repository?.name ?? "" }, isFirst);
  return (
    <Link {...link} sx={{ display: "inline-flex", alignItems: "center", minHeight: 24 }} search={{ ...link.search, path, version: `GC${build.sourceVersion}`, line: finding.at }}>
      {text}
    </Link>
  );
}
