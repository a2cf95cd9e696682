//! `${NAME}` in a Composition, where there is no such thing.

use pave_composite::Finding;
use pave_diagnostic::{Diagnostic, Fix};

use super::Check;
use crate::edit::{Edits, offer};
use crate::pointer;

impl Check<'_> {
    /// Says what the literal would become, and which patch was meant.
    pub(super) fn literal(&self, finding: &Finding) -> Diagnostic {
        let subject = &self.composed.subject;
        let text = subject.str(&finding.pointer);
        let field = self.meant_field(text);
        let inner = self.inner_path(&finding.pointer);
        let is_name = inner
            .as_deref()
            .is_some_and(|path| pointer::steps(path).last().is_some_and(|last| last == "name"));
        let effect = if is_name {
            format!("`{text}` is sent as it stands, and is no valid name")
        } else {
            format!("`{text}` itself arrives at the provider")
        };
        let mut diagnostic = Diagnostic::error(
            "PV1329",
            format!("literal `{text}`: a Composition has no interpolation"),
        )
        .with_label(subject.value_label(&finding.pointer))
        .with_effect(effect);
        let wanted = field.clone().unwrap_or_else(|| "spec.<field>".to_owned());
        let format = to_format(text);
        diagnostic.help = Some(match (&inner, format.as_str()) {
            (Some(path), "%s") if self.is_patched(&finding.pointer, path) => {
                format!("remove it: the patch from `{wanted}` to `{path}` already sets it")
            }
            (Some(path), "%s") => format!("use a patch from `{wanted}` to `{path}`"),
            (Some(path), format) => {
                format!("use a CombineFromComposite patch of `{wanted}` with fmt `{format}` to `{path}`")
            }
            (None, _) => "use a patch of type FromCompositeFieldPath or CombineFromComposite".to_owned(),
        });
        let fix = inner
            .zip(field)
            .and_then(|(path, field)| self.to_patch(&finding.pointer, &path, &field, &format));
        offer(diagnostic, fix)
    }

    /// The path within the base.
    fn inner_path(&self, place: &str) -> Option<String> {
        let base = self
            .templates()
            .map(|template| format!("{}/base", template.pointer))
            .find(|base| place.starts_with(base.as_str()))?;
        Some(pointer::to_path(&place[base.len()..]))
    }

    fn is_patched(&self, place: &str, path: &str) -> bool {
        let template = self
            .templates()
            .find(|template| place.starts_with(template.pointer.as_str()));
        template.is_some_and(|template| {
            template
                .patches
                .iter()
                .any(|patch| patch.target.to_string() == path)
        })
    }

    /// The field of the XRD that `${DB_NAME}` means: the one that is spelled alike.
    fn meant_field(&self, text: &str) -> Option<String> {
        let open = text.find("${")?;
        let name = text[open + 2..].split('}').next()?;
        let plain = |word: &str| {
            word.chars()
                .filter(char::is_ascii_alphanumeric)
                .collect::<String>()
                .to_lowercase()
        };
        let schema = self.defined?.composite_schema().property(&["spec"])?;
        let names: Vec<String> = schema.property_names().into_iter().map(str::to_owned).collect();
        names
            .into_iter()
            .find(|field| plain(field) == plain(name))
            .map(|field| format!("spec.{field}"))
    }

    /// Takes the literal out and puts a patch in.
    fn to_patch(&self, place: &str, path: &str, field: &str, format: &str) -> Option<Fix> {
        let subject = &self.composed.subject;
        let template = self
            .templates()
            .find(|template| place.starts_with(template.pointer.as_str()))?;
        let edits = Edits::of(subject);
        let title = format!("patch `{field}` to `{path}`");
        let only_child = subject.document.node(pointer::parent(place))?.entries().len() == 1;
        let is_secret = path.starts_with("spec.writeConnectionSecretToRef");
        // An emptied mapping would be null, which is another thing.
        let edits = match (only_child, is_secret) {
            (true, true) => edits.replace_entry(place, &["namespace: crossplane-system".to_owned()]),
            (true, false) => return None,
            (false, _) => edits.remove(place),
        };
        if format == "%s" && self.is_patched(place, path) {
            return edits.fix(format!("remove it: the patch from `{field}` sets it"));
        }
        let lines: Vec<String> = if format == "%s" {
            vec![
                format!("  - fromFieldPath: {field}"),
                format!("    toFieldPath: {path}"),
            ]
        } else {
            vec![
                "  - type: CombineFromComposite".to_owned(),
                "    combine:".to_owned(),
                "      strategy: string".to_owned(),
                "      string:".to_owned(),
                format!("        fmt: {format}"),
                "      variables:".to_owned(),
                format!("        - fromFieldPath: {field}"),
                format!("    toFieldPath: {path}"),
            ]
        };
        let patches = format!("{}/patches", template.pointer);
        if subject.entry(&patches).is_some() {
            edits.insert_after(&patches, &lines).fix(title)
        } else {
            let lines: Vec<String> = std::iter::once("patches:".to_owned()).chain(lines).collect();
            edits
                .insert_after(&format!("{}/base", template.pointer), &lines)
                .fix(title)
        }
    }
}

/// `db-conn-${DB_NAME}` as `db-conn-%s`.
fn to_format(text: &str) -> String {
    let mut format = String::new();
    let mut rest = text;
    while let Some(open) = rest.find("${") {
        format.push_str(&rest[..open].replace('%', "%%"));
        format.push_str("%s");
        rest = rest[open..].split_once('}').map_or("", |(_, after)| after);
    }
    format + &rest.replace('%', "%%")
}
