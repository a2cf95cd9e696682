import { Autocomplete, TextField } from "@mui/material";
import type { FieldProps, RegistryFieldsType } from "@rjsf/utils";
import { useQuery } from "@tanstack/react-query";
import { queries } from "../../api/queries";
import type { Entity } from "../../api/types";

// Backstage's own field extensions, as far as the catalog can answer them.

interface PickerOptions {
  allowArbitraryValues?: boolean;
  catalogFilter?: Record<string, string> | Record<string, string>[];
  allowedKinds?: string[];
  defaultKind?: string;
}

function refOf(entity: Entity): string {
  return `${entity.kind.toLowerCase()}:${entity.metadata.namespace ?? "default"}/${entity.metadata.name}`;
}

function Picker({ props, choices, loading, free }: { props: FieldProps; choices: string[]; loading: boolean; free: boolean }) {
  const { schema, formData, required, onChange, fieldPathId, rawErrors, uiSchema, name } = props;
  const help = rawErrors?.length ? rawErrors.join("; ") : ((uiSchema?.["ui:help"] as string | undefined) ?? schema.description);
  return (
    <Autocomplete<string, false, false, boolean>
      freeSolo={free}
      autoSelect={free}
      options={choices}
      loading={loading}
      value={(formData as string | undefined) ?? null}
      onChange={(_, value) => onChange(value ?? undefined, fieldPathId.path)}
      sx={{ mb: 2.5 }}
      renderInput={(params) => (
        <TextField
          {...params}
          id={fieldPathId.$id}
          label={schema.title ?? name}
          required={required}
          error={Boolean(rawErrors?.length)}
          helperText={help}
        />
      )}
    />
  );
}

function MyGroupsPicker(props: FieldProps) {
  const session = useQuery(queries.session());
  const known = useQuery(queries.entities({ filter: ["kind=group"], order: "metadata.name,asc", limit: 500 }));
  // Those of the person come first; for the others the cluster's rules decide, and the review says so.
  const own = (session.data?.principal.groups ?? []).map((group) => `group:default/${group}`);
  const others = (known.data?.items ?? []).map(refOf).filter((ref) => !own.includes(ref));
  return <Picker props={props} choices={[...own, ...others]} loading={session.isPending || known.isPending} free={false} />;
}

function entityPicker(kinds?: string[]) {
  return function EntityPicker(props: FieldProps) {
    const options = (props.uiSchema?.["ui:options"] ?? {}) as PickerOptions;
    const wanted = kinds ?? options.allowedKinds;
    const filters = [options.catalogFilter ?? {}].flat().map((filter) =>
      Object.entries(filter)
        .map(([key, value]) => `${key}=${value}`)
        .join(","),
    );
    const filter = wanted ? [wanted.map((kind) => `kind=${kind}`).join(",")] : filters.filter((part) => part !== "");
    const entities = useQuery(queries.entities({ filter, order: "metadata.name,asc", limit: 500 }));
    return (
      <Picker
        props={props}
        choices={(entities.data?.items ?? []).map(refOf)}
        loading={entities.isPending}
        free={options.allowArbitraryValues !== false}
      />
    );
  };
}

export const FIELDS: RegistryFieldsType = {
  MyGroupsPicker,
  EntityPicker: entityPicker(),
  OwnerPicker: entityPicker(["Group", "User"]),
};

export const FIELD_NAMES: ReadonlySet<string> = new Set(Object.keys(FIELDS));
