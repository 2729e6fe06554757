//! Makes a new HTTP function: its binary, its resources in the context's template, its sample event.

use std::{fs, process::Command};

use local::{outcome::Outcome, project::root};

use crate::routes;

/// Writes the files and prints the remaining steps.
pub(crate) fn run(context: &str, name: &str, method: &str, path: &str) -> Outcome {
    let root = root();
    let valid = |name: &str| {
        !name.is_empty()
            && name
                .split('-')
                .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
    };
    if !valid(name) {
        return Err(format!("{name:?}: a function is named like list-products").into());
    }
    let method = method.to_uppercase();
    if !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str())
        || !path.starts_with("/v1/")
    {
        return Err("give a method and a path, such as GET /v1/collections".into());
    }
    let folder = root.join("functions").join(context);
    if !folder.exists() {
        return Err(format!(
            "functions/{context} does not exist; create the package first, like its neighbors"
        )
        .into());
    }
    let source = folder.join(format!("src/bin/{name}.rs"));
    if source.exists() {
        return Err(format!("{} is there already", source.display()).into());
    }
    let logical_id = camel_case(name);
    let template_path = folder.join("template.yaml");
    let template = fs::read_to_string(&template_path)
        .map_err(|error| format!("{}: {error}", template_path.display()))?;

    fs::write(&source, binary(&logical_id, &method, path))?;
    Command::new("rustfmt")
        .args(["--edition", "2024"])
        .arg(&source)
        .status()?;
    let resources = resources(&logical_id, name, &method, path);
    fs::write(&template_path, with_resources(&template, &resources))?;
    let events = root.join("events").join(name);
    fs::create_dir_all(&events)?;
    fs::write(events.join("sample.json"), event(&method, path)?)?;
    routes::run(false)?;
    println!(
        "made functions/{context}/src/bin/{name}.rs, its resources in functions/{context}/template.yaml,\n\
         its route for `cargo lambda watch` in Cargo.toml, and events/{name}/sample.json\n\
         next: the use case in shared/domain, its test in tests/api, the keys and the environment that the\n\
         template must allow, then `cargo xtask openapi` and `make test`"
    );
    Ok(())
}

fn camel_case(name: &str) -> String {
    name.split('-')
        .map(|word| word[..1].to_uppercase() + &word[1..])
        .collect()
}

/// Names of the parameters of a path.
fn parameters(path: &str) -> Vec<&str> {
    let segments = path.split('/');
    segments
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .collect()
}

fn binary(logical_id: &str, method: &str, path: &str) -> String {
    let parameters = parameters(path);
    let (path_type, path_struct) = if parameters.is_empty() {
        ("NoPath".to_owned(), String::new())
    } else {
        let fields: String = parameters
            .iter()
            .map(|name| format!("    /// Identifier of the resource.\n    {name}: String,\n"))
            .collect();
        let derive = "#[derive(serde::Deserialize, schemars::JsonSchema)]";
        let name = format!("{logical_id}Path");
        let text = format!("\n{derive}\npub(crate) struct {name} {{\n{fields}}}\n");
        (name, text)
    };
    let import = if parameters.is_empty() {
        "NoBody, NoPath, NoQuery"
    } else {
        "NoBody, NoQuery"
    };
    format!(
        "//! `{method} {path}`: say here in one sentence what it does.\n\n\
         use std::process::ExitCode;\n\n\
         use runtime::{{Access, Endpoint, Failure, {import}, Reply, Request}};\n\
         use store::Store;\n\n\
         pub(crate) struct {logical_id} {{\n    store: Store,\n}}\n{path_struct}\n\
         impl Endpoint for {logical_id} {{\n    \
         const ACCESS: Access = Access::Public;\n    \
         type Path = {path_type};\n    type Query = NoQuery;\n    type Body = NoBody;\n    type Response = String;\n\n    \
         async fn handle(&self, request: Request<Self>) -> Result<Reply<String>, Failure> {{\n        \
         // Read what the use case needs from the store, let the domain decide, write what it decided.\n        \
         let _ = (&self.store, request);\n        Reply::of(&String::from(\"hello\"))\n    }}\n}}\n\n\
         fn main() -> ExitCode {{\n    runtime::serve(|environment| {{\n        \
         let store = Store::new(&environment.sdk_config()?, environment.require(\"TABLE_NAME\")?);\n        \
         Ok({logical_id} {{ store }})\n    }})\n}}\n"
    )
}

/// The function with its route, its integration and its permission. What all functions of a context share is
/// in the template's `Globals`.
fn resources(logical_id: &str, name: &str, method: &str, path: &str) -> String {
    format!(
        r##"  {logical_id}:
    Type: AWS::Serverless::Function
    Metadata: {{ BuildMethod: rust-cargolambda, BuildProperties: {{ Binary: {name} }} }}
    Properties:
      Description: Say here what it does
      Policies:
        - Version: "2012-10-17"
          Statement:
            - Effect: Allow
              Action: [dynamodb:GetItem]
              Resource: !Ref TableArn
              Condition: {{ "ForAllValues:StringLike": {{ "dynamodb:LeadingKeys": ["NAME_ITS_KEYS#*"] }} }}

  {logical_id}Route:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref ApiId
      RouteKey: "{method} {path}"
      Target: !Sub "integrations/${{{logical_id}Integration}}"

  {logical_id}Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref ApiId
      IntegrationType: AWS_PROXY
      IntegrationUri: !GetAtt {logical_id}.Arn
      PayloadFormatVersion: "2.0"

  {logical_id}Permission:
    Type: AWS::Lambda::Permission
    Properties:
      FunctionName: !Ref {logical_id}
      Action: lambda:InvokeFunction
      Principal: apigateway.amazonaws.com
      SourceArn: !Sub "arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{ApiId}}/*"
"##
    )
}

/// The template with more resources, after those it has.
fn with_resources(template: &str, resources: &str) -> String {
    match template.split_once("\nOutputs:\n") {
        Some((before, outputs)) => format!("{before}\n{resources}\nOutputs:\n{outputs}"),
        None => format!("{template}\n{resources}"),
    }
}

fn event(method: &str, path: &str) -> Outcome<String> {
    let parameters: serde_json::Map<String, serde_json::Value> = parameters(path)
        .into_iter()
        .map(|name| (name.to_owned(), "sample".into()))
        .collect();
    let raw_path = parameters.keys().fold(path.to_owned(), |path, name| {
        path.replace(&format!("{{{name}}}"), "sample")
    });
    let route = format!("{method} {path}");
    let event = serde_json::json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": raw_path,
        "rawQueryString": "",
        "headers": { "accept": "application/json" },
        "pathParameters": parameters,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "a1b2c3d4e5",
            "http": {
                "method": method,
                "path": raw_path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "curl/8.5.0",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": route,
            "stage": "$default",
            "timeEpoch": 1_795_341_600_000_i64,
        },
        "isBase64Encoded": false,
    });
    Ok(serde_json::to_string_pretty(&event)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_come_before_the_outputs() {
        let of = |template: &str| with_resources(template, "  New:\n");
        assert_eq!(of("Resources:\n  Old:\n"), "Resources:\n  Old:\n\n  New:\n");
        let outputs = "\nOutputs:\n  A:\n";
        assert_eq!(
            of(&format!("Resources:\n  Old:\n{outputs}")),
            format!("Resources:\n  Old:\n\n  New:\n{outputs}")
        );
    }

    #[test]
    fn the_binary_names_what_it_uses() {
        let text = binary("GetThing", "GET", "/v1/things/{thing_id}");
        let (imports, code) = text.split_once("impl Endpoint").unwrap();
        for name in [
            "Access", "Failure", "NoBody", "NoQuery", "Reply", "Request", "Store",
        ] {
            assert!(
                imports.contains(name) && code.contains(name),
                "{name}: {text}"
            );
        }
        assert!(
            imports.contains("struct GetThingPath") && code.contains("type Path = GetThingPath")
        );
        assert!(!code.contains("call"), "{text}");
    }

    #[test]
    fn the_route_leads_to_the_function() {
        let text = resources(
            "ListCollections",
            "list-collections",
            "GET",
            "/v1/collections",
        );
        assert!(text.contains("RouteKey: \"GET /v1/collections\""), "{text}");
        assert!(
            text.contains("integrations/${ListCollectionsIntegration}"),
            "{text}"
        );
        assert!(text.contains("${ApiId}/*"), "{text}");
    }
}
