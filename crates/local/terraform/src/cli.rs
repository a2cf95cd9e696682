//! Terraform's CLI configuration, so that `init` looks into the mirror for azurerm and to the registry for the rest.

use std::path::Path;

use hcl_edit::expr::Expression;
use hcl_edit::structure::{Attribute, Block, Body, Structure};
use hcl_edit::{Decorated, Ident};

use crate::TerraformError;
use crate::mirror::HOSTS;

/// The text of the configuration: the user's own, if there is one, with azurerm taken from the mirror.
///
/// Where the user's has a `provider_installation`, its methods keep what they do for every other provider.
pub fn cli_config(mirror: &Path, own: Option<&str>) -> Result<String, TerraformError> {
    let mut body: Body = own
        .unwrap_or_default()
        .parse()
        .map_err(|failure: hcl_edit::parser::Error| TerraformError::CliConfiguration(failure.to_string()))?;
    let mut found = false;
    for mut structure in &mut body {
        let Some(block) = structure.as_block_mut() else {
            continue;
        };
        if block.ident.as_str() == "provider_installation" {
            found = true;
            exclude_everywhere(&mut block.body);
            block
                .body
                .insert(0, method("filesystem_mirror", Some(mirror), "include"));
        }
    }
    if !found {
        let mut installation = Block::new(Ident::new("provider_installation"));
        installation
            .body
            .push(method("filesystem_mirror", Some(mirror), "include"));
        installation.body.push(method("direct", None, "exclude"));
        body.push(installation);
    }
    Ok(body.to_string())
}

fn method(name: &str, path: Option<&Path>, list: &str) -> Structure {
    let mut block = Block::new(Ident::new(name));
    if let Some(path) = path {
        let path = Expression::from(path.display().to_string());
        block.body.push(Attribute::new(Ident::new("path"), path));
    }
    block
        .body
        .push(Attribute::new(Ident::new(list), Expression::Array(names())));
    Structure::Block(block)
}

fn names() -> hcl_edit::expr::Array {
    let names = HOSTS.iter().map(|host| format!("{host}/hashicorp/azurerm"));
    names
        .map(|name| Expression::String(Decorated::new(name)))
        .collect()
}

/// Every other method leaves azurerm to the mirror.
fn exclude_everywhere(installation: &mut Body) {
    for mut structure in installation {
        let Some(method) = structure.as_block_mut() else {
            continue;
        };
        let old = method
            .body
            .get_attribute("exclude")
            .and_then(|attribute| attribute.value.as_array().cloned());
        let mut all = old.unwrap_or_default();
        for name in &names() {
            all.push(name.clone());
        }
        method.body.remove_attribute("exclude");
        method
            .body
            .push(Attribute::new(Ident::new("exclude"), Expression::Array(all)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(own: Option<&str>, expected: &[&str]) {
        let text = cli_config(Path::new("/var/lib/pave/terraform/mirror"), own).unwrap();
        let body: Body = text.parse().unwrap();
        assert_eq!(body.get_blocks("provider_installation").count(), 1, "{text}");
        let squeezed = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in expected {
            assert!(squeezed.contains(part), "{part} is not in:\n{text}");
        }
    }

    const BOTH: &str =
        "[ \"registry.terraform.io/hashicorp/azurerm\", \"registry.opentofu.org/hashicorp/azurerm\" ]";

    #[test]
    fn azurerm_comes_from_the_mirror_and_the_rest_from_where_it_came() {
        let both = BOTH.replace("[ ", "[").replace(" ]", "]");
        check(
            None,
            &[
                "path = \"/var/lib/pave/terraform/mirror\"",
                &format!("include = {both}"),
                &format!("exclude = {both}"),
            ],
        );
        check(
            Some("plugin_cache_dir = \"/tmp/cache\"\n"),
            &["plugin_cache_dir = \"/tmp/cache\"", "direct {"],
        );
        let own = "provider_installation {\n  network_mirror {\n    url = \"https://mirror.example/\"\n    exclude = [\"example.com/*/*\"]\n  }\n}\n";
        check(
            Some(own),
            &[
                "url = \"https://mirror.example/\"",
                "exclude = [\"example.com/*/*\",",
            ],
        );
    }

    #[test]
    fn what_is_no_hcl_is_refused() {
        assert!(cli_config(Path::new("/m"), Some("provider_installation {")).is_err());
    }
}
