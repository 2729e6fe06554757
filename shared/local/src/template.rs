//! Reads the subset of SAM and CloudFormation that the project uses: parameters, nested stacks, and the
//! functions `Ref`, `Fn::GetAtt`, `Fn::Sub`, `Fn::Join`, `Fn::Split`, `Fn::Select` and `Fn::FindInMap`. Anything
//! else is an error.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    rc::Rc,
};

use serde_json::{Map, Value, json};

use crate::{ACCOUNT, LocalError, REGION, Result, filter::Filter};

/// Everything that `template.yaml` and the stacks nested in it declare to run.
#[derive(Clone, Debug)]
pub struct Template {
    /// Functions in the template's order.
    pub functions: Vec<Function>,
    /// Queues, including dead-letter queues.
    pub queues: Vec<Queue>,
    /// Buckets of all nested stacks.
    pub buckets: Vec<Bucket>,
    /// Secrets that are made at deployment.
    pub secrets: Vec<SecretResource>,
    /// The table, as input of CreateTable.
    pub table: Value,
    /// Resolved values of the outputs.
    pub outputs: BTreeMap<String, String>,
    /// Which pages of other origins may call the API.
    pub cors: Cors,
}

/// CORS configuration of the API.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    /// Origins, or `*` for all.
    pub origins: Vec<String>,
    /// Methods.
    pub methods: Vec<String>,
    /// Request headers.
    pub headers: Vec<String>,
    /// Response headers that scripts may read.
    pub exposed: Vec<String>,
}

/// Values of the parameters that have no default. A shop on this machine may sell for free, and its origin secret
/// protects nothing.
const ON_THIS_MACHINE: [(&str, &str); 2] = [
    ("PaymentMethods", "test"),
    ("OriginSecret", "not-a-secret-on-this-machine-0123456789"),
];

/// Limits of shoppers, which are off on this machine: all shoppers of a test or of `make load` call from one address.
const UNLIMITED_HERE: [&str; 5] = [
    "MaxUnitsPerSku",
    "MaxUnitsPerOrder",
    "MaxUnpaidOrdersPerEmail",
    "MaxUnpaidUnitsPerEmail",
    "MaxUnpaidOrdersPerNetwork",
];

/// The same for limits of requests: those that staff set apply here, too.
const DEFAULT_LIMITS_HERE: (&str, &str) = ("DefaultLimits", "off");

/// A Lambda function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Logical id, such as `PlaceOrder`.
    pub logical_id: String,
    /// Name of the binary, such as `place-order`.
    pub binary: String,
    /// Timeout in seconds.
    pub timeout: u64,
    /// Memory in MB.
    pub memory: u64,
    /// Environment variables, resolved.
    pub environment: BTreeMap<String, String>,
    /// Event sources that invoke it.
    pub triggers: Vec<Trigger>,
    /// Policy statements, with all references resolved.
    pub statements: Vec<Value>,
}

/// An event source of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A route of the HTTP API.
    Route {
        /// HTTP method, or `ANY`.
        method: String,
        /// Path such as `/v1/products/{slug}`, or `$default`.
        path: String,
    },
    /// An SQS queue.
    Queue {
        /// ARN of the queue.
        arn: String,
        /// Maximum number of messages per batch.
        batch_size: usize,
        /// Maximum number of concurrent batches, if limited.
        concurrency: Option<usize>,
    },
    /// A schedule.
    Schedule {
        /// Interval in seconds.
        every: u64,
    },
    /// The table's stream.
    Stream {
        /// Maximum number of records per batch.
        batch_size: usize,
        /// A record reaches the function if one of them takes it, or if there is none.
        filters: Vec<Filter>,
    },
}

/// An SQS queue.
#[derive(Clone, Debug)]
pub struct Queue {
    /// Name of the queue.
    pub name: String,
    /// ARN of the queue.
    pub arn: String,
    /// Attributes, as input of CreateQueue.
    pub attributes: BTreeMap<String, String>,
}

/// An S3 bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// Name of the bucket.
    pub name: String,
    /// Queues that are notified of new objects: ARN and key prefix.
    pub notifications: Vec<(String, String)>,
    /// Whether it keeps all versions of its objects.
    pub is_versioned: bool,
}

/// Settings that differ between stacks of the same template.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of the stack, and prefix of the names of its resources.
    pub stack_name: String,
    /// Endpoint of SQS, with which queue URLs begin.
    pub endpoint: String,
    /// Parameters that differ from their defaults.
    pub parameters: BTreeMap<String, String>,
}

/// A secret whose text AWS makes: a JSON object with one random value.
#[derive(Clone, Debug)]
pub struct SecretResource {
    /// Name of the secret.
    pub name: String,
    /// The object without the value.
    pub template: String,
    /// Name of the value in it.
    pub key: String,
}

impl Template {
    /// Reads `template.yaml` in `root` and all nested templates.
    pub fn read(root: &Path, settings: &Settings) -> Result<Self> {
        let documents = Documents::new(root);
        let document = documents.get("template.yaml")?;
        let limits = UNLIMITED_HERE.map(|name| (name, "0"));
        let limits = limits.into_iter().chain([DEFAULT_LIMITS_HERE]);
        let preset = ON_THIS_MACHINE.into_iter().chain(limits);
        let preset = preset.map(|(name, value)| (name.to_owned(), json!(value)));
        let chosen = settings.parameters.iter();
        let chosen = chosen.map(|(name, value)| (name.clone(), json!(value)));
        let scope = Scope {
            documents: &documents,
            settings,
            parameters: preset.chain(chosen).collect(),
            prefix: settings.stack_name.clone(),
            document: Rc::clone(&document),
        };
        let mut template = Self {
            functions: Vec::new(),
            queues: Vec::new(),
            buckets: Vec::new(),
            secrets: Vec::new(),
            table: Value::Null,
            outputs: BTreeMap::new(),
            cors: scope.cors()?,
        };
        template.collect(&scope)?;
        for (name, output) in entries(&document["Outputs"]) {
            template
                .outputs
                .insert(name.clone(), scope.text(&output["Value"])?);
        }
        Ok(template)
    }

    /// Number of the API's routes.
    pub fn routes(&self) -> usize {
        let triggers = self.functions.iter().flat_map(|it| &it.triggers);
        triggers
            .filter(|trigger| matches!(trigger, Trigger::Route { .. }))
            .count()
    }

    fn collect(&mut self, scope: &Scope<'_>) -> Result<()> {
        let mut triggers = Vec::new();
        for (id, resource) in entries(&scope.document["Resources"]) {
            let kind = resource["Type"].as_str().unwrap_or_default();
            match kind {
                "AWS::Serverless::Function" => self.functions.push(scope.function(id, resource)?),
                "AWS::Lambda::EventSourceMapping" => triggers.push(scope.mapping(id, resource)?),
                "AWS::ApiGatewayV2::Route" => triggers.push(scope.route(id, resource)?),
                "AWS::SQS::Queue" => self.queues.push(scope.queue(id, resource)?),
                "AWS::S3::Bucket" => self.buckets.push(scope.bucket(id, resource)?),
                "AWS::SecretsManager::Secret" => self.secrets.push(scope.secret(id, resource)?),
                "AWS::DynamoDB::Table" => self.table = scope.table(id, resource)?,
                "AWS::CloudFormation::Stack" => self.collect(&scope.nested(id, resource)?)?,
                _ => {}
            }
        }
        for (id, trigger) in triggers {
            let function = self
                .functions
                .iter_mut()
                .find(|function| function.logical_id == id);
            let function =
                function.ok_or_else(|| LocalError(format!("no function is named {id}")))?;
            function.triggers.push(trigger);
        }
        Ok(())
    }
}

/// The template files, each read once.
struct Documents {
    root: PathBuf,
    read: RefCell<HashMap<String, Rc<Value>>>,
}

impl Documents {
    fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            read: RefCell::default(),
        }
    }

    /// A template by its path in the repository.
    fn get(&self, path: &str) -> Result<Rc<Value>> {
        if let Some(document) = self.read.borrow().get(path) {
            return Ok(Rc::clone(document));
        }
        let document = Rc::new(load(&self.root.join(path))?);
        let mut read = self.read.borrow_mut();
        read.insert(path.to_owned(), Rc::clone(&document));
        Ok(document)
    }
}

/// One template file with the values of its parameters.
struct Scope<'a> {
    documents: &'a Documents,
    settings: &'a Settings,
    parameters: HashMap<String, Value>,
    prefix: String,
    document: Rc<Value>,
}

impl Scope<'_> {
    fn function(&self, id: &str, resource: &Value) -> Result<Function> {
        let globals = &self.document["Globals"]["Function"];
        let properties = &resource["Properties"];
        let property = |name: &str| match &properties[name] {
            Value::Null => globals[name].clone(),
            value => value.clone(),
        };
        let mut environment = BTreeMap::new();
        for source in [globals, properties] {
            for (name, value) in entries(&source["Environment"]["Variables"]) {
                environment.insert(name.clone(), self.text(value)?);
            }
        }
        let mut triggers = Vec::new();
        for (name, event) in entries(&properties["Events"]) {
            let settings = &event["Properties"];
            triggers.push(match event["Type"].as_str().unwrap_or_default() {
                "Schedule" => {
                    let schedule = settings["Schedule"].as_str().unwrap_or_default();
                    let every = seconds(schedule).ok_or_else(|| {
                        LocalError(format!("{id}.{name}: {schedule:?} is not a supported rate"))
                    })?;
                    Trigger::Schedule { every }
                }
                other => {
                    return Err(LocalError(format!(
                        "{id}.{name}: events of type {other:?} are not supported"
                    )));
                }
            });
        }
        let mut statements = Vec::new();
        for policy in properties["Policies"].as_array().into_iter().flatten() {
            for statement in policy["Statement"].as_array().into_iter().flatten() {
                statements.push(self.resolve(statement)?);
            }
        }
        let binary = resource["Metadata"]["BuildProperties"]["Binary"].as_str();
        Ok(Function {
            logical_id: id.to_owned(),
            binary: binary
                .ok_or_else(|| {
                    LocalError(format!("{id}: Metadata.BuildProperties.Binary is missing"))
                })?
                .to_owned(),
            timeout: property("Timeout").as_u64().unwrap_or(3),
            memory: property("MemorySize").as_u64().unwrap_or(128),
            environment,
            triggers,
            statements,
        })
    }

    fn cors(&self) -> Result<Cors> {
        let settings = &self.document["Resources"]["Api"]["Properties"]["CorsConfiguration"];
        let values = |name: &str| {
            Ok(match self.resolve(&settings[name])? {
                Value::Array(values) => {
                    let values = values.iter().filter_map(Value::as_str);
                    values.map(str::to_owned).collect()
                }
                text => list(text.as_str().unwrap_or_default())
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
            })
        };
        Ok(Cors {
            origins: values("AllowOrigins")?,
            methods: values("AllowMethods")?,
            headers: values("AllowHeaders")?,
            exposed: values("ExposeHeaders")?,
        })
    }

    /// The trigger of an event source mapping, and the function it invokes.
    fn mapping(&self, id: &str, resource: &Value) -> Result<(String, Trigger)> {
        let settings = &resource["Properties"];
        let number = |value: &Value| {
            value
                .as_u64()
                .and_then(|number| usize::try_from(number).ok())
        };
        let function = invoked(&settings["FunctionName"])
            .ok_or_else(|| LocalError(format!("{id}: FunctionName must be a !Ref")))?;
        let arn = self.text(&settings["EventSourceArn"])?;
        let batch_size = number(&settings["BatchSize"]);
        let trigger = if arn.starts_with("arn:aws:dynamodb:") {
            let filters = settings["FilterCriteria"]["Filters"].as_array();
            let filters = filters.into_iter().flatten();
            let filters =
                filters.map(|it| Filter::read(it["Pattern"].as_str().unwrap_or_default()));
            Trigger::Stream {
                batch_size: batch_size.unwrap_or(100),
                filters: filters.collect::<Result<_>>()?,
            }
        } else {
            Trigger::Queue {
                arn,
                batch_size: batch_size.unwrap_or(10),
                concurrency: number(&settings["ScalingConfig"]["MaximumConcurrency"]),
            }
        };
        Ok((function.to_owned(), trigger))
    }

    /// A route, and the function that its integration calls.
    fn route(&self, id: &str, resource: &Value) -> Result<(String, Trigger)> {
        let settings = &resource["Properties"];
        let key = self.text(&settings["RouteKey"])?;
        let (method, path) = match key.split_once(' ') {
            Some((method, path)) => (method, path),
            None => ("ANY", key.as_str()),
        };
        let integration = settings["Target"]["Fn::Sub"].as_str().and_then(|target| {
            let name = target.strip_prefix("integrations/${")?;
            name.strip_suffix('}')
        });
        let integration = integration.ok_or_else(|| {
            LocalError(format!("{id}: Target must be !Sub \"integrations/${{…}}\""))
        })?;
        let function = invoked(&self.resource(integration)?["Properties"]["IntegrationUri"]);
        let function = function.ok_or_else(|| {
            LocalError(format!(
                "{integration}: IntegrationUri must be !GetAtt of a function's Arn, or !Ref of its Alias"
            ))
        })?;
        let trigger = Trigger::Route {
            method: method.to_owned(),
            path: path.to_owned(),
        };
        Ok((function.to_owned(), trigger))
    }

    fn queue(&self, id: &str, resource: &Value) -> Result<Queue> {
        let mut attributes = BTreeMap::new();
        for (name, value) in entries(&resource["Properties"]) {
            let value = match (name.as_str(), self.resolve(value)?) {
                // Encryption at rest is not emulated.
                ("SqsManagedSseEnabled", _) => continue,
                (_, Value::String(text)) => text,
                (_, value) => value.to_string(),
            };
            attributes.insert(name.clone(), value);
        }
        Ok(Queue {
            name: self.name(id),
            arn: self.attribute(id, resource, "Arn")?,
            attributes,
        })
    }

    fn bucket(&self, id: &str, resource: &Value) -> Result<Bucket> {
        let configurations =
            &resource["Properties"]["NotificationConfiguration"]["QueueConfigurations"];
        let mut notifications = Vec::new();
        for configuration in configurations.as_array().into_iter().flatten() {
            let rule = &configuration["Filter"]["S3Key"]["Rules"][0];
            let prefix = rule["Value"].as_str().unwrap_or_default();
            notifications.push((self.text(&configuration["Queue"])?, prefix.to_owned()));
        }
        Ok(Bucket {
            name: self.reference(id, resource)?,
            notifications,
            is_versioned: resource["Properties"]["VersioningConfiguration"]["Status"] == "Enabled",
        })
    }

    fn secret(&self, id: &str, resource: &Value) -> Result<SecretResource> {
        let generated = &resource["Properties"]["GenerateSecretString"];
        Ok(SecretResource {
            name: self.reference(id, resource)?,
            template: self.text(&generated["SecretStringTemplate"])?,
            key: self.text(&generated["GenerateStringKey"])?,
        })
    }

    /// Whether a condition of the template holds.
    fn holds(&self, condition: &Value) -> Result<bool> {
        let of = |name: &str| condition[name].as_array();
        if let Some([inner]) = of("Fn::Not").map(Vec::as_slice) {
            return Ok(!self.holds(inner)?);
        }
        if let Some([one, other]) = of("Fn::Equals").map(Vec::as_slice) {
            return Ok(self.resolve(one)? == self.resolve(other)?);
        }
        Err(LocalError(format!(
            "the condition {condition} is not supported; add it to shared/local/src/template.rs"
        )))
    }

    fn table(&self, id: &str, resource: &Value) -> Result<Value> {
        let properties = &resource["Properties"];
        let mut request = Map::new();
        request.insert("TableName".into(), json!(self.name(id)));
        for name in [
            "AttributeDefinitions",
            "KeySchema",
            "BillingMode",
            "GlobalSecondaryIndexes",
        ] {
            if !properties[name].is_null() {
                request.insert(name.into(), self.resolve(&properties[name])?);
            }
        }
        let view = &properties["StreamSpecification"]["StreamViewType"];
        let stream = json!({ "StreamEnabled": true, "StreamViewType": view });
        request.insert("StreamSpecification".into(), stream);
        Ok(Value::Object(request))
    }

    /// Resolves all references in a value.
    fn resolve(&self, value: &Value) -> Result<Value> {
        match value {
            Value::Array(values) => values.iter().map(|value| self.resolve(value)).collect(),
            Value::Object(object) => match object.iter().next() {
                Some((name, argument))
                    if object.len() == 1 && (name == "Ref" || name.starts_with("Fn::")) =>
                {
                    self.call(name, argument)
                }
                _ => object
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), self.resolve(value)?)))
                    .collect::<Result<Map<_, _>>>()
                    .map(Value::Object),
            },
            plain => Ok(plain.clone()),
        }
    }

    fn text(&self, value: &Value) -> Result<String> {
        Ok(match self.resolve(value)? {
            Value::String(text) => text,
            other => other.to_string(),
        })
    }

    fn call(&self, name: &str, argument: &Value) -> Result<Value> {
        match (name, argument) {
            ("Ref", Value::String(id)) => self.by_name(id),
            ("Fn::GetAtt", Value::String(path)) => self.by_path(path),
            ("Fn::GetAtt", Value::Array(parts)) => {
                let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
                self.by_path(&parts.join("."))
            }
            ("Fn::Sub", Value::String(text)) => self.substitute(text).map(Value::String),
            ("Fn::Join", Value::Array(parts)) if parts.len() == 2 => {
                let separator = parts[0].as_str().unwrap_or_default();
                let parts = match self.resolve(&parts[1])? {
                    Value::Array(parts) => parts,
                    // A parameter with a list, which is its text here.
                    text => vec![json!(list(&self.text(&text)?).join(separator))],
                };
                let parts: Result<Vec<String>> = parts.iter().map(|part| self.text(part)).collect();
                Ok(json!(parts?.join(separator)))
            }
            ("Fn::Split", Value::Array(parts)) if parts.len() == 2 => {
                let separator = parts[0].as_str().unwrap_or_default();
                let text = self.text(&parts[1])?;
                Ok(text.split(separator).map(|part| json!(part)).collect())
            }
            ("Fn::Select", Value::Array(parts)) if parts.len() == 2 => {
                let index = parts[0]
                    .as_u64()
                    .and_then(|index| usize::try_from(index).ok());
                let values = self.resolve(&parts[1])?;
                let value = index.and_then(|index| values.get(index));
                value
                    .cloned()
                    .ok_or_else(|| LocalError(format!("{values} has no value to select")))
            }
            ("Fn::If", Value::Array(parts)) if parts.len() == 3 => {
                let condition = parts[0].as_str().unwrap_or_default();
                let holds = self.holds(&self.document["Conditions"][condition])?;
                self.resolve(if holds { &parts[1] } else { &parts[2] })
            }
            ("Fn::FindInMap", Value::Array(names)) if names.len() == 3 => {
                let mut value = &self.document["Mappings"];
                for name in names {
                    value = &value[name.as_str().unwrap_or_default()];
                }
                match value {
                    Value::Null => Err(LocalError(format!("no mapping has {argument}"))),
                    value => Ok(value.clone()),
                }
            }
            _ => Err(LocalError(format!(
                "{name} of {argument} is not supported; add it to shared/local/src/template.rs"
            ))),
        }
    }

    fn substitute(&self, text: &str) -> Result<String> {
        let mut result = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            result.push_str(before);
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| LocalError(format!("{text:?} lacks a closing brace")))?;
            let value = if name.contains('.') {
                self.by_path(name)?
            } else {
                self.by_name(name)?
            };
            result.push_str(value.as_str().unwrap_or_default());
            rest = after;
        }
        result.push_str(rest);
        Ok(result)
    }

    fn by_name(&self, id: &str) -> Result<Value> {
        let pseudo = match id {
            "AWS::Region" => Some(REGION),
            "AWS::AccountId" => Some(ACCOUNT),
            "AWS::Partition" => Some("aws"),
            "AWS::URLSuffix" => Some("amazonaws.com"),
            "AWS::StackName" => Some(self.prefix.as_str()),
            _ => None,
        };
        if let Some(value) = pseudo
            .map(|value| json!(value))
            .or_else(|| self.parameters.get(id).cloned())
        {
            return Ok(value);
        }
        let parameter = &self.document["Parameters"][id];
        if !parameter.is_null() {
            return match &parameter["Default"] {
                Value::Null => Err(LocalError(format!("the parameter {id} has no value"))),
                Value::String(text) => Ok(json!(text)),
                other => Ok(json!(other.to_string())),
            };
        }
        self.reference(id, self.resource(id)?).map(Value::String)
    }

    fn by_path(&self, path: &str) -> Result<Value> {
        let (id, attribute) = path
            .split_once('.')
            .ok_or_else(|| LocalError(format!("{path:?} does not name an attribute")))?;
        let resource = self.resource(id)?;
        if let Some(output) = attribute.strip_prefix("Outputs.") {
            let nested = self.nested(id, resource)?;
            let value = &nested.document["Outputs"][output]["Value"];
            if value.is_null() {
                return Err(LocalError(format!("the stack {id} has no output {output}")));
            }
            return nested.resolve(value);
        }
        self.attribute(id, resource, attribute).map(Value::String)
    }

    fn resource(&self, id: &str) -> Result<&Value> {
        match &self.document["Resources"][id] {
            Value::Null => Err(LocalError(format!(
                "the template has no resource or parameter {id}"
            ))),
            resource => Ok(resource),
        }
    }

    /// Value of `Ref`.
    fn reference(&self, id: &str, resource: &Value) -> Result<String> {
        Ok(match resource["Type"].as_str().unwrap_or_default() {
            "AWS::SQS::Queue" => format!("{}/{ACCOUNT}/{}", self.settings.endpoint, self.name(id)),
            "AWS::S3::Bucket" => match &resource["Properties"]["BucketName"] {
                Value::Null => self.name(id).to_lowercase(),
                name => self.text(name)?,
            },
            _ => self.name(id),
        })
    }

    /// Value of `Fn::GetAtt`.
    fn attribute(&self, id: &str, resource: &Value, attribute: &str) -> Result<String> {
        let name = self.name(id);
        let kind = resource["Type"].as_str().unwrap_or_default();
        Ok(match (kind, attribute) {
            ("AWS::SQS::Queue", "Arn") => format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"),
            ("AWS::SQS::Queue", "QueueName") => name,
            ("AWS::DynamoDB::Table", "Arn") => {
                format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}")
            }
            ("AWS::DynamoDB::Table", "StreamArn") => {
                format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}/stream/local")
            }
            ("AWS::Serverless::Function", "Arn") => {
                format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")
            }
            ("AWS::S3::Bucket", "Arn") => format!("arn:aws:s3:::{}", self.reference(id, resource)?),
            ("AWS::S3::Bucket", _) => format!(
                "{}.s3.{REGION}.amazonaws.com",
                self.reference(id, resource)?
            ),
            // Its ARN on AWS; here the name finds it as well.
            ("AWS::SecretsManager::Secret", "Id") => name,
            ("AWS::CloudFront::Distribution", "DomainName") => "localhost".to_owned(),
            _ => {
                return Err(LocalError(format!(
                    "{id}.{attribute} ({kind}) is not supported; add it to shared/local/src/template.rs"
                )));
            }
        })
    }

    /// Physical name of a resource.
    fn name(&self, id: &str) -> String {
        format!("{}-{id}", self.prefix)
    }

    fn nested(&self, id: &str, resource: &Value) -> Result<Scope<'_>> {
        let properties = &resource["Properties"];
        let path = properties["TemplateURL"].as_str().unwrap_or_default();
        let mut parameters = HashMap::new();
        for (name, value) in entries(&properties["Parameters"]) {
            parameters.insert(name.clone(), self.resolve(value)?);
        }
        Ok(Scope {
            documents: self.documents,
            settings: self.settings,
            parameters,
            prefix: format!("{}-{id}", self.prefix),
            document: self.documents.get(path)?,
        })
    }
}

/// The function that something invokes: by its name, its ARN, or its alias, which is the function itself here.
pub fn invoked(reference: &Value) -> Option<&str> {
    let attribute = reference["Fn::GetAtt"].as_str();
    let arn = attribute.and_then(|name| name.strip_suffix(".Arn"));
    arn.or_else(|| {
        let name = reference["Ref"].as_str()?;
        Some(name.strip_suffix(ALIAS).unwrap_or(name))
    })
}

/// Ending of a function's name where something invokes its alias: `!Ref PlaceOrder.Alias`.
pub const ALIAS: &str = ".Alias";

/// The values of a parameter of type `CommaDelimitedList`.
fn list(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).collect()
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> + Clone {
    value.as_object().into_iter().flatten()
}

/// The root template and every template that it nests, each by its path in the repository.
pub fn load_all(root: &Path) -> Result<BTreeMap<String, Value>> {
    let document = load(&root.join("template.yaml"))?;
    let mut templates = BTreeMap::new();
    for resource in resources(&document) {
        if let Some(path) = resource["Properties"]["TemplateURL"].as_str() {
            templates.insert(path.to_owned(), load(&root.join(path))?);
        }
    }
    templates.insert("template.yaml".to_owned(), document);
    Ok(templates)
}

/// The resources of a template.
pub fn resources(template: &Value) -> impl Iterator<Item = &Value> {
    resources_by_name(template).map(|(_, resource)| resource)
}

/// The resources of a template with their logical ids.
pub fn resources_by_name(template: &Value) -> impl Iterator<Item = (&str, &Value)> + Clone {
    entries(&template["Resources"]).map(|(name, resource)| (name.as_str(), resource))
}

/// Reads a template file as JSON, with short forms (`!Ref x`) expanded (`{"Ref": "x"}`).
pub fn load(path: &Path) -> Result<Value> {
    let text =
        std::fs::read_to_string(path).map_err(|error| LocalError::new(path.display(), error))?;
    let yaml: serde_yaml_ng::Value =
        serde_yaml_ng::from_str(&text).map_err(|error| LocalError::new(path.display(), error))?;
    plain(yaml).map_err(|error| LocalError::new(path.display(), error))
}

fn plain(yaml: serde_yaml_ng::Value) -> Result<Value> {
    use serde_yaml_ng::Value as Yaml;
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => json!(value),
        Yaml::Number(number) => {
            serde_json::to_value(number).map_err(|error| LocalError(error.to_string()))?
        }
        Yaml::String(text) => json!(text),
        Yaml::Sequence(values) => values.into_iter().map(plain).collect::<Result<_>>()?,
        Yaml::Mapping(mapping) => {
            let mut object = Map::new();
            for (key, value) in mapping {
                let key = match key {
                    Yaml::String(key) => key,
                    other => plain(other)?.to_string(),
                };
                object.insert(key, plain(value)?);
            }
            Value::Object(object)
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = tag.trim_start_matches('!');
            let name = if name == "Ref" {
                name.to_owned()
            } else {
                format!("Fn::{name}")
            };
            json!({ name: plain(tagged.value)? })
        }
    })
}

/// Seconds of a rate such as `rate(15 minutes)`.
fn seconds(schedule: &str) -> Option<u64> {
    let rate = schedule.strip_prefix("rate(")?.strip_suffix(')')?;
    let (count, unit) = rate.split_once(' ')?;
    let unit = match unit.trim_end_matches('s') {
        "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        _ => return None,
    };
    Some(count.parse::<u64>().ok()? * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template() -> Template {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let settings = Settings {
            stack_name: "test".into(),
            endpoint: "http://127.0.0.1:1".into(),
            parameters: BTreeMap::from([("Currency".into(), "EUR".into())]),
        };
        Template::read(&root, &settings).unwrap()
    }

    #[test]
    fn functions_come_with_their_routes_and_environment() {
        let template = template();
        let place = template
            .functions
            .iter()
            .find(|function| function.binary == "place-order")
            .unwrap();
        assert_eq!(place.environment["CURRENCY"], "EUR");
        assert_eq!(place.environment["TABLE_NAME"], template.table["TableName"]);
        assert_eq!(place.environment["LOG_LEVEL"], "info");
        let route = Trigger::Route {
            method: "POST".into(),
            path: "/v1/orders".into(),
        };
        assert_eq!(place.triggers, [route]);
    }

    // Kind of fault: a default that gives something away.
    #[test]
    fn nobody_deploys_a_free_shop_or_a_known_secret_by_default() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let document = load(&root.join("template.yaml")).unwrap();
        for (name, _) in ON_THIS_MACHINE {
            let parameter = &document["Parameters"][name];
            assert!(parameter["AllowedPattern"].is_string(), "{name}");
            assert_eq!(parameter["Default"], Value::Null, "{name}");
        }
        for name in UNLIMITED_HERE {
            let default = document["Parameters"][name]["Default"].as_u64();
            assert!(default.is_some_and(|limit| limit > 0), "{name}");
        }
        let (name, _) = DEFAULT_LIMITS_HERE;
        assert_eq!(document["Parameters"][name]["Default"], "on");
        // The provider for tests, whose token everybody knows, is for tests alone.
        let challenges = &document["Parameters"]["ChallengeProvider"];
        assert_eq!(challenges["Default"], "none");
        assert_eq!(challenges["AllowedValues"], json!(["none", "turnstile"]));
    }

    #[test]
    fn whatever_invokes_a_function_names_it() {
        for (reference, function) in [
            (
                json!({ "Fn::GetAtt": "PlaceOrder.Arn" }),
                Some("PlaceOrder"),
            ),
            (json!({ "Ref": "PlaceOrder.Alias" }), Some("PlaceOrder")),
            (json!({ "Ref": "PlaceOrder" }), Some("PlaceOrder")),
            (json!({ "Fn::GetAtt": "Queue.Url" }), None),
            (
                json!("arn:aws:lambda:us-east-1:000000000000:function:x"),
                None,
            ),
        ] {
            assert_eq!(invoked(&reference), function, "{reference}");
        }
    }

    #[test]
    fn cors_is_read_from_its_one_place() {
        let cors = template().cors;
        assert_eq!(cors.origins, ["*"]);
        for header in ["if-match", "traceparent", "admission"] {
            assert!(cors.headers.iter().any(|it| it == header), "{header}");
        }
        assert!(cors.methods.iter().any(|it| it == "PATCH"));
    }

    #[test]
    fn queues_are_found_through_nested_outputs() {
        let template = template();
        let relay = template
            .functions
            .iter()
            .find(|function| function.binary == "relay-events")
            .unwrap();
        let capture = template
            .functions
            .iter()
            .find(|function| function.binary == "capture-payment")
            .unwrap();
        let Trigger::Queue { arn, .. } = &capture.triggers[0] else {
            unreachable!("it reads a queue")
        };
        let queue = template
            .queues
            .iter()
            .find(|queue| queue.arn == *arn)
            .unwrap();
        assert!(relay.environment["CAPTURE_PAYMENT_QUEUE_URL"].ends_with(&queue.name));
        assert!(queue.attributes["RedrivePolicy"].contains("maxReceiveCount"));
    }
}
