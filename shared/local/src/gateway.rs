//! Serves everything on one address, as CloudFront does in production: `/v1` is the HTTP API, `/media`
//! the media bucket, the rest the web pages. `/_dev` only exists here.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::notifications::{Sample, samples};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    ACCOUNT, LocalError, Result,
    lambda::Lambda,
    template::{Cors, Template, Trigger},
};

/// Maximum body size in bytes, the same as Lambda's limit per invocation.
const MAX_BODY: usize = 6 * 1024 * 1024;

/// The local HTTP API and CDN.
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
}

struct Inner {
    routes: Vec<Route>,
    lambda: Lambda,
    /// Folder of the web pages.
    web: PathBuf,
    /// Folder of the page at `/_dev`.
    dev: PathBuf,
    /// Name of the only bucket that the gateway reads.
    media: String,
    /// Name of the bucket of the pages.
    pages: String,
    s3: aws_sdk_s3::Client,
    /// Endpoint of SQS, S3 and SES.
    endpoint: String,
    sqs: aws_sdk_sqs::Client,
    queues: Vec<(String, String)>,
    table: String,
    /// Name of the shop in emails.
    shop_name: String,
    http: reqwest::Client,
    cors: Cors,
    /// What the CDN adds to requests, by which functions know them.
    origin_secret: String,
}

struct Route {
    method: String,
    path: String,
    segments: Vec<Segment>,
    function: String,
}

enum Segment {
    Fixed(String),
    Parameter(String),
}

/// Response of a function to the HTTP API, payload format 2.0.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FunctionResponse {
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    cookies: Vec<String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

impl Gateway {
    /// Makes a gateway for `template`. `queues` are names and URLs, for the page at `/_dev`.
    pub fn new(
        template: &Template,
        root: &std::path::Path,
        lambda: Lambda,
        emulators: &crate::emulators::Emulators,
        queues: Vec<(String, String)>,
    ) -> Result<Self> {
        let mut routes = Vec::new();
        for function in &template.functions {
            for trigger in &function.triggers {
                if let Trigger::Route { method, path } = trigger {
                    routes.push(Route::new(method, path, &function.binary));
                }
            }
        }
        let bucket = |output: &str| {
            let name = template.outputs.get(output).cloned();
            name.ok_or_else(|| LocalError(format!("template.yaml has no output {output}")))
        };
        Ok(Self {
            inner: Arc::new(Inner {
                routes,
                lambda,
                web: root.join("web"),
                dev: root.join("infra/local/dev-page"),
                media: bucket("MediaBucketName")?,
                pages: bucket("WebBucketName")?,
                s3: emulators.s3.clone(),
                endpoint: emulators.endpoint.clone(),
                sqs: emulators.sqs.clone(),
                queues,
                table: template.table["TableName"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                shop_name: template
                    .functions
                    .iter()
                    .find_map(|function| function.environment.get("SHOP_NAME"))
                    .cloned()
                    .unwrap_or_default(),
                http: reqwest::Client::new(),
                cors: template.cors.clone(),
                origin_secret: template
                    .functions
                    .iter()
                    .find_map(|function| function.environment.get("ORIGIN_SECRETS"))
                    .and_then(|secrets| secrets.split(',').next())
                    .unwrap_or_default()
                    .to_owned(),
            }),
        })
    }

    /// Serves on `listener` until its task is aborted.
    pub async fn run(self, listener: tokio::net::TcpListener) -> std::io::Result<()> {
        let router = crate::host::guard(Router::new().fallback(handle).with_state(self));
        axum::serve(
            listener,
            router.into_make_service_with_connect_info::<SocketAddr>(),
        )
        .await
    }
}

impl Route {
    fn new(method: &str, path: &str, function: &str) -> Self {
        let segment = |segment: &str| match segment
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
        {
            Some(name) => Segment::Parameter(name.to_owned()),
            None => Segment::Fixed(segment.to_owned()),
        };
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            segments: path.split('/').map(segment).collect(),
            function: function.to_owned(),
        }
    }

    /// Returns the path parameters if the route matches.
    fn matches(&self, method: &str, path: &str) -> Option<BTreeMap<String, String>> {
        if self.path == "$default" || (self.method != "ANY" && self.method != method) {
            return None;
        }
        let mut parameters = BTreeMap::new();
        let mut given = path.split('/');
        for segment in &self.segments {
            let given = given.next()?;
            match segment {
                Segment::Fixed(fixed) if fixed == given => {}
                Segment::Parameter(name) if !given.is_empty() => {
                    let value = percent_decode_str(given).decode_utf8_lossy().into_owned();
                    parameters.insert(name.clone(), value);
                }
                _ => return None,
            }
        }
        given.next().is_none().then_some(parameters)
    }

    /// Routes with more fixed segments are more specific.
    fn specificity(&self) -> usize {
        let fixed = self
            .segments
            .iter()
            .filter(|segment| matches!(segment, Segment::Fixed(_)));
        fixed.count()
    }

    fn key(&self) -> String {
        match self.path.as_str() {
            "$default" => "$default".to_owned(),
            path => format!("{} {path}", self.method),
        }
    }
}

async fn handle(
    State(gateway): State<Gateway>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let path = request.uri().path().to_owned();
    let inner = &gateway.inner;
    if path == "/v1" || path.starts_with("/v1/") {
        return inner.api(request, client).await;
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let allow = [(header::ALLOW, "GET, HEAD")];
        return (StatusCode::METHOD_NOT_ALLOWED, allow).into_response();
    }
    let Some(path) = plain_path(&path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match path.as_str() {
        "/_dev/mails" => inner.mails().await,
        "/_dev/state" => inner.state().await,
        "/_dev/templates" => inner.templates(),
        _ if path.starts_with("/_dev/templates/") => {
            inner.template(&path["/_dev/templates/".len()..])
        }
        "/_dev" | "/_dev/" => file(&inner.dev, "index.html").await,
        _ if path.starts_with("/_dev/") => file(&inner.dev, &path["/_dev/".len()..]).await,
        _ if path.starts_with("/media/") => inner.object(&inner.media, &path).await,
        // Written by functions, not deployed with the pages.
        _ if path.starts_with("/.well-known/") => inner.object(&inner.pages, &path).await,
        "/" => file(&inner.web, "index.html").await,
        // Not part of the deployment.
        _ if path.starts_with("/demo/") || path.starts_with("/client/") => {
            StatusCode::NOT_FOUND.into_response()
        }
        _ => file(&inner.web, &path[1..]).await,
    }
}

impl Inner {
    async fn api(&self, request: Request, client: SocketAddr) -> Response {
        let (mut parts, body) = request.into_parts();
        self.as_the_cdn(&mut parts.headers, client);
        let origin = parts.headers.get(header::ORIGIN).cloned();
        let preflight = parts.headers.contains_key("access-control-request-method");
        let mut response = if parts.method == Method::OPTIONS && origin.is_some() && preflight {
            StatusCode::NO_CONTENT.into_response()
        } else {
            match axum::body::to_bytes(body, MAX_BODY).await {
                Ok(body) => self.call(&parts, &body, client).await,
                Err(_) => too_large(),
            }
        };
        if let Some(origin) = origin {
            self.allow_origin(&origin, response.headers_mut());
        }
        response
    }

    async fn call(
        &self,
        parts: &axum::http::request::Parts,
        body: &Bytes,
        client: SocketAddr,
    ) -> Response {
        let (method, path) = (parts.method.as_str(), parts.uri.path());
        let mut matching: Vec<(&Route, BTreeMap<String, String>)> = self
            .routes
            .iter()
            .filter_map(|route| Some((route, route.matches(method, path)?)))
            .collect();
        matching.sort_by_key(|(route, _)| std::cmp::Reverse(route.specificity()));
        let default = || self.routes.iter().find(|route| route.path == "$default");
        let (route, parameters) = match matching.into_iter().next() {
            Some(found) => found,
            None => match default() {
                Some(route) => (route, BTreeMap::new()),
                None => return StatusCode::NOT_FOUND.into_response(),
            },
        };
        let event = event(parts, body, client, route, parameters);
        let answer = match self
            .lambda
            .invoke(&route.function, event.to_string().into())
            .await
        {
            Ok(answer) => answer,
            // The HTTP API's response when a function fails.
            Err(_) => return gateway_error(),
        };
        match serde_json::from_slice::<FunctionResponse>(&answer) {
            Ok(answer) => answer.respond(),
            Err(_) => gateway_error(),
        }
    }

    /// Adds what the CDN adds, in place of what the client may have sent under these names.
    fn as_the_cdn(&self, headers: &mut HeaderMap, client: SocketAddr) {
        let values = [
            ("stampede-origin-secret", self.origin_secret.clone()),
            ("cloudfront-viewer-address", client.to_string()),
        ];
        for (name, value) in values {
            headers.remove(name);
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }

    /// Answers pages of other origins: all of them, without cookies, or those that are named, with cookies.
    fn allow_origin(&self, origin: &HeaderValue, headers: &mut HeaderMap) {
        let is_named = |named: &String| named.as_bytes() == origin.as_bytes();
        if self.cors.origins.iter().any(|named| named == "*") {
            let all = HeaderValue::from_static("*");
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, all);
        } else if self.cors.origins.iter().any(is_named) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            let cookies = HeaderValue::from_static("true");
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, cookies);
        } else {
            return;
        }
        let values = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, &self.cors.methods),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, &self.cors.headers),
            (header::ACCESS_CONTROL_EXPOSE_HEADERS, &self.cors.exposed),
        ];
        for (name, values) in values {
            if let Ok(value) = HeaderValue::from_str(&values.join(",")) {
                headers.insert(name, value);
            }
        }
    }

    /// Returns an object of a bucket. `path` is plain.
    async fn object(&self, bucket: &str, path: &str) -> Response {
        let request = self.s3.get_object().bucket(bucket);
        // The client percent-encodes the key, so that the emulator reads exactly this one.
        let found = match request.key(&path[1..]).send().await {
            Ok(found) => found,
            Err(error)
                if error
                    .raw_response()
                    .is_some_and(|it| it.status().is_client_error()) =>
            {
                return StatusCode::NOT_FOUND.into_response();
            }
            Err(_) => return StatusCode::BAD_GATEWAY.into_response(),
        };
        let kind = found.content_type().map(HeaderValue::from_str);
        match found.body.collect().await {
            Ok(bytes) => {
                let mut response = bytes.into_bytes().into_response();
                if let Some(Ok(kind)) = kind {
                    response.headers_mut().insert(header::CONTENT_TYPE, kind);
                }
                response
            }
            Err(_) => StatusCode::BAD_GATEWAY.into_response(),
        }
    }

    /// Caught emails, newest first.
    async fn mails(&self) -> Response {
        let url = format!("{}/_ministack/ses/messages", self.endpoint);
        let Ok(answer) = self.http.get(url).send().await else {
            return StatusCode::BAD_GATEWAY.into_response();
        };
        let Ok(caught) = answer.json::<Value>().await else {
            return StatusCode::BAD_GATEWAY.into_response();
        };
        let mut mails = Vec::new();
        collect_mails(&caught, &mut mails);
        mails.sort_by(|a, b| b["sent_at"].as_str().cmp(&a["sent_at"].as_str()));
        axum::Json(json!({ "items": mails })).into_response()
    }

    /// All kinds of emails, with the URLs of their samples.
    fn templates(&self) -> Response {
        let item = |sample: Sample| {
            json!({
                "name": sample.name,
                "when": sample.when,
                "subject": sample.email.subject,
                "html": format!("/_dev/templates/{}.html", sample.name),
                "text": format!("/_dev/templates/{}.txt", sample.name),
            })
        };
        let items: Vec<Value> = samples(&self.shop_name).into_iter().map(item).collect();
        axum::Json(json!({ "items": items })).into_response()
    }

    /// A sample email, by `<name>.html` or `<name>.txt`.
    fn template(&self, file: &str) -> Response {
        let found = file.rsplit_once('.').and_then(|(name, kind)| {
            let found = samples(&self.shop_name).into_iter();
            let email = found
                .filter(|sample| sample.name == name)
                .map(|sample| sample.email)
                .next()?;
            match kind {
                "html" => Some(email.html),
                "txt" => Some(email.text),
                _ => None,
            }
        });
        let Some(body) = found else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let headers = [
            (header::CONTENT_TYPE, content_type(file)),
            // The restrictions of mail programs.
            (
                header::CONTENT_SECURITY_POLICY,
                "sandbox; default-src 'none'; style-src 'unsafe-inline'",
            ),
        ];
        (headers, body).into_response()
    }

    /// State of functions and queues, for `/_dev`.
    async fn state(&self) -> Response {
        let functions: Vec<Value> = self
            .lambda
            .counts()
            .into_iter()
            .map(|(name, counts)| {
                let route = self.routes.iter().find(|route| route.function == name);
                json!({
                    "name": name,
                    "route": route.map(Route::key),
                    "invocations": counts.invocations,
                    "errors": counts.errors,
                    "running": counts.running,
                })
            })
            .collect();
        let mut queues = Vec::new();
        for (name, url) in &self.queues {
            use aws_sdk_sqs::types::QueueAttributeName as Name;
            let request = self
                .sqs
                .get_queue_attributes()
                .queue_url(url)
                .attribute_names(Name::All);
            let attributes = request
                .send()
                .await
                .ok()
                .and_then(|answer| answer.attributes)
                .unwrap_or_default();
            let count = |name: Name| {
                attributes
                    .get(&name)
                    .and_then(|count| count.parse::<u64>().ok())
            };
            queues.push(json!({
                "name": name,
                "waiting": count(Name::ApproximateNumberOfMessages),
                "in_flight": count(Name::ApproximateNumberOfMessagesNotVisible),
            }));
        }
        let state = json!({
            "functions": functions,
            "queues": queues,
            "emulator": self.endpoint,
            "table": self.table,
        });
        axum::Json(state).into_response()
    }
}

impl FunctionResponse {
    fn respond(self) -> Response {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let body = self.body.unwrap_or_default();
        let body = if self.is_base64_encoded {
            match STANDARD.decode(body) {
                Ok(bytes) => Body::from(bytes),
                Err(_) => return gateway_error(),
            }
        } else {
            Body::from(body)
        };
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status_code).unwrap_or(StatusCode::BAD_GATEWAY);
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                response.headers_mut().insert(name, value);
            }
        }
        for cookie in self.cookies {
            if let Ok(cookie) = HeaderValue::try_from(cookie) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
        }
        response
    }
}

/// Builds the event of the HTTP API, payload format 2.0.
fn event(
    parts: &axum::http::request::Parts,
    body: &Bytes,
    client: SocketAddr,
    route: &Route,
    parameters: BTreeMap<String, String>,
) -> Value {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in &parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        headers
            .entry(name.as_str().to_owned())
            .and_modify(|all| *all = format!("{all},{value}"))
            .or_insert_with(|| value.into_owned());
    }
    // The gateway takes cookies apart.
    let cookies = headers.remove("cookie");
    let cookies: Option<Vec<&str>> = cookies
        .as_deref()
        .map(|it| it.split([';', ',']).map(str::trim).collect());
    let raw_query = parts.uri.query().unwrap_or_default();
    let mut query: BTreeMap<String, String> = BTreeMap::new();
    for pair in raw_query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode = |text: &str| {
            percent_decode_str(&text.replace('+', " "))
                .decode_utf8_lossy()
                .into_owned()
        };
        let value = decode(value);
        query
            .entry(decode(name))
            .and_modify(|all| *all = format!("{all},{value}"))
            .or_insert(value);
    }
    let (body, is_base64) = match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (STANDARD.encode(body), true),
    };
    let route_key = route.key();
    json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": parts.uri.path(),
        "rawQueryString": raw_query,
        "headers": headers,
        "cookies": cookies,
        "queryStringParameters": query,
        "pathParameters": parameters,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": "127.0.0.1",
            "domainPrefix": "local",
            "http": {
                "method": parts.method.as_str(),
                "path": parts.uri.path(),
                "protocol": "HTTP/1.1",
                "sourceIp": client.ip().to_string(),
                "userAgent": headers.get("user-agent"),
            },
            "requestId": uuid::Uuid::new_v4().to_string(),
            "routeKey": route_key,
            "stage": "$default",
            "timeEpoch": 0,
        },
        "body": body,
        "isBase64Encoded": is_base64,
    })
}

/// The path, percent-decoded, if it consists of plain segments: none is empty (`//etc/passwd` would replace the
/// folder), begins with a dot (`..`, hidden files), or contains a character that separates segments elsewhere.
/// Only the last one may be empty.
fn plain_path(path: &str) -> Option<String> {
    let mut segments = Vec::new();
    // Decoded one by one: `%2F` must not become a separator.
    for segment in path.strip_prefix('/')?.split('/') {
        let segment = percent_decode_str(segment).decode_utf8().ok()?;
        let separates = |it: char| matches!(it, '/' | '\\' | ':') || it.is_control();
        // Where the web has files that are known by name (RFC 8615).
        let is_hidden = segment.starts_with('.') && segment != ".well-known";
        if is_hidden || segment.contains(separates) {
            return None;
        }
        segments.push(segment);
    }
    let (_, before) = segments.split_last()?;
    if before.iter().any(|segment| segment.is_empty()) {
        return None;
    }
    Some(format!("/{}", segments.join("/")))
}

/// Returns a file below a folder. `path` is plain and relative; a symbolic link that leads elsewhere is not
/// followed.
async fn file(folder: &std::path::Path, path: &str) -> Response {
    let read = async {
        let folder = tokio::fs::canonicalize(folder).await?;
        let file = tokio::fs::canonicalize(folder.join(path)).await?;
        if !file.starts_with(&folder) {
            return Err(std::io::ErrorKind::NotFound.into());
        }
        tokio::fs::read(file).await
    };
    let Ok(bytes) = read.await else {
        return StatusCode::NOT_FOUND.into_response();
    };
    (
        [
            (header::CONTENT_TYPE, content_type(path)),
            (header::CACHE_CONTROL, "no-cache"),
        ],
        bytes,
    )
        .into_response()
}

/// Media type of a file, from its extension.
pub fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "css" => "text/css; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "ico" => "image/x-icon",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        "webp" => "image/webp",
        _ => "application/octet-stream",
    }
}

/// Collects emails anywhere in the emulator's response, which groups them by account.
fn collect_mails(value: &Value, mails: &mut Vec<Value>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect_mails(value, mails)),
        Value::Object(mail) if mail.contains_key("MessageId") => {
            // Seconds since 1970, with a fraction.
            let sent_at = mail
                .get("Timestamp")
                .and_then(Value::as_f64)
                .unwrap_or_default();
            let sent_at = Duration::try_from_secs_f64(sent_at).unwrap_or_default();
            let sent_at = jiff::Timestamp::UNIX_EPOCH + sent_at;
            mails.push(json!({
                "id": mail["MessageId"],
                "sent_at": sent_at.to_string(),
                "from": mail["Source"],
                "to": mail["To"],
                "subject": mail["Subject"],
                "text": mail["BodyText"],
                "html": mail["BodyHtml"],
            }));
        }
        Value::Object(object) => object
            .values()
            .for_each(|value| collect_mails(value, mails)),
        _ => {}
    }
}

/// The HTTP API's own response when a function fails.
fn gateway_error() -> Response {
    let body = axum::Json(json!({ "message": "Internal Server Error" }));
    (StatusCode::INTERNAL_SERVER_ERROR, body).into_response()
}

fn too_large() -> Response {
    let problem = json!({
        "type": "/problems/payload_too_large",
        "title": "The body is too large",
        "status": 413,
        "detail": format!("Send at most {MAX_BODY} bytes."),
        "code": "payload_too_large",
    });
    let kind = [(header::CONTENT_TYPE, "application/problem+json")];
    (StatusCode::PAYLOAD_TOO_LARGE, kind, problem.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Kind of fault: a path is checked before it is decoded, or joined to a folder that it can replace.
    #[test]
    fn only_plain_segments_make_a_path() {
        for (path, plain) in [
            ("/", "/"),
            ("/index.html", "/index.html"),
            ("/media/demo/a%20b.svg", "/media/demo/a b.svg"),
            ("/media/caf%C3%A9.png", "/media/café.png"),
            ("/_dev/", "/_dev/"),
        ] {
            assert_eq!(plain_path(path).as_deref(), Some(plain));
        }
        for path in [
            "",
            "etc/passwd",
            "//etc/passwd",
            "/%2Fetc/passwd",
            "/%2fetc%2fpasswd",
            "/..",
            "/../Cargo.toml",
            "/%2e%2e/Cargo.toml",
            "/.%2E/Cargo.toml",
            "/media/%2e%2e/",
            "/media/../stampede-invoices/a.pdf",
            "/media/%2e%2e%2fstampede-invoices/a.pdf",
            "/media//a.svg",
            "/..%5cCargo.toml",
            "/C:/Windows/win.ini",
            "/.git/config",
            "/a%00.html",
            "/a%FF.html",
        ] {
            assert_eq!(plain_path(path), None, "{path}");
        }
    }

    // The same kind: a link inside the folder.
    #[tokio::test]
    async fn a_file_is_below_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let web = folder.path().join("web");
        std::fs::create_dir(&web).unwrap();
        std::fs::write(web.join("index.html"), "page").unwrap();
        std::fs::write(folder.path().join("secret"), "secret").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret"), web.join("link")).unwrap();
        assert_eq!(file(&web, "index.html").await.status(), StatusCode::OK);
        assert_eq!(file(&web, "link").await.status(), StatusCode::NOT_FOUND);
        assert_eq!(file(&web, "none").await.status(), StatusCode::NOT_FOUND);
    }
}
