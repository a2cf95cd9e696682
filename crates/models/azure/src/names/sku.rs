use super::NameError;

/// A size of a flexible server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sku {
    /// Name as ARM wants it: `Standard_B1ms`.
    pub name: &'static str,
    /// `Burstable`, `GeneralPurpose` or `MemoryOptimized`.
    pub tier: &'static str,
    /// Virtual cores.
    pub cores: u16,
    /// Memory per core in MB.
    pub memory_per_core: u32,
}

const fn sku(name: &'static str, tier: &'static str, cores: u16, memory_per_core: u32) -> Sku {
    Sku {
        name,
        tier,
        cores,
        memory_per_core,
    }
}

const BURSTABLE: &str = "Burstable";
const GENERAL: &str = "GeneralPurpose";
const MEMORY: &str = "MemoryOptimized";

/// The sizes that the local capabilities document lists. Others of the same families are accepted too.
pub const FLEXIBLE_SERVER_SKUS: &[Sku] = &[
    sku("Standard_B1ms", BURSTABLE, 1, 2048),
    sku("Standard_B2s", BURSTABLE, 2, 2048),
    sku("Standard_B2ms", BURSTABLE, 2, 4096),
    sku("Standard_B4ms", BURSTABLE, 4, 4096),
    sku("Standard_B8ms", BURSTABLE, 8, 4096),
    sku("Standard_D2s_v3", GENERAL, 2, 4096),
    sku("Standard_D4s_v3", GENERAL, 4, 4096),
    sku("Standard_D8s_v3", GENERAL, 8, 4096),
    sku("Standard_D2ds_v5", GENERAL, 2, 4096),
    sku("Standard_D4ds_v5", GENERAL, 4, 4096),
    sku("Standard_D8ds_v5", GENERAL, 8, 4096),
    sku("Standard_E2s_v3", MEMORY, 2, 8192),
    sku("Standard_E4s_v3", MEMORY, 4, 8192),
    sku("Standard_E2ds_v5", MEMORY, 2, 8192),
    sku("Standard_E4ds_v5", MEMORY, 4, 8192),
    sku("Standard_E8ds_v5", MEMORY, 8, 8192),
];

/// The tier that a size belongs to, by its family letter; `None` if it is no size at all.
#[must_use]
pub fn sku_tier(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let mut size = name.strip_prefix("standard_")?.chars();
    let tier = match size.next()? {
        'b' => BURSTABLE,
        'd' => GENERAL,
        'e' | 'm' => MEMORY,
        _ => return None,
    };
    size.next()?.is_ascii_digit().then_some(tier)
}

/// Checks that a size exists and belongs to the tier that was asked for.
pub fn check_sku(name: &str, tier: Option<&str>) -> Result<(), NameError> {
    let Some(belongs) = sku_tier(name) else {
        let names = FLEXIBLE_SERVER_SKUS.iter().map(|known| known.name);
        let help = match pave_diagnostic::nearest(name, names) {
            Some(nearest) => format!("write `{nearest}`"),
            None => "write the size and not azurerm's short form, such as `Standard_B1ms`".to_owned(),
        };
        return Err(NameError::new(
            "sku",
            name,
            "is not a size of a flexible server",
            help,
        ));
    };
    match tier {
        Some(tier) if !tier.eq_ignore_ascii_case(belongs) => {
            let problem = format!("belongs to tier `{belongs}`, not `{tier}`");
            Err(NameError::new(
                "sku",
                name,
                &problem,
                format!("write `tier: {belongs}`"),
            ))
        }
        _ => Ok(()),
    }
}
