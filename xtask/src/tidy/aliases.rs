//! Functions that are called by their alias `live` (docs/adr/0027): a new version takes their traffic only once the alias
//! names it. A caller of the function itself would get the code that was deployed last.

use std::collections::{BTreeMap, BTreeSet};

use local::template::{ALIAS, invoked, resources, resources_by_name};
use serde_json::{Value, json};

/// The functions of the sale path: those without which nobody can buy.
const SALE_PATH: [&str; 13] = [
    "capture-payment",
    "create-cart",
    "get-cart",
    "get-order",
    "get-product",
    "handle-payment-event",
    // Without its fields of addresses there is no checkout.
    "list-countries",
    "list-products",
    "place-order",
    "receive-payment-event",
    "relay-events",
    "remove-cart-line",
    "set-cart-line",
];

/// The variable that differs with each deployment. Nobody reads it: without it a function would not differ from
/// its last version, and Lambda would publish none.
pub(super) const RELEASE: &str = "RELEASE";

/// Checks the templates by their paths.
pub(super) fn check(templates: &BTreeMap<String, Value>, findings: &mut Vec<String>) {
    let mut missing: BTreeSet<&str> = SALE_PATH.into();
    for (path, template) in templates {
        for (id, resource) in resources_by_name(template) {
            if resource["Type"] != "AWS::Serverless::Function" {
                continue;
            }
            let properties = &resource["Properties"];
            let binary = resource["Metadata"]["BuildProperties"]["Binary"].as_str();
            let on_path = SALE_PATH.iter().find(|name| Some(**name) == binary);
            match &properties["AutoPublishAlias"] {
                Value::Null => {
                    if let Some(name) = on_path {
                        findings.push(format!(
                            "{path}: {name} is on the sale path and has no AutoPublishAlias"
                        ));
                    }
                }
                alias => published(path, id, alias, properties, findings),
            }
            if let Some(name) = on_path {
                missing.remove(name);
            }
        }
        callers(path, template, findings);
    }
    for name in missing {
        findings.push(format!(
            "xtask/src/tidy/aliases.rs: no template has {name} of the sale path"
        ));
    }
    urls(templates, findings);
}

/// A version is published for every change: of the code, of the template, and of the values of parameters, which SAM does not
/// see when it decides.
fn published(path: &str, id: &str, alias: &Value, properties: &Value, findings: &mut Vec<String>) {
    let release = json!({ "Ref": "Release" });
    let wanted = [
        ("AutoPublishAlias: live", *alias == "live"),
        (
            "AutoPublishAliasAllProperties: true",
            properties["AutoPublishAliasAllProperties"] == true,
        ),
        (
            "VersionDescription: !Ref Release",
            properties["VersionDescription"] == release,
        ),
        (
            "the variable RELEASE: !Ref Release",
            properties["Environment"]["Variables"][RELEASE] == release,
        ),
    ];
    for (property, is_there) in wanted {
        if !is_there {
            findings.push(format!("{path}: {id} has an alias, and lacks {property}"));
        }
    }
}

/// Integrations, permissions and triggers of a template name the alias of a function that has one.
fn callers(path: &str, template: &Value, findings: &mut Vec<String>) {
    let aliased: BTreeSet<&str> = resources_by_name(template)
        .filter(|(_, it)| !it["Properties"]["AutoPublishAlias"].is_null())
        .map(|(id, _)| id)
        .collect();
    for (id, resource) in resources_by_name(template) {
        let properties = &resource["Properties"];
        let callee = match resource["Type"].as_str().unwrap_or_default() {
            "AWS::ApiGatewayV2::Integration" => &properties["IntegrationUri"],
            "AWS::Lambda::Permission" | "AWS::Lambda::EventSourceMapping" => {
                &properties["FunctionName"]
            }
            _ => continue,
        };
        let Some(function) = invoked(callee) else {
            continue;
        };
        let by_alias = callee["Ref"] == format!("{function}{ALIAS}");
        if aliased.contains(function) != by_alias {
            let name = if by_alias {
                "which has none"
            } else {
                "as it has one"
            };
            findings.push(format!(
                "{path}: {id} must {}call {function} by its alias, {name}",
                if by_alias { "not " } else { "" }
            ));
        }
        // Or the API would call an alias that it may not call yet.
        if by_alias
            && resource["Type"] == "AWS::ApiGatewayV2::Integration"
            && resource["DependsOn"] != format!("{function}Permission")
        {
            findings.push(format!(
                "{path}: {id} needs DependsOn: {function}Permission"
            ));
        }
    }
}

/// Function URLs and their permissions are those of the alias.
fn urls(templates: &BTreeMap<String, Value>, findings: &mut Vec<String>) {
    let all = templates.iter();
    for (path, resource) in all.flat_map(|(path, it)| resources(it).map(move |it| (path, it))) {
        let properties = &resource["Properties"];
        let is_by_alias = match resource["Type"].as_str().unwrap_or_default() {
            "AWS::Lambda::Url" => properties["Qualifier"] == "live",
            // Those that are given an ARN from another stack.
            "AWS::Lambda::Permission" if properties["Principal"] == "cloudfront.amazonaws.com" => {
                let name = properties["FunctionName"]["Fn::Sub"].as_str();
                name.is_some_and(|name| name.ends_with(":live"))
            }
            _ => continue,
        };
        if !is_by_alias {
            findings.push(format!(
                "{path}: a function URL, or the permission to call one, is not that of the alias live"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use local::template::load_all;

    use super::*;

    fn templates() -> BTreeMap<String, Value> {
        load_all(&local::project::root()).unwrap()
    }

    fn findings(templates: &BTreeMap<String, Value>) -> Vec<String> {
        let mut findings = Vec::new();
        check(templates, &mut findings);
        findings
    }

    /// Kind of fault: callers of the function itself get a version that nobody has let through.
    #[test]
    fn whatever_calls_the_sale_path_calls_the_alias() {
        let templates = templates();
        assert_eq!(findings(&templates), Vec::<String>::new());
        let cart = "functions/cart/template.yaml";
        let of_url = "infra/edge.yaml";
        let stream = "functions/operations/template.yaml";
        let broken: [(&str, &str, Value); 9] = [
            (cart, "/CreateCart/Properties/AutoPublishAlias", Value::Null),
            (
                cart,
                "/CreateCart/Properties/AutoPublishAliasAllProperties",
                Value::Null,
            ),
            (
                cart,
                "/CreateCart/Properties/VersionDescription",
                json!("always the same"),
            ),
            (
                cart,
                "/CreateCart/Properties/Environment/Variables/RELEASE",
                Value::Null,
            ),
            (
                cart,
                "/CreateCartIntegration/Properties/IntegrationUri",
                json!({ "Fn::GetAtt": "CreateCart.Arn" }),
            ),
            (cart, "/CreateCartIntegration/DependsOn", Value::Null),
            (
                cart,
                "/CreateCartPermission/Properties/FunctionName",
                json!({ "Ref": "CreateCart" }),
            ),
            (
                stream,
                "/RelayEventsTrigger/Properties/FunctionName",
                json!({ "Ref": "RelayEvents" }),
            ),
            (of_url, "/GetProductUrl/Properties/Qualifier", Value::Null),
        ];
        for (path, place, value) in broken {
            let mut changed = templates.clone();
            let template = changed.get_mut(path).unwrap();
            *template["Resources"].pointer_mut(place).unwrap() = value;
            assert!(!findings(&changed).is_empty(), "{place}");
        }
        let mut gone = templates.clone();
        gone.remove(cart);
        assert_eq!(findings(&gone).len(), 4, "{:?}", findings(&gone));
        // A function without an alias is not called by one.
        let mut other = templates;
        let health = "/Resources/HealthIntegration/Properties/IntegrationUri";
        let template = other.get_mut(stream).unwrap();
        *template.pointer_mut(health).unwrap() = json!({ "Ref": "Health.Alias" });
        assert!(!findings(&other).is_empty());
    }
}
