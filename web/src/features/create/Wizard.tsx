import { Alert, Box, Button, Step, StepLabel, Stepper, Typography } from "@mui/material";
import Form from "@rjsf/mui";
import type { IChangeEvent } from "@rjsf/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useMemo, useRef, useState } from "react";
import { queries } from "../../api/queries";
import type { JsonObject, ParameterSchema } from "../../api/types";
import { Failure, Loading, Page } from "../../ui/Page";
import { When } from "../../ui/When";
import { dropDraft, readDraft, writeDraft } from "./draft";
import { FIELD_NAMES, FIELDS } from "./fields";
import { Review } from "./Review";
import { formPage } from "./schema";
import { TEMPLATES } from "./templates";
import { validator } from "./validator";

const route = getRouteApi("/create/$namespace/$name");

export function Wizard() {
  const { namespace, name } = route.useParams();
  const schema = useQuery(queries.parameterSchema(namespace, name));
  return (
    <Page title={schema.data?.title ?? name} crumbs={[{ label: "Create", to: "/create" }]} below={schema.data?.description}>
      {schema.isPending && <Loading />}
      {schema.isError && <Failure error={schema.error} retry={() => void schema.refetch()} />}
      {schema.data && <Steps entityRef={`template:${namespace}/${name}`} schema={schema.data} />}
    </Page>
  );
}

// Values given in the address (`?formData={…}`, as Backstage has it) come before a draft.
function prefilled(): JsonObject | null {
  const text = new URLSearchParams(window.location.search).get("formData");
  if (text === null) {
    return null;
  }
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return null;
  }
}

function Steps({ entityRef, schema }: { entityRef: string; schema: ParameterSchema }) {
  const pages = useMemo(() => schema.steps.map((step) => formPage(step, FIELD_NAMES)), [schema]);
  const secretNames = useMemo(() => new Set(pages.flatMap((page) => page.secrets)), [pages]);
  const [draft] = useState(() => (prefilled() ? null : readDraft(entityRef)));
  const [values, setValues] = useState<JsonObject>(() => prefilled() ?? draft?.values ?? {});
  const [restored, setRestored] = useState(draft !== null && Object.keys(draft.values).length > 0);
  const { step: wanted = 1 } = route.useSearch();
  const navigate = route.useNavigate();
  const step = Math.min(wanted, pages.length + 1);
  const heading = useRef<HTMLHeadingElement>(null);
  const go = (next: number) => {
    void navigate({ search: (old) => ({ ...old, step: next }) });
    setTimeout(() => heading.current?.focus(), 50);
  };
  const change = (event: IChangeEvent) => {
    const next = { ...values, ...(event.formData as JsonObject) };
    setValues(next);
    writeDraft(entityRef, Object.fromEntries(Object.entries(next).filter(([key]) => !secretNames.has(key))));
  };
  const startOver = () => {
    dropDraft(entityRef);
    setValues({});
    setRestored(false);
    go(1);
  };
  const page = pages[step - 1];
  return (
    <Box sx={{ maxWidth: step > pages.length ? 1100 : 720 }}>
      <Stepper activeStep={step - 1} sx={{ mb: 3, display: { xs: "none", sm: "flex" } }}>
        {[...pages.map((item) => item.title), "Review"].map((title) => (
          <Step key={title}>
            <StepLabel>{title}</StepLabel>
          </Step>
        ))}
      </Stepper>
      {restored && draft && step <= pages.length && (
        <Alert severity="info" variant="outlined" sx={{ mb: 2 }} action={<Button color="inherit" size="small" onClick={startOver}>Start over</Button>}>
          Your draft was kept (saved <When at={draft.savedAt} />).
        </Alert>
      )}
      <Typography variant="h2" component="h2" ref={heading} tabIndex={-1} sx={{ mb: 0.5, outline: "none" }}>
        {page ? page.title : "Review"}
      </Typography>
      {page ? (
        <>
          {page.description && (
            <Typography color="textSecondary" sx={{ mb: 1 }}>
              {page.description}
            </Typography>
          )}
          {page.unknown.length > 0 && (
            <Alert severity="warning" variant="outlined" sx={{ my: 1 }}>
              No such field is installed here, so these are plain inputs: {page.unknown.join(", ")}
            </Alert>
          )}
          <Form
            id="wizard"
            schema={page.schema}
            uiSchema={page.uiSchema}
            formData={values}
            validator={validator}
            fields={FIELDS}
            templates={TEMPLATES}
            showErrorList={false}
            noHtml5Validate
            liveValidate="onBlur"
            onChange={change}
            onSubmit={() => go(step + 1)}
            onError={() => undefined}
            focusOnFirstError
          />
          <Box sx={{ display: "flex", gap: 1, mt: 3 }}>
            {step > 1 && (
              <Button variant="outlined" onClick={() => go(step - 1)}>
                Back
              </Button>
            )}
            <Button type="submit" form="wizard" variant="contained">
              {step === pages.length ? "Review" : "Next"}
            </Button>
          </Box>
        </>
      ) : (
        <Review
          entityRef={entityRef}
          title={schema.title}
          pages={pages}
          values={values}
          secretNames={secretNames}
          onBack={() => go(pages.length)}
          onEdit={(at) => go(at)}
          onCreated={() => dropDraft(entityRef)}
        />
      )}
    </Box>
  );
}
