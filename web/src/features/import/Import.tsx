import { Box, Button, TextField } from "@mui/material";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { Page, Section } from "../../ui/Page";
import { FileResult } from "./FileResult";
import { address } from "./judge";
import { Locations } from "./Locations";
import { RepositoryResult } from "./RepositoryResult";

const route = getRouteApi("/catalog-import");

// The address that was analyzed stands in the page's own address, so that a result can be shared and gone back to.
export function Import() {
  const { url = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const [typed, setTyped] = useState(url);
  const [wrong, setWrong] = useState("");
  const [round, setRound] = useState(0);
  const found = address(url);
  const analyze = () => {
    const next = address(typed);
    if (next.leadsTo === "nothing") {
      setWrong(next.why);
      return;
    }
    setWrong("");
    setTyped(next.url);
    // Asked again on purpose: the file may have changed meanwhile.
    setRound(round + 1);
    void navigate({ search: { url: next.url } });
  };
  return (
    <Page
      title="Register existing component"
      crumbs={[{ label: "Create", to: "/create" }]}
      below="Bring what stands in a repository into the catalog. Nothing is registered before you have seen what it holds."
    >
      <Section title="Address">
        <Box
          component="form"
          noValidate
          sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "flex-start", maxWidth: 960 }}
          onSubmit={(event) => {
            event.preventDefault();
            analyze();
          }}
        >
          <TextField
            label="Address of a file or repository"
            type="url"
            required
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            error={wrong !== ""}
            helperText={wrong || "As the browser shows it, for example https://dev.azure.com/org/project/_git/repo?path=/catalog-info.yaml&version=GBmain"}
            slotProps={{ htmlInput: { "data-filter": true, autoComplete: "off", spellCheck: false }, formHelperText: { sx: { overflowWrap: "anywhere" } } }}
            sx={{ flex: "1 1 320px" }}
          />
          <Button type="submit" variant="contained" sx={{ minHeight: 40 }}>
            Analyze
          </Button>
        </Box>
      </Section>
      {found.leadsTo === "file" && <FileResult key={`${found.url} ${round}`} url={found.url} />}
      {found.leadsTo === "repository" && <RepositoryResult key={`${found.url} ${round}`} url={found.url} />}
      <Locations />
    </Page>
  );
}
