//! Creates a new HTTP function: its binary, its block in the template, its route, its sample event.

use std::{fmt::Write as _, fs, process::Command};

use crate::{Outcome, root, routes};

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
    let template_path = root.join("template.yaml");
    let template = fs::read_to_string(&template_path)?;
    let logs = format!("{}Logs", camel_case(context));
    if !template.contains(&format!("  {logs}:\n")) {
        return Err(
            format!("template.yaml has no log group {logs}; add it like its neighbors").into(),
        );
    }

    fs::write(&source, binary(&logical_id, &method, path))?;
    Command::new("rustfmt")
        .args(["--edition", "2024"])
        .arg(&source)
        .status()?;
    fs::write(
        &template_path,
        with_block(&template, &logical_id, name, &logs, &method, path)?,
    )?;
    let events = root.join("events").join(name);
    fs::create_dir_all(&events)?;
    fs::write(events.join("sample.json"), event(&method, path)?)?;
    routes::run(false)?;
    println!(
        "made functions/{context}/src/bin/{name}.rs, its block in template.yaml, its route in Cargo.toml\n\
         and events/{name}/sample.json\n\
         next: the use case in shared/domain, its test in tests/api, what the policy and the environment in\n\
         template.yaml must allow, then `cargo xtask openapi` and `make test`"
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
         use runtime::{{Access, Call, Endpoint, Failure, {import}, Reply}};\n\
         use store::Store;\n\n\
         pub(crate) struct {logical_id} {{\n    store: Store,\n}}\n{path_struct}\n\
         impl Endpoint for {logical_id} {{\n    \
         const ACCESS: Access = Access::Public;\n    \
         type Path = {path_type};\n    type Query = NoQuery;\n    type Body = NoBody;\n    type Answer = String;\n\n    \
         async fn handle(&self, call: Call<Self>) -> Result<Reply<String>, Failure> {{\n        \
         // Read what the use case needs from the store, let the domain decide, write what it decided.\n        \
         let _ = (&self.store, call);\n        Reply::of(&String::from(\"hello\"))\n    }}\n}}\n\n\
         fn main() -> ExitCode {{\n    runtime::serve(|environment| {{\n        \
         let store = Store::new(&environment.sdk_config()?, environment.require(\"TABLE_NAME\")?);\n        \
         Ok({logical_id} {{ store }})\n    }})\n}}\n"
    )
}

/// Inserts the function into the template after the last one that logs to `logs`.
fn with_block(
    template: &str,
    logical_id: &str,
    name: &str,
    logs: &str,
    method: &str,
    path: &str,
) -> Outcome<String> {
    let mut block = String::new();
    writeln!(block, "  # {method} {path}, say here what it does.")?;
    writeln!(
        block,
        "  {logical_id}:\n    Type: AWS::Serverless::Function\n    Metadata:"
    )?;
    writeln!(
        block,
        "      BuildMethod: rust-cargolambda\n      BuildProperties: {{ Binary: {name} }}"
    )?;
    writeln!(
        block,
        "    Properties:\n      CodeUri: .\n      Handler: bootstrap"
    )?;
    writeln!(
        block,
        "      Description: {method} {path}, say here what it does"
    )?;
    writeln!(
        block,
        "      LoggingConfig: {{ LogGroup: !Ref {logs} }}\n      Environment:\n        Variables:"
    )?;
    writeln!(
        block,
        "          TABLE_NAME: !GetAtt Data.Outputs.TableName\n      Policies:"
    )?;
    writeln!(
        block,
        "        - Version: \"2012-10-17\"\n          Statement:\n            - Effect: Allow"
    )?;
    writeln!(
        block,
        "              Action: [dynamodb:GetItem]\n              Resource: !GetAtt Data.Outputs.TableArn"
    )?;
    writeln!(
        block,
        "              Condition: {{ \"ForAllValues:StringLike\": {{ \"dynamodb:LeadingKeys\": [\"NAME_ITS_KEYS#*\"] }} }}"
    )?;
    writeln!(
        block,
        "      Events:\n        Http:\n          Type: HttpApi"
    )?;
    writeln!(
        block,
        "          Properties: {{ ApiId: !Ref Api, Method: {method}, Path: \"{path}\" }}\n"
    )?;
    let last = template
        .rfind(&format!("LogGroup: !Ref {logs} }}"))
        .ok_or_else(|| format!("no function of template.yaml logs to {logs}"))?;
    // The next comment starts the next function; triggers in between belong to this one.
    let end = template[last..]
        .find("\n\n  #")
        .map(|offset| last + offset + 2);
    let end = end.ok_or("template.yaml ends in the middle of a function")?;
    Ok(format!("{}{block}{}", &template[..end], &template[end..]))
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
