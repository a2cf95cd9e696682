use super::NameError;

/// A region of Azure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// Normalized name as ARM answers it: `westeurope`.
    pub name: &'static str,
    /// Name as people write it: `West Europe`.
    pub display_name: &'static str,
    /// Part of the world it is in.
    pub geography: &'static str,
}

const fn location(name: &'static str, display_name: &'static str, geography: &'static str) -> Location {
    Location {
        name,
        display_name,
        geography,
    }
}

/// The public regions in which flexible servers are offered.
pub const LOCATIONS: &[Location] = &[
    location("australiacentral", "Australia Central", "Asia Pacific"),
    location("australiaeast", "Australia East", "Asia Pacific"),
    location("australiasoutheast", "Australia Southeast", "Asia Pacific"),
    location("austriaeast", "Austria East", "Europe"),
    location("belgiumcentral", "Belgium Central", "Europe"),
    location("brazilsouth", "Brazil South", "South America"),
    location("canadacentral", "Canada Central", "Canada"),
    location("canadaeast", "Canada East", "Canada"),
    location("centralindia", "Central India", "Asia Pacific"),
    location("centralus", "Central US", "US"),
    location("chilecentral", "Chile Central", "South America"),
    location("eastasia", "East Asia", "Asia Pacific"),
    location("eastus", "East US", "US"),
    location("eastus2", "East US 2", "US"),
    location("francecentral", "France Central", "Europe"),
    location("francesouth", "France South", "Europe"),
    location("germanynorth", "Germany North", "Europe"),
    location("germanywestcentral", "Germany West Central", "Europe"),
    location("indonesiacentral", "Indonesia Central", "Asia Pacific"),
    location("israelcentral", "Israel Central", "Middle East"),
    location("italynorth", "Italy North", "Europe"),
    location("japaneast", "Japan East", "Asia Pacific"),
    location("japanwest", "Japan West", "Asia Pacific"),
    location("koreacentral", "Korea Central", "Asia Pacific"),
    location("koreasouth", "Korea South", "Asia Pacific"),
    location("malaysiawest", "Malaysia West", "Asia Pacific"),
    location("mexicocentral", "Mexico Central", "Mexico"),
    location("newzealandnorth", "New Zealand North", "Asia Pacific"),
    location("northcentralus", "North Central US", "US"),
    location("northeurope", "North Europe", "Europe"),
    location("norwayeast", "Norway East", "Europe"),
    location("norwaywest", "Norway West", "Europe"),
    location("polandcentral", "Poland Central", "Europe"),
    location("qatarcentral", "Qatar Central", "Middle East"),
    location("southafricanorth", "South Africa North", "Africa"),
    location("southafricawest", "South Africa West", "Africa"),
    location("southcentralus", "South Central US", "US"),
    location("southindia", "South India", "Asia Pacific"),
    location("southeastasia", "Southeast Asia", "Asia Pacific"),
    location("spaincentral", "Spain Central", "Europe"),
    location("swedencentral", "Sweden Central", "Europe"),
    location("swedensouth", "Sweden South", "Europe"),
    location("switzerlandnorth", "Switzerland North", "Europe"),
    location("switzerlandwest", "Switzerland West", "Europe"),
    location("uaecentral", "UAE Central", "Middle East"),
    location("uaenorth", "UAE North", "Middle East"),
    location("uksouth", "UK South", "Europe"),
    location("ukwest", "UK West", "Europe"),
    location("westcentralus", "West Central US", "US"),
    location("westeurope", "West Europe", "Europe"),
    location("westindia", "West India", "Asia Pacific"),
    location("westus", "West US", "US"),
    location("westus2", "West US 2", "US"),
    location("westus3", "West US 3", "US"),
];

/// The name that ARM answers for a location, however it was written: `West Europe` becomes `westeurope`.
#[must_use]
pub fn normalize_location(location: &str) -> String {
    location
        .chars()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect()
}

/// The name that people read for a location, however it was written.
#[must_use]
pub fn display_location(location: &str) -> Option<&'static str> {
    let normalized = normalize_location(location);
    LOCATIONS
        .iter()
        .find(|known| known.name == normalized)
        .map(|known| known.display_name)
}

/// Checks that a location is one in which resources can be made; any spelling is accepted.
pub fn check_location(location: &str) -> Result<(), NameError> {
    if display_location(location).is_some() {
        return Ok(());
    }
    let names = LOCATIONS.iter().map(|known| known.name);
    let help = match pave_diagnostic::nearest(&normalize_location(location), names) {
        Some(nearest) => format!("write `{nearest}`"),
        None => "write a region of Azure, such as `westeurope`".to_owned(),
    };
    Err(NameError::new(
        "location",
        location,
        "is not a location of Azure for this type",
        help,
    ))
}
