import { Box, Button, Table, TableBody, TableCell, TableHead, TableRow, Typography } from "@mui/material";
import { useState } from "react";
import type { CloudObject, CloudResource, Entity } from "../../api/types";
import { flattened, isArmId, kindOfArm, placeOfArm } from "../../lib/arm";
import { mono } from "../../theme/theme";
import { ArmLink } from "../../ui/ArmLink";
import { CopyButton } from "../../ui/Code";
import { Facts } from "../../ui/Facts";
import { Link, Loading, Section } from "../../ui/Page";
import { TableBox } from "../../ui/TableBox";
import { EntityLink } from "../entity/EntityLink";

type Row = [string, React.ReactNode];

export function About({ id, resource, entity, isPending }: { id: string; resource: CloudObject | undefined; entity: Entity | undefined; isPending: boolean }) {
  const owner = entity?.relations?.find((relation) => relation.type === "ownedBy")?.targetRef;
  const tags = Object.entries(resource?.tags ?? {});
  const rows: Row[] = [
    ["Owner", owner ? <EntityLink entityRef={owner} /> : "nobody that the catalog knows"],
    ...(entity ? [["In the catalog", <EntityLink key="entity" entityRef={`resource:${entity.metadata.namespace ?? "default"}/${entity.metadata.name}`} />] as Row] : []),
    ...(resource?.location ? [["Location", resource.location] as Row] : []),
    ["Tags", tags.length === 0 ? "none" : <Tags tags={tags} />],
    [
      "Id",
      <Box key="id" sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", columnGap: 1 }}>
        <Box component="code" sx={{ overflowWrap: "anywhere" }}>
          {resource?.id ?? id}
        </Box>
        <CopyButton text={resource?.id ?? id} label="Copy the id" />
      </Box>,
    ],
  ];
  return <Section title="About">{isPending ? <Loading rows={4} /> : <Facts rows={rows} />}</Section>;
}

function Tags({ tags }: { tags: [string, string][] }) {
  return (
    <Box component="ul" sx={{ listStyle: "none", m: 0, p: 0 }}>
      {tags.map(([name, value]) => (
        <li key={name}>
          <code>
            {name}={value}
          </code>
        </li>
      ))}
    </Box>
  );
}

const FEW = 16;

export function Properties({ resource }: { resource: CloudObject }) {
  const [all, setAll] = useState(false);
  const rows = [...flattened(resource.sku, "sku"), ...flattened(resource.properties)];
  if (rows.length === 0) {
    return null;
  }
  const shown = all ? rows : rows.slice(0, FEW);
  return (
    <Section title="Properties">
      <Facts
        rows={shown.map(([name, value]) => [
          name,
          isArmId(value) ? (
            <ArmLink key={name} id={value} />
          ) : (
            <Box key={name} component="span" sx={{ fontFamily: mono, fontSize: "0.8125rem" }}>
              {value}
            </Box>
          ),
        ])}
      />
      {rows.length > FEW && (
        <Button size="small" color="inherit" onClick={() => setAll(!all)} aria-expanded={all} sx={{ mt: 1, ml: -0.5 }}>
          {all ? "Show fewer" : `Show all ${rows.length}`}
        </Button>
      )}
    </Section>
  );
}

const PAGE = 100;

export function Children({ id, cloud }: { id: string; cloud: CloudResource }) {
  const [count, setCount] = useState(PAGE);
  if (cloud.children.length === 0 && placeOfArm(id)?.type !== "") {
    return null;
  }
  return (
    <Section title="What lies in it">
      {cloud.children.length === 0 ? (
        <Typography color="textSecondary">Nothing yet.</Typography>
      ) : (
        <TableBox label="What lies in it">
          <Table size="small">
            <TableHead>
              <TableRow>
                <TableCell>Name</TableCell>
                <TableCell>Kind</TableCell>
                <TableCell>Location</TableCell>
              </TableRow>
            </TableHead>
            <TableBody>
              {cloud.children.slice(0, count).map((child) => (
                <TableRow key={child.id} hover>
                  <TableCell>
                    <ArmLink id={child.id}>{child.name ?? placeOfArm(child.id)?.name ?? child.id}</ArmLink>
                  </TableCell>
                  <TableCell>{kindOfArm(child.id)}</TableCell>
                  <TableCell>{child.location ?? "–"}</TableCell>
                </TableRow>
              ))}
            </TableBody>
          </Table>
        </TableBox>
      )}
      {cloud.children.length > count && (
        <Button size="small" color="inherit" onClick={() => setCount(count + PAGE)} sx={{ mt: 1 }}>
          Show {Math.min(PAGE, cloud.children.length - count)} more of {cloud.children.length}
        </Button>
      )}
      <Typography variant="body2" color="textSecondary" sx={{ mt: 1 }}>
        As Azure Resource Manager tells it to you. Owners stand in the{" "}
        <Link to="/catalog" search={{ kind: "resource" }} underline="always">
          catalog
        </Link>
        .
      </Typography>
    </Section>
  );
}
