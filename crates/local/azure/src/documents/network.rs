use serde_json::Value;

use super::configuration::SECURE_TRANSPORT;
use crate::postgresql::access::Network;
use crate::store::Resource;

/// Who may connect, from a server's document and its children.
pub(crate) fn network(body: &Value, children: &[Resource]) -> Network {
    let properties = &body["properties"];
    let network = &properties["network"];
    let is = |value: &Value, word: &str| value.as_str().is_some_and(|text| text.eq_ignore_ascii_case(word));
    let rules = children
        .iter()
        .filter(|child| child.visible && child.kind.ends_with("/firewallrules"));
    let secure = children
        .iter()
        .find(|child| child.name().eq_ignore_ascii_case(SECURE_TRANSPORT));
    Network {
        public: !is(&network["publicNetworkAccess"], "Disabled"),
        private: network["delegatedSubnetResourceId"].is_string(),
        passwords: !is(&properties["authConfig"]["passwordAuth"], "Disabled"),
        secure_only: !secure.is_some_and(|setting| setting.property("value").eq_ignore_ascii_case("off")),
        rules: rules
            .filter_map(|rule| {
                let first = rule.property("startIpAddress").parse().ok()?;
                Some((first, rule.property("endIpAddress").parse().ok()?))
            })
            .collect(),
    }
}
