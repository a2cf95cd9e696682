use super::*;

#[test]
fn a_plan_with_every_kind_of_change() {
    let text = r#"{"format_version":"1.2","terraform_version":"1.11.4","resource_changes":[
      {"address":"azurerm_resource_group.a","type":"azurerm_resource_group","name":"a","change":{"actions":["create"],"before":null,
        "after":{"name":"orders","location":"westeurope","tags":{"owner":"team"},"timeouts":null},"after_unknown":{"id":true,"tags":{}},"before_sensitive":false,"after_sensitive":{"tags":{}}}},
      {"address":"azurerm_postgresql_flexible_server.b","type":"azurerm_postgresql_flexible_server","name":"b","change":{"actions":["update"],
        "before":{"sku":"S","pw":"old","storage":[{"size":1,"tier":"x"}],"zones":["1"]},"after":{"sku":"M","pw":"new","storage":[{"size":2,"tier":"x"}],"zones":["1","2"]},
        "after_unknown":{},"before_sensitive":{"pw":true},"after_sensitive":{"pw":true}}},
      {"address":"azurerm_resource_group.c","type":"azurerm_resource_group","name":"c","action_reason":"replace_because_cannot_update","change":{"actions":["delete","create"],
        "before":{"name":"old","location":"x"},"after":{"name":"new","location":"x"},"after_unknown":{"id":true},"replace_paths":[["name"]]}},
      {"address":"a.same","type":"a","name":"same","change":{"actions":["no-op"],"before":{},"after":{}}},
      {"address":"a.gone","type":"a","name":"gone","change":{"actions":["delete"],"before":{"x":1},"after":null}}],
      "output_changes":{"id":{"actions":["create"],"before":null,"after":"v","after_unknown":false},"pw":{"actions":["update"],"before":"a","after":"b","before_sensitive":true,"after_sensitive":true}}}"#;
    let summary = plan_summary(text).unwrap();
    assert_eq!((summary.create, summary.update, summary.delete), (2, 1, 2));
    let shown = serde_json::to_string_pretty(&summary).unwrap();
    assert!(!shown.contains("\"old\",\n          \"after\": \"new\",\n          \"unknown\": false,\n          \"sensitive\": true"));
    insta::assert_snapshot!("plan", shown);
}

#[test]
fn what_is_no_plan_is_an_error() {
    assert!(plan_summary("no").is_err());
    assert_eq!(plan_summary("{}").unwrap(), PlanSummary::default());
}
