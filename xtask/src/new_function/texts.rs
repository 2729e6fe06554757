//! Texts of new files and of new parts of files.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use local::{
    event::{API_DOMAIN, headers, http_event},
    outcome::Outcome,
};
use serde_json::json;

use super::{Function, camel_case};

/// Stands where a sentence about the endpoint belongs. `xtask tidy` finds what is left of it.
pub(crate) const SENTENCE: &str = "say here in one sentence what it does";
/// Stands where the keys belong that a function uses. `xtask tidy` finds what is left of it.
pub(crate) const KEYS: &str = "NAME_ITS_KEYS#*";

/// Parameters that an endpoint may need: name, declaration in the context's template, and value in the root
/// template.
pub(super) const PARAMETERS: [(&str, &str, &str); 9] = [
    (
        "ApiId",
        "  ApiId:\n    Type: String\n    Description: The HTTP API that the routes belong to.\n",
        "!Ref Api",
    ),
    (
        "ApiAccess",
        "  ApiAccess:\n    Type: String\n",
        "!Ref ApiAccess",
    ),
    (
        "OriginSecret",
        "  OriginSecret:\n    Type: String\n    NoEcho: true\n",
        "!Ref OriginSecret",
    ),
    (
        "AllowedOrigins",
        "  AllowedOrigins:\n    Type: String\n    Description: Origins whose pages may send cookies, separated by commas; \"*\" is none.\n",
        "!Join [\",\", !Ref AllowedOrigin]",
    ),
    (
        "TableName",
        "  TableName:\n    Type: String\n    Description: This context's table; all contexts share one by default.\n",
        "!GetAtt Data.Outputs.TableName",
    ),
    (
        "TableArn",
        "  TableArn:\n    Type: String\n    Description: ARN of that table.\n",
        "!GetAtt Data.Outputs.TableArn",
    ),
    (
        "StaffTokenPublicKey",
        "  StaffTokenPublicKey:\n    Type: String\n",
        "!Ref StaffTokenPublicKey",
    ),
    (
        "StaffTokenMaxHours",
        "  StaffTokenMaxHours:\n    Type: Number\n",
        "!Ref StaffTokenMaxHours",
    ),
    ("Release", "  Release:\n    Type: String\n", "!Ref Release"),
];

/// The source of the binary. It answers, and does nothing else.
pub(super) fn binary(function: &Function) -> Outcome<String> {
    let Function { method, path, .. } = function;
    let name = function.logical_id();
    let parameters = function.parameters();
    let (mut imports, mut types) = (
        vec!["Access", "Endpoint", "Failure", "NoQuery"],
        String::new(),
    );
    let mut used = vec!["&self.store".to_owned()];
    let path_type = match parameters.is_empty() {
        true => {
            imports.push("NoPath");
            "NoPath".to_owned()
        }
        false => {
            let fields = parameters.iter().map(|name| {
                let text = match name.strip_suffix("_id") {
                    Some(resource) => format!("Identifier of the {}", resource.replace('_', " ")),
                    None => format!("The {}", name.replace('_', " ")),
                };
                format!("/// {text}.\n{name}: String,\n")
            });
            let fields: String = fields.collect();
            types.push_str(&format!(
                "/// Parameters of the path.\n\
                 #[derive(serde::Deserialize, schemars::JsonSchema)]\n\
                 pub(crate) struct {name}Path {{\n{fields}}}\n\n"
            ));
            used.extend(
                parameters
                    .iter()
                    .map(|name| format!("&request.path.{name}")),
            );
            format!("{name}Path")
        }
    };
    let body_type = match function.has_body() {
        true => {
            imports.push("Json");
            types.push_str(&format!(
                "/// Body of the request.\n\
                 #[derive(serde::Deserialize, schemars::JsonSchema)]\n\
                 #[serde(deny_unknown_fields)]\n\
                 pub(crate) struct {name}Body {{}}\n\n"
            ));
            used.push("&request.body".to_owned());
            format!("Json<{name}Body>")
        }
        false => {
            imports.push("NoBody");
            "NoBody".to_owned()
        }
    };
    // The narrowest permission, until somebody chooses another.
    let (access, permission, main) = match function.is_for_staff() {
        true => (
            "Staff(Permission::StaffWrite)",
            "use domain::identity::Permission;\n",
            format!("access::serve(|_, store| Ok({name} {{ store }}))"),
        ),
        false => (
            "Public",
            "",
            format!(
                "runtime::serve(|environment| {{
let store = Store::new(&environment.sdk_config()?, environment.require(\"TABLE_NAME\")?);
Ok({name} {{ store }})
}})"
            ),
        ),
    };
    imports.extend(["Reply", "Request"]);
    imports.sort_unstable();
    let imports = imports.join(", ");
    // Neither the compiler nor clippy takes a source with unused names.
    if used.len() == 1 {
        used.push("request".to_owned());
    }
    let used = used.join(", ");
    formatted(&format!(
        "//! `{method} {path}`: {SENTENCE}.

use std::process::ExitCode;

{permission}use runtime::{{{imports}}};
use store::Store;

pub(crate) struct {name} {{ store: Store }}

{types}impl Endpoint for {name} {{
const ACCESS: Access = Access::{access};
type Path = {path_type};
type Query = NoQuery;
type Body = {body_type};
type Response = String;

async fn handle(&self, request: Request<Self>) -> Result<Reply<String>, Failure> {{
// Read what the use case needs from the store, let the domain decide, write what it decided.
let _ = ({used});
Reply::of(&String::from(\"hello\"))
}}
}}

fn main() -> ExitCode {{
{main}
}}
"
    ))
}

/// Rust as rustfmt writes it.
fn formatted(source: &str) -> Outcome<String> {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("rustfmt: {error}; `rustup component add rustfmt`"))?;
    // Dropped after the write, so that rustfmt sees the end.
    let mut input = rustfmt.stdin.take().ok_or("rustfmt takes no input")?;
    input.write_all(source.as_bytes())?;
    drop(input);
    let output = rustfmt.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("rustfmt refuses the generated source:\n{source}").into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The right to store when an API key was used, which any endpoint of staff may do.
const NOTES_USE: &str = r#"            - Effect: Allow
              Action: [dynamodb:UpdateItem]
              Resource: !Ref TableArn
              Condition: { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["APIKEY#*"] }, "Null": { "dynamodb:LeadingKeys": "false" } }
"#;

/// The function with its route, its integration and its permission. Globals of the context's template set what
/// all its functions share: `is_set` tells which variables.
pub(super) fn resources(function: &Function, is_set: impl Fn(&str) -> bool) -> String {
    let Function {
        name, method, path, ..
    } = function;
    let id = function.logical_id();
    let mut variables = String::new();
    let (mut publishing, mut depends) = (String::new(), String::new());
    let (mut uri, mut callee) = (format!("!GetAtt {id}.Arn"), format!("!Ref {id}"));
    if function.has_alias {
        variables.push_str("          RELEASE: !Ref Release\n");
        publishing.push_str(
            "      AutoPublishAlias: live\n      AutoPublishAliasAllProperties: true\n      VersionDescription: !Ref Release\n",
        );
        // Or the API would call an alias that it may not call yet.
        depends = format!("    DependsOn: {id}Permission\n");
        callee = format!("!Ref {id}.Alias");
        uri.clone_from(&callee);
    }
    for (name, parameter) in [
        ("TABLE_NAME", "TableName"),
        ("API_ACCESS", "ApiAccess"),
        ("ORIGIN_SECRETS", "OriginSecret"),
        ("ALLOWED_ORIGINS", "AllowedOrigins"),
    ] {
        if !is_set(name) {
            variables.push_str(&format!("          {name}: !Ref {parameter}\n"));
        }
    }
    if function.is_for_staff() {
        variables.push_str("          STAFF_TOKEN_PUBLIC_KEY: !Ref StaffTokenPublicKey\n");
        variables.push_str("          STAFF_TOKEN_MAX_HOURS: !Ref StaffTokenMaxHours\n");
    }
    let environment = match variables.is_empty() {
        true => variables,
        false => format!("      Environment:\n        Variables:\n{variables}"),
    };
    // The gateway sends HEAD elsewhere than GET.
    let head = match function.is_public_read() {
        true => format!(
            r##"
  {id}HeadRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref ApiId
      RouteKey: "HEAD {path}"
      Target: !Sub "integrations/${{{id}Integration}}"
"##
        ),
        false => String::new(),
    };
    // What verifies a caller: keys of access tokens, and API keys, whose last use is stored.
    let (verifies, notes_use) = match function.is_for_staff() {
        true => ("\"CONTROL\", \"APIKEY#*\", ", NOTES_USE),
        false => ("", ""),
    };
    format!(
        r##"  {id}:
    Type: AWS::Serverless::Function
    Metadata: {{ BuildMethod: rust-cargolambda, BuildProperties: {{ Binary: {name} }} }}
    Properties:
      Description: "{SENTENCE}"
{publishing}{environment}      Policies:
        - Version: "2012-10-17"
          Statement:
            - Effect: Allow
              Action: [dynamodb:GetItem]
              Resource: !Ref TableArn
              Condition: {{ "ForAllValues:StringLike": {{ "dynamodb:LeadingKeys": [{verifies}"{KEYS}"] }}, "Null": {{ "dynamodb:LeadingKeys": "false" }} }}
{notes_use}
  {id}Route:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref ApiId
      RouteKey: "{method} {path}"
      Target: !Sub "integrations/${{{id}Integration}}"
{head}
  {id}Integration:
    Type: AWS::ApiGatewayV2::Integration
{depends}    Properties:
      ApiId: !Ref ApiId
      IntegrationType: AWS_PROXY
      IntegrationUri: {uri}
      PayloadFormatVersion: "2.0"

  {id}Permission:
    Type: AWS::Lambda::Permission
    Properties:
      FunctionName: {callee}
      Action: lambda:InvokeFunction
      Principal: apigateway.amazonaws.com
      SourceArn: !Sub "arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{ApiId}}/*"
"##
    )
}

/// A request with a value for each parameter of the path, without a staff token.
pub(super) fn event(function: &Function) -> Outcome<String> {
    let parameters = function.parameters().into_iter();
    let parameters: Vec<(&str, &str)> = parameters.map(|name| (name, "sample")).collect();
    let headers = headers([
        ("accept", "application/json"),
        ("host", API_DOMAIN),
        ("user-agent", "curl/8.5.0"),
        ("x-forwarded-for", "203.0.113.7"),
        ("x-forwarded-port", "443"),
        ("x-forwarded-proto", "https"),
    ]);
    let route = format!("{} {}", function.method, function.path);
    let body = function.has_body().then(|| json!({}));
    let event = http_event(&route, &parameters, &headers, body.as_ref());
    Ok(serde_json::to_string_pretty(&event)? + "\n")
}

/// The manifest of a new context, with the dependencies of most endpoints.
pub(super) fn manifest(context: &str) -> String {
    format!(
        r#"[package]
name = "stampede-{context}"
build = "../build.rs"
description = "Functions of the {context} context."
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true

[lints]
workspace = true

[dependencies]
domain.workspace = true
runtime.workspace = true
schemars.workspace = true
serde.workspace = true
store.workspace = true
"#
    )
}

/// Parameters of the stack of every context, with their values in the root template.
const SHARED_ARGUMENTS: &str = "        ShopStack: !Ref AWS::StackName
        Architecture: !Ref Architecture
        LogLevel: !Ref LogLevel
        PlatformLogLevel: !Ref PlatformLogLevel
        LogRetentionDays: !Ref LogRetentionDays
";

/// The template of a new context, without functions.
pub(super) fn template(function: &Function) -> String {
    let context = &function.context;
    let parameters = parameters(function).map(|(_, declaration, _)| declaration);
    let parameters: String = parameters.collect();
    format!(
        r#"AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Description: Stampede, the stack of the {context} context.

Parameters:
  ShopStack:
    Type: String
    Description: Name of the root stack, which log groups and the metrics namespace carry.
  Architecture:
    Type: String
  LogLevel:
    Type: String
  PlatformLogLevel:
    Type: String
  LogRetentionDays:
    Type: Number
{parameters}
Globals:
  Function:
    CodeUri: ../..
    Handler: bootstrap
    Runtime: provided.al2023
    Architectures: [!Ref Architecture]
    MemorySize: 256
    Timeout: 10
    # JSON is what lets Lambda's own lines be chosen by level; the functions log JSON anyway.
    LoggingConfig:
      LogFormat: JSON
      SystemLogLevel: !Ref PlatformLogLevel
      LogGroup: !Ref Logs
    PermissionsBoundary: !Ref OwnLogsOnly
    Environment:
      Variables:
        LOG_LEVEL: !Ref LogLevel
        METRIC_NAMESPACE: !Sub "Stampede/${{ShopStack}}"
        API_ACCESS: !Ref ApiAccess
        ORIGIN_SECRETS: !Ref OriginSecret
        ALLOWED_ORIGINS: !Ref AllowedOrigins
        TABLE_NAME: !Ref TableName

Resources:
  Logs:
    Type: AWS::Logs::LogGroup
    Properties:
      LogGroupName: !Sub "/${{ShopStack}}/{context}"
      RetentionInDays: !Ref LogRetentionDays

  # SAM lets every function write every log group of the account. This bounds it to the context's own; everything
  # else is left to the functions' policies.
  OwnLogsOnly:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            NotAction: "logs:*"
            Resource: "*"
          - Effect: Allow
            Action: [logs:CreateLogStream, logs:PutLogEvents]
            Resource: !GetAtt Logs.Arn
"#
    )
}

/// The throttle of the function's route in the root template, if it needs one of its own.
pub(super) fn throttle(function: &Function) -> Option<String> {
    let Function { method, path, .. } = function;
    let limit = match (function.is_for_staff(), method.as_str()) {
        (true, _) => "StaffRequestsPerSecond",
        (false, "GET") => return None,
        (false, _) => "GuestWritesPerSecond",
    };
    Some(format!(
        "        \"{method} {path}\": {{ ThrottlingRateLimit: !Ref {limit}, ThrottlingBurstLimit: !Ref {limit} }}\n"
    ))
}

/// The nested stack of a new context.
pub(super) fn stack(function: &Function) -> String {
    let context = &function.context;
    let id = camel_case(context);
    let arguments =
        parameters(function).map(|(name, _, value)| format!("        {name}: {value}\n"));
    let arguments: String = arguments.collect();
    format!(
        "  {id}:\n    Type: AWS::CloudFormation::Stack\n    Properties:\n      \
         TemplateURL: functions/{context}/template.yaml\n      \
         Parameters:\n{SHARED_ARGUMENTS}{arguments}"
    )
}

/// The parameters of a context with this first function.
fn parameters(
    function: &Function,
) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let (has_staff, has_alias) = (function.is_for_staff(), function.has_alias);
    PARAMETERS.into_iter().filter(move |(name, ..)| {
        (has_staff || !name.starts_with("StaffToken")) && (has_alias || *name != "Release")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(method: &str, path: &str) -> Function {
        Function {
            context: "things".to_owned(),
            name: "use-thing".to_owned(),
            method: method.to_owned(),
            path: path.to_owned(),
            has_alias: false,
        }
    }

    #[test]
    fn a_source_begins_with_its_route_and_has_what_the_path_says() {
        let get = binary(&function("GET", "/v1/things/{thing_id}")).unwrap();
        assert!(
            get.starts_with("//! `GET /v1/things/{thing_id}`: "),
            "{get}"
        );
        for text in [
            "    /// Identifier of the thing.\n    thing_id: String,\n",
            "const ACCESS: Access = Access::Public;",
            "type Path = UseThingPath;",
            "type Body = NoBody;",
        ] {
            assert!(get.contains(text), "{text}: {get}");
        }
        let put = binary(&function("PUT", "/v1/admin/things")).unwrap();
        for text in [
            "const ACCESS: Access = Access::Staff(Permission::StaffWrite);",
            "access::serve(",
            "type Path = NoPath;",
            "type Body = Json<UseThingBody>;",
        ] {
            assert!(put.contains(text), "{text}: {put}");
        }
    }

    #[test]
    fn the_route_leads_to_the_function_and_staff_to_its_key() {
        let public = resources(&function("GET", "/v1/things"), |_| true);
        assert!(public.contains("RouteKey: \"GET /v1/things\""), "{public}");
        assert!(public.contains("RouteKey: \"HEAD /v1/things\""), "{public}");
        assert!(
            public.contains("integrations/${UseThingIntegration}"),
            "{public}"
        );
        assert!(public.contains("${ApiId}/*"), "{public}");
        assert!(!public.contains("Environment:"), "{public}");
        let staff = resources(&function("GET", "/v1/admin/things"), |_| false);
        for variable in [
            "TABLE_NAME: !Ref TableName",
            "API_ACCESS: !Ref ApiAccess",
            "ORIGIN_SECRETS: !Ref OriginSecret",
            "STAFF_TOKEN_PUBLIC_KEY: ",
            "STAFF_TOKEN_MAX_HOURS: ",
            "Action: [dynamodb:UpdateItem]",
            "[\"CONTROL\", \"APIKEY#*\", \"NAME_ITS_KEYS#*\"]",
        ] {
            assert!(staff.contains(variable), "{variable}: {staff}");
        }
        assert!(!public.contains("APIKEY"), "{public}");
        // Only public reads have a route for HEAD.
        assert!(!staff.contains("HEAD"), "{staff}");
        let post = resources(&function("POST", "/v1/things"), |_| true);
        assert!(!post.contains("HEAD"), "{post}");
        let aliased = Function {
            has_alias: true,
            ..function("GET", "/v1/things")
        };
        let aliased = resources(&aliased, |_| true);
        for text in [
            "AutoPublishAlias: live",
            "RELEASE: !Ref Release",
            "IntegrationUri: !Ref UseThing.Alias",
            "FunctionName: !Ref UseThing.Alias",
            "DependsOn: UseThingPermission",
        ] {
            assert!(aliased.contains(text), "{text}: {aliased}");
            assert!(!public.contains(text), "{text}: {public}");
        }
        // What writes, or is for staff, is throttled on its own.
        let limit = |method, path| throttle(&function(method, path));
        assert!(limit("GET", "/v1/things").is_none());
        let guest = limit("POST", "/v1/things").unwrap();
        assert!(guest.contains("GuestWritesPerSecond"), "{guest}");
        let staff = limit("GET", "/v1/admin/things").unwrap();
        assert!(staff.contains("StaffRequestsPerSecond"), "{staff}");
    }
}
