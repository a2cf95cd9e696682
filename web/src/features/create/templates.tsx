import { Box, FormControl, Typography } from "@mui/material";
import { type FieldTemplateProps, type ObjectFieldTemplateProps, type TemplatesType, errorId, helpId, titleId } from "@rjsf/utils";

// Under each field one line of explanation, and what is wrong with it before that.
function FieldTemplate({ id, children, hidden, displayLabel, rawErrors = [], rawHelp, rawDescription, required, fieldPathId }: FieldTemplateProps) {
  if (hidden) {
    return <Box sx={{ display: "none" }}>{children}</Box>;
  }
  const words = [rawDescription, typeof rawHelp === "string" ? rawHelp : ""].filter(Boolean).join(" ");
  return (
    <FormControl id={`${id}__field`} fullWidth error={rawErrors.length > 0} required={required} sx={{ mb: displayLabel ? 2.5 : 0 }}>
      {children}
      {displayLabel && rawErrors.length > 0 && (
        <Box id={errorId(fieldPathId)} role="alert" sx={{ mt: 0.5, overflowWrap: "anywhere", color: "state.failed", fontSize: "0.8125rem" }}>
          {[...new Set(rawErrors)].map((error) => (
            <Box key={error}>{sentence(error)}</Box>
          ))}
        </Box>
      )}
      {displayLabel && words && (
        <Typography id={helpId(fieldPathId)} variant="body2" color="textSecondary" sx={{ mt: 0.5 }}>
          {words}
        </Typography>
      )}
    </FormControl>
  );
}

// The page has its title already; only nested objects carry one of their own.
function ObjectFieldTemplate({ title, description, properties, fieldPathId }: ObjectFieldTemplateProps) {
  const nested = fieldPathId.path.length > 0;
  return (
    <Box
      {...(nested && title && { role: "group", "aria-labelledby": titleId(fieldPathId) })}
      sx={{ mt: nested ? 0 : 2, ...(nested && { pl: 2, borderLeft: "2px solid var(--mui-palette-divider)", mb: 2 }) }}
    >
      {nested && title && (
        <Typography variant="h3" id={titleId(fieldPathId)} sx={{ mb: 1.5 }}>
          {title}
        </Typography>
      )}
      {nested && description && (
        <Typography variant="body2" color="textSecondary" sx={{ mb: 1.5 }}>
          {description}
        </Typography>
      )}
      {properties.map((property) => property.content)}
    </Box>
  );
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

export const TEMPLATES: Partial<TemplatesType> = { FieldTemplate, ObjectFieldTemplate };
