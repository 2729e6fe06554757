//! Holds the stacks within what CloudFormation and API Gateway take, with room for many more functions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use local::{
    files::with_extension,
    outcome::Outcome,
    template::{Template, Trigger, invoked, load, load_all, resources},
};
use serde_json::Value;

use super::buckets;

/// Most resources of one template. CloudFormation takes 500; the rest is for what a stack grows by at once.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
const MAX_RESOURCES: usize = 400;
/// Routes of an HTTP API, and its integrations.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const MAX_ROUTES: usize = 300;
/// So many functions must fit without another layout.
const GROWTH: usize = 150;

/// Checks every template and prints how full the stacks are.
pub(super) fn check(root: &Path, template: &Template, findings: &mut Vec<String>) -> Outcome {
    let mut counts = BTreeMap::new();
    let documents = load_all(root)?;
    buckets::check(documents.values(), findings);
    for (path, document) in &documents {
        permissions(path, document, findings);
        own_logs(path, document, findings);
        dead_letters(path, document, findings);
        route_headers(path, document, template, findings);
        counts.insert(path.clone(), size(document));
    }
    throttles(&load(&root.join("template.yaml"))?, template, findings);
    forwarded_headers(
        root,
        &load(&root.join("infra/edge.yaml"))?,
        template,
        findings,
    )?;
    for (path, count) in &counts {
        if *count > MAX_RESOURCES {
            findings.push(format!(
                "{path} has {count} resources of {MAX_RESOURCES}: split its context in two"
            ));
        }
    }
    let functions = template.functions.len();
    let routes = template.routes();
    if routes > MAX_ROUTES {
        findings.push(format!(
            "{routes} routes of {MAX_ROUTES}: a second API is needed"
        ));
    }
    let grown = |count: usize| (count * GROWTH).div_ceil(functions.max(1));
    let (largest, most) = counts
        .iter()
        .max_by_key(|(_, count)| **count)
        .ok_or("there is no template")?;
    println!(
        "{} stacks, {functions} functions, {} resources; the largest stack is {largest} with {most} of \
         {MAX_RESOURCES}; {routes} routes and as many integrations of {MAX_ROUTES} each",
        counts.len(),
        counts.values().sum::<usize>(),
    );
    println!(
        "with {GROWTH} functions spread alike: {} resources in the largest stack, {} routes",
        grown(*most),
        grown(routes)
    );
    if grown(*most) > MAX_RESOURCES || grown(routes) > MAX_ROUTES {
        findings.push(format!("{GROWTH} functions would not fit: split {largest}"));
    }
    Ok(())
}

/// Resources of a template after SAM's transform.
fn size(template: &Value) -> usize {
    let globals = &template["Globals"]["Function"];
    let count = |resource: &Value| {
        if resource["Type"] != "AWS::Serverless::Function" {
            return 1;
        }
        let properties = &resource["Properties"];
        let has_alias = [globals, properties]
            .iter()
            .any(|source| !source["AutoPublishAlias"].is_null());
        let schedules = properties["Events"].as_object().map_or(0, |it| it.len());
        // The function and its role; a version and its alias; a rule and its permission for each schedule.
        2 + 2 * usize::from(has_alias) + 2 * schedules
    };
    resources(template).map(count).sum()
}

/// The API may call every function that has a route, by the name that the integration has: a permission for the function
/// does not allow to call its alias.
fn permissions(path: &str, template: &Value, findings: &mut Vec<String>) {
    let of = |kind: &'static str| resources(template).filter(move |it| it["Type"] == kind);
    for integration in of("AWS::ApiGatewayV2::Integration") {
        let uri = &integration["Properties"]["IntegrationUri"];
        let by_alias = uri["Ref"].as_str();
        let name = by_alias.or_else(|| invoked(uri));
        let allowed = of("AWS::Lambda::Permission").any(|permission| {
            let properties = &permission["Properties"];
            properties["FunctionName"]["Ref"].as_str() == name
                && properties["Principal"] == "apigateway.amazonaws.com"
        });
        if !allowed {
            findings.push(format!(
                "{path}: no AWS::Lambda::Permission lets the API call {}",
                name.unwrap_or("the function of an integration")
            ));
        }
    }
}

/// Every queue to which SQS moves what cannot be handled has an alarm that rings when a message waits there. Several queues may
/// share one.
fn dead_letters(path: &str, template: &Value, findings: &mut Vec<String>) {
    let of = |kind: &'static str| resources(template).filter(move |it| it["Type"] == kind);
    let targets: BTreeSet<&str> = of("AWS::SQS::Queue")
        .filter_map(|queue| {
            let target = &queue["Properties"]["RedrivePolicy"]["deadLetterTargetArn"];
            target["Fn::GetAtt"].as_str()?.strip_suffix(".Arn")
        })
        .collect();
    for target in targets {
        let name = format!("{target}.QueueName");
        let is_watched = of("AWS::CloudWatch::Alarm").any(|alarm| {
            let properties = &alarm["Properties"];
            let dimensions = properties["Dimensions"].as_array().into_iter().flatten();
            properties["MetricName"] == "ApproximateNumberOfMessagesVisible"
                && dimensions
                    .into_iter()
                    .any(|it| it["Value"]["Fn::GetAtt"] == name.as_str())
        });
        if !is_watched {
            findings.push(format!("{path}: no alarm tells of messages in {target}"));
        }
    }
}

/// Every route that writes or is for staff has a throttle of its own, and no throttle is for a route that is gone: the
/// stage could not be created.
fn throttles(root_template: &Value, template: &Template, findings: &mut Vec<String>) {
    let stage = &root_template["Resources"]["ApiStage"]["Properties"]["RouteSettings"];
    let named: BTreeSet<&str> = stage
        .as_object()
        .into_iter()
        .flat_map(|routes| routes.keys().map(String::as_str))
        .collect();
    let mut routes = BTreeSet::new();
    for trigger in template.functions.iter().flat_map(|it| &it.triggers) {
        if let Trigger::Route { method, path } = trigger {
            let key = format!("{method} {path}");
            let is_read = matches!(method.as_str(), "GET" | "HEAD") || path == "$default";
            if (!is_read || path.contains("/admin/")) && !named.contains(&*key) {
                findings.push(format!(
                    "template.yaml: ApiStage has no throttle for {key}; add it to its RouteSettings"
                ));
            }
            routes.insert(key);
        }
    }
    for key in named {
        if !routes.contains(key) {
            findings.push(format!(
                "template.yaml: ApiStage has a throttle for {key}, which is not a route"
            ));
        }
    }
}

/// Most headers of an origin request policy, by the quotas of CloudFront.
const MAX_FORWARDED: usize = 10;

/// The CDN forwards every header that functions read or that browsers may send.
fn forwarded_headers(
    root: &Path,
    edge: &Value,
    template: &Template,
    findings: &mut Vec<String>,
) -> Outcome {
    let policy = &edge["Resources"]["ApiOriginPolicy"]["Properties"]["OriginRequestPolicyConfig"];
    let origin = &policy["HeadersConfig"]["Headers"];
    let cache = &edge["Resources"]["ApiCachePolicy"]["Properties"]["CachePolicyConfig"];
    let cached = &cache["ParametersInCacheKeyAndForwardedToOrigin"]["HeadersConfig"]["Headers"];
    let headers = [origin, cached].into_iter().filter_map(Value::as_array);
    let headers = headers.flatten().filter_map(Value::as_str);
    let mut forwarded: BTreeSet<String> = headers.map(str::to_lowercase).collect();
    let most = origin.as_array().map_or(0, Vec::len);
    if most > MAX_FORWARDED {
        findings.push(format!(
            "infra/edge.yaml: ApiOriginPolicy has {most} headers of {MAX_FORWARDED}"
        ));
    }
    // The CDN compares it with what it has, and answers itself.
    forwarded.insert("if-none-match".to_owned());
    if policy["CookiesConfig"]["CookieBehavior"] == "all" {
        forwarded.insert("cookie".to_owned());
    }
    let mut wanted: BTreeSet<String> = template.cors.headers.iter().cloned().collect();
    for file in with_extension(&root.join("shared/runtime/src"), "rs")? {
        let source = fs::read_to_string(file)?;
        // Without its tests, whose events have headers, too.
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        for call in ["header(\"", "owned(\""] {
            let names = source.split(call).skip(1);
            wanted.extend(names.filter_map(|it| it.split('"').next().map(str::to_owned)));
        }
    }
    for header in wanted.difference(&forwarded) {
        findings.push(format!(
            "infra/edge.yaml: the CDN does not forward {header}; add it to ApiOriginPolicy"
        ));
    }
    Ok(())
}

/// Functions write the log group of their own stack only: SAM's policy allows every one of the account.
fn own_logs(path: &str, template: &Value, findings: &mut Vec<String>) {
    let globals = &template["Globals"]["Function"];
    let mut functions = resources(template).filter(|it| it["Type"] == "AWS::Serverless::Function");
    let bound = globals["PermissionsBoundary"]["Ref"].as_str();
    let Some(first) = functions.next() else {
        return;
    };
    let policy = &template["Resources"][bound.unwrap_or_default()]["Properties"]["PolicyDocument"];
    let statements = policy["Statement"].as_array().into_iter().flatten();
    let is_own = |statement: &Value| {
        statement["NotAction"] == "logs:*"
            || statement["Resource"]["Fn::GetAtt"]
                .as_str()
                .and_then(|group| group.strip_suffix(".Arn"))
                .is_some_and(|group| {
                    globals["LoggingConfig"]["LogGroup"]["Ref"].as_str() == Some(group)
                })
    };
    let is_overridden = [first]
        .into_iter()
        .chain(functions)
        .any(|it| !it["Properties"]["PermissionsBoundary"].is_null());
    if policy.is_null() || is_overridden || !statements.into_iter().all(is_own) {
        findings.push(format!(
            "{path}: its functions may write other log groups; bound them as functions/orders/template.yaml does"
        ));
    }
}

/// Where the CDN calls a function past the API, it names the route that the function has there.
fn route_headers(path: &str, value: &Value, template: &Template, findings: &mut Vec<String>) {
    let headers = value["OriginCustomHeaders"].as_array();
    let header = headers.and_then(|headers| {
        let mut headers = headers.iter();
        headers.find(|header| header["HeaderName"] == "stampede-route")
    });
    if let Some(header) = header {
        let function = template
            .functions
            .iter()
            .find(|function| value["Id"] == function.binary.as_str());
        let is_route = function.is_some_and(|function| {
            function.triggers.iter().any(|trigger| match trigger {
                Trigger::Route { method, path } => {
                    header["HeaderValue"] == format!("{method} {path}")
                }
                _ => false,
            })
        });
        if !is_route {
            findings.push(format!(
                "{path}: the origin {} names the route {}, which the function of that name does not have",
                value["Id"], header["HeaderValue"]
            ));
        }
    }
    match value {
        Value::Array(values) => {
            for value in values {
                route_headers(path, value, template, findings);
            }
        }
        Value::Object(values) => {
            for value in values.values() {
                route_headers(path, value, template, findings);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_function_counts_with_all_that_sam_makes_of_it() {
        let function = |properties: Value| json!({ "Resources": { "F": { "Type": "AWS::Serverless::Function", "Properties": properties } } });
        assert_eq!(size(&function(json!({}))), 2);
        assert_eq!(size(&function(json!({ "AutoPublishAlias": "live" }))), 4);
        let schedule = json!({ "Events": { "Daily": { "Type": "Schedule" } } });
        assert_eq!(size(&function(schedule)), 4);
        let mut global = function(json!({}));
        global["Globals"] = json!({ "Function": { "AutoPublishAlias": "live" } });
        assert_eq!(size(&global), 4);
    }

    // Kind of fault: two lists that must agree, in two files.
    #[test]
    fn the_cdn_forwards_and_the_stage_throttles_what_the_shop_has() {
        let root = local::project::root();
        let settings = local::template::Settings {
            stack_name: "test".into(),
            endpoint: "http://127.0.0.1:1".into(),
            parameters: BTreeMap::new(),
        };
        let template = Template::read(&root, &settings).unwrap();
        let stage = load(&root.join("template.yaml")).unwrap();
        let edge = load(&root.join("infra/edge.yaml")).unwrap();
        let mut findings = Vec::new();
        throttles(&stage, &template, &mut findings);
        forwarded_headers(&root, &edge, &template, &mut findings).unwrap();
        assert_eq!(findings, Vec::<String>::new());

        let mut stale = stage;
        let throttled = &mut stale["Resources"]["ApiStage"]["Properties"]["RouteSettings"];
        let orders = throttled.as_object_mut().unwrap().remove("POST /v1/orders");
        throttled["POST /v1/gone"] = orders.unwrap();
        let mut silent = edge;
        silent["Resources"]["ApiOriginPolicy"]["Properties"]["OriginRequestPolicyConfig"]["HeadersConfig"]
            ["Headers"] = json!(["content-type"]);
        throttles(&stale, &template, &mut findings);
        assert_eq!(findings.len(), 2, "{findings:?}");
        forwarded_headers(&root, &silent, &template, &mut findings).unwrap();
        for header in ["idempotency-key", "stripe-signature", "if-match"] {
            let is_found = findings.iter().any(|finding| finding.contains(header));
            assert!(is_found, "{header}: {findings:?}");
        }
    }

    // Kind of fault: a right that comes unasked and is wider than needed.
    #[test]
    fn functions_write_their_own_log_group_only() {
        let template = |logs: Value, bound: Value, own: Value| {
            json!({
                "Globals": { "Function": {
                    "PermissionsBoundary": bound,
                    "LoggingConfig": { "LogGroup": { "Ref": "Logs" } },
                } },
                "Resources": {
                    "Bound": { "Type": "AWS::IAM::ManagedPolicy", "Properties": { "PolicyDocument": { "Statement": [
                        { "NotAction": "logs:*", "Resource": "*" },
                        { "Action": ["logs:PutLogEvents"], "Resource": logs },
                    ] } } },
                    "F": { "Type": "AWS::Serverless::Function", "Properties": { "PermissionsBoundary": own } },
                },
            })
        };
        let count = |logs: Value, bound: Value, own: Value| {
            let mut findings = Vec::new();
            own_logs("t", &template(logs, bound, own), &mut findings);
            findings.len()
        };
        let (logs, bound) = (
            json!({ "Fn::GetAtt": "Logs.Arn" }),
            json!({ "Ref": "Bound" }),
        );
        assert_eq!(count(logs.clone(), bound.clone(), Value::Null), 0);
        assert_eq!(count(json!("*"), bound.clone(), Value::Null), 1);
        assert_eq!(count(logs.clone(), Value::Null, Value::Null), 1);
        assert_eq!(count(logs, bound, json!("arn:aws:iam::aws:policy/All")), 1);
    }

    // Kind of fault: given up for lost, and nobody is told.
    #[test]
    fn a_dead_letter_queue_has_an_alarm_however_many_queues_share_it() {
        let queue = json!({ "Type": "AWS::SQS::Queue", "Properties": {
            "RedrivePolicy": { "deadLetterTargetArn": { "Fn::GetAtt": "Dead.Arn" } },
        } });
        let alarm = |of: &str| {
            json!({ "Type": "AWS::CloudWatch::Alarm", "Properties": {
                "MetricName": "ApproximateNumberOfMessagesVisible",
                "Dimensions": [{ "Name": "QueueName", "Value": { "Fn::GetAtt": of } }],
            } })
        };
        let findings = |of: &str| {
            let mut findings = Vec::new();
            let template = json!({ "Resources": { "A": queue, "B": queue, "C": alarm(of) } });
            dead_letters("t", &template, &mut findings);
            findings
        };
        assert_eq!(findings("Dead.QueueName"), [""; 0]);
        assert_eq!(
            findings("A.QueueName"),
            ["t: no alarm tells of messages in Dead"]
        );
        let root = local::project::root();
        let queues = load(&root.join("infra/queues.yaml")).unwrap();
        let mut found = Vec::new();
        dead_letters("infra/queues.yaml", &queues, &mut found);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn an_integration_needs_a_permission_for_its_own_function() {
        let template = |function: &str| {
            json!({ "Resources": {
            "I": { "Type": "AWS::ApiGatewayV2::Integration", "Properties": { "IntegrationUri": { "Fn::GetAtt": "F.Arn" } } },
            "P": { "Type": "AWS::Lambda::Permission", "Properties": { "FunctionName": { "Ref": function }, "Principal": "apigateway.amazonaws.com" } },
        } })
        };
        let mut findings = Vec::new();
        permissions("a", &template("F"), &mut findings);
        assert!(findings.is_empty(), "{findings:?}");
        permissions("a", &template("G"), &mut findings);
        assert_eq!(findings.len(), 1);
        // That for the function is none for its alias, and the other way round.
        permissions("a", &template("F.Alias"), &mut findings);
        assert_eq!(findings.len(), 2);
        let mut aliased = template("F.Alias");
        aliased["Resources"]["I"]["Properties"]["IntegrationUri"] = json!({ "Ref": "F.Alias" });
        permissions("a", &aliased, &mut findings);
        assert_eq!(findings.len(), 2);
        aliased["Resources"]["P"]["Properties"]["FunctionName"] = json!({ "Ref": "F" });
        permissions("a", &aliased, &mut findings);
        assert_eq!(findings.len(), 3);
    }
}
