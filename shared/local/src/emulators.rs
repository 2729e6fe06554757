//! Runs the emulators: DynamoDB in this process; SQS, S3 and SES in a child process.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    process::Stdio,
};

use aws_sdk_s3::types::{
    BucketVersioningStatus, Event, FilterRule, FilterRuleName, NotificationConfiguration,
    NotificationConfigurationFilter, QueueConfiguration, S3KeyFilter, VersioningConfiguration,
};
use aws_sdk_sqs::types::QueueAttributeName;
use dynoxide::{Database, actions::create_table::CreateTableRequest};
use ring::rand::SecureRandom;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{
    LocalError, REGION, Result,
    policies::Policies,
    template::{Bucket, Queue, SecretResource, Settings, Template},
};

/// The emulators of one stack. Dropping them stops them.
pub struct Emulators {
    /// The database itself, beside its HTTP endpoint.
    pub database: Database,
    /// Endpoint of DynamoDB.
    pub dynamodb: String,
    /// Endpoint of SQS, S3 and SES.
    pub endpoint: String,
    /// Client for the queues.
    pub sqs: aws_sdk_sqs::Client,
    /// Client for the buckets.
    pub s3: aws_sdk_s3::Client,
    policies: Policies,
    child: Child,
    /// Temporary files of the child process, which exits too fast to remove them when dropped.
    _scratch: TempDir,
}

impl Emulators {
    /// Starts the emulators. `root` is the project's folder, `data` the folder for persistent data;
    /// without it, nothing persists.
    pub async fn start(root: &Path, data: Option<&Path>) -> Result<Self> {
        let scratch = TempDir::with_prefix("stampede-").map_err(|error| {
            LocalError::new("the folder for temporary files cannot be created", error)
        })?;
        let database = crate::database::open(data, scratch.path())?;
        let policies = Policies::default();
        let dynamodb = crate::dynamodb::serve(database.clone(), policies.clone()).await?;
        let (child, endpoint) = start_ministack(root, data, scratch.path()).await?;
        let config = crate::sdk::config(&endpoint);
        let s3 = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(true)
            .build();
        Ok(Self {
            database,
            dynamodb,
            sqs: aws_sdk_sqs::Client::new(&config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            endpoint,
            policies,
            child,
            _scratch: scratch,
        })
    }

    /// Variables that point AWS clients to the emulators.
    pub fn environment(&self) -> BTreeMap<String, String> {
        client_environment(&self.endpoint, &self.dynamodb)
    }

    /// Endpoint of DynamoDB for a function, which allows what its policies do.
    pub fn dynamodb_of(&self, function: &str) -> String {
        format!("{}/{function}", self.dynamodb)
    }

    /// Id of the child process that emulates SQS, S3 and SES.
    pub fn process_id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Creates the template's resources that do not exist yet, and enforces the functions' policies on its table from then on.
    pub async fn provision(&self, template: &Template) -> Result<()> {
        self.policies.set(&template.functions);
        let table: CreateTableRequest = serde_json::from_value(template.table.clone())
            .map_err(|error| LocalError::new("the table in infra/data.yaml", error))?;
        let there = self.database.describe_table(
            serde_json::from_value(table_name(template))
                .map_err(|error| LocalError(error.to_string()))?,
        );
        if there.is_err() {
            self.database
                .create_table(table)
                .map_err(|error| LocalError::new("the table cannot be created", error))?;
        }
        // Dead-letter queues first, as the other queues refer to them.
        let (plain, redriving): (Vec<&Queue>, Vec<&Queue>) = template
            .queues
            .iter()
            .partition(|queue| !queue.attributes.contains_key("RedrivePolicy"));
        for queue in plain.into_iter().chain(redriving) {
            self.create_queue(queue).await?;
        }
        for bucket in &template.buckets {
            self.create_bucket(bucket).await?;
        }
        for secret in &template.secrets {
            self.create_secret(secret).await?;
        }
        Ok(())
    }

    /// Inserts items into the table, bypassing its endpoint and stream, for tests that need many. Items
    /// are in DynamoDB JSON, as returned by a scan.
    pub fn load(&self, table: &str, items: Vec<Value>) -> Result<()> {
        let failed =
            |error: &dyn std::fmt::Display| LocalError::new("items cannot be loaded", error);
        let items: Result<Vec<_>, _> = items.into_iter().map(serde_json::from_value).collect();
        let items = items.map_err(|error| failed(&error))?;
        self.database
            .import_items(table, items, dynoxide::ImportOptions::default())
            .map_err(|error| failed(&error))?;
        Ok(())
    }

    /// Stops the child process and waits until it has exited.
    pub async fn stop(&mut self) {
        // Closing its standard input makes it store its data and exit.
        drop(self.child.stdin.take());
        let stopped =
            tokio::time::timeout(std::time::Duration::from_secs(5), self.child.wait()).await;
        if stopped.is_err() {
            // Killed if it is too slow; only fails if it has exited by now.
            let _ = self.child.kill().await;
        }
    }

    async fn create_queue(&self, queue: &Queue) -> Result<()> {
        let failed =
            |error: &dyn std::fmt::Display| LocalError::new(format!("queue {}", queue.name), error);
        let attributes: HashMap<QueueAttributeName, String> = queue
            .attributes
            .iter()
            .map(|(name, value)| (QueueAttributeName::from(name.as_str()), value.clone()))
            .collect();
        let created = self
            .sqs
            .create_queue()
            .queue_name(&queue.name)
            .send()
            .await
            .map_err(|error| failed(&aws_sdk_sqs::error::DisplayErrorContext(error)))?;
        // Separately, as an existing queue may have had other attributes.
        self.sqs
            .set_queue_attributes()
            .queue_url(created.queue_url.unwrap_or_default())
            .set_attributes(Some(attributes))
            .send()
            .await
            .map_err(|error| failed(&aws_sdk_sqs::error::DisplayErrorContext(error)))?;
        Ok(())
    }

    /// The text of a secret.
    pub async fn secret(&self, name: &str) -> Result<String> {
        let body = serde_json::json!({ "SecretId": name });
        let failed =
            |error: &dyn std::fmt::Display| LocalError::new(format!("secret {name}"), error);
        let answer = self.secrets_manager("GetSecretValue", &body).await;
        let (is_read, text) = answer.map_err(|error| failed(&error))?;
        let answer: Value = serde_json::from_str(&text).map_err(|error| failed(&error))?;
        match answer["SecretString"].as_str().filter(|_| is_read) {
            Some(secret) => Ok(secret.to_owned()),
            None => Err(failed(&text)),
        }
    }

    /// Calls Secrets Manager: whether it succeeded, and the answer. By plain HTTP: no tool needs the service's SDK otherwise, and
    /// the emulator reads only region and service of the signature.
    async fn secrets_manager(
        &self,
        operation: &str,
        body: &Value,
    ) -> std::result::Result<(bool, String), reqwest::Error> {
        let request = reqwest::Client::new()
            .post(&self.endpoint)
            .header("X-Amz-Target", format!("secretsmanager.{operation}"))
            .header("Content-Type", "application/x-amz-json-1.1")
            .header("Authorization", format!("AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/secretsmanager/aws4_request, SignedHeaders=host, Signature=00"))
            .body(body.to_string());
        let answer = request.send().await?;
        Ok((answer.status().is_success(), answer.text().await?))
    }

    /// Makes a secret as CloudFormation does, unless it is there.
    async fn create_secret(&self, secret: &SecretResource) -> Result<()> {
        let failed = |error: &dyn std::fmt::Display| {
            LocalError::new(format!("secret {}", secret.name), error)
        };
        let mut random = [0; 32];
        ring::rand::SystemRandom::new()
            .fill(&mut random)
            .map_err(|error| failed(&error))?;
        let mut text: Value =
            serde_json::from_str(&secret.template).map_err(|error| failed(&error))?;
        let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        text[&secret.key] = digits.into();
        let body = serde_json::json!({ "Name": secret.name, "SecretString": text.to_string() });
        let answer = self.secrets_manager("CreateSecret", &body).await;
        let (is_made, text) = answer.map_err(|error| failed(&error))?;
        match is_made || text.contains("ResourceExistsException") {
            true => Ok(()),
            false => Err(failed(&text)),
        }
    }

    async fn create_bucket(&self, bucket: &Bucket) -> Result<()> {
        let failed = |error: &dyn std::fmt::Display| {
            LocalError::new(format!("bucket {}", bucket.name), error)
        };
        let there = self
            .s3
            .head_bucket()
            .bucket(&bucket.name)
            .send()
            .await
            .is_ok();
        if !there {
            self.s3
                .create_bucket()
                .bucket(&bucket.name)
                .send()
                .await
                .map_err(|error| failed(&aws_sdk_s3::error::DisplayErrorContext(error)))?;
        }
        if bucket.is_versioned {
            let status = BucketVersioningStatus::Enabled;
            let versioning = VersioningConfiguration::builder().status(status).build();
            self.s3
                .put_bucket_versioning()
                .bucket(&bucket.name)
                .versioning_configuration(versioning)
                .send()
                .await
                .map_err(|error| failed(&aws_sdk_s3::error::DisplayErrorContext(error)))?;
        }
        let configurations: Result<Vec<_>, _> = bucket
            .notifications
            .iter()
            .map(|(queue, prefix)| {
                let rule = FilterRule::builder()
                    .name(FilterRuleName::Prefix)
                    .value(prefix)
                    .build();
                let key = S3KeyFilter::builder().filter_rules(rule).build();
                QueueConfiguration::builder()
                    .queue_arn(queue)
                    .events(Event::S3ObjectCreated)
                    .filter(NotificationConfigurationFilter::builder().key(key).build())
                    .build()
            })
            .collect();
        let configurations = configurations.map_err(|error| failed(&error))?;
        if !configurations.is_empty() {
            let notification = NotificationConfiguration::builder()
                .set_queue_configurations(Some(configurations))
                .build();
            self.s3
                .put_bucket_notification_configuration()
                .bucket(&bucket.name)
                .notification_configuration(notification)
                .send()
                .await
                .map_err(|error| failed(&aws_sdk_s3::error::DisplayErrorContext(error)))?;
        }
        Ok(())
    }
}

/// DynamoDB alone, for unit tests of code on top of the table: many empty tables, as the template
/// declares them, and no other emulator. Dropping it stops it.
pub struct Tables {
    database: Database,
    endpoint: String,
    definition: Value,
    /// Temporary files of the database.
    _scratch: TempDir,
}

impl Tables {
    /// Starts DynamoDB without any table. `root` is the project's folder.
    pub async fn start(root: &Path) -> Result<Self> {
        let settings = Settings {
            stack_name: "tables".to_owned(),
            endpoint: String::new(),
            parameters: BTreeMap::new(),
        };
        let definition = Template::read(root, &settings)?.table;
        let scratch = TempDir::with_prefix("stampede-").map_err(|error| {
            LocalError::new("the folder for temporary files cannot be created", error)
        })?;
        let database = crate::database::open(None, scratch.path())?;
        Ok(Self {
            endpoint: crate::dynamodb::serve(database.clone(), Policies::default()).await?,
            database,
            definition,
            _scratch: scratch,
        })
    }

    /// Creates an empty table of this name.
    pub fn create(&self, name: &str) -> Result<()> {
        let mut definition = self.definition.clone();
        definition["TableName"] = name.into();
        let failed =
            |error: &dyn std::fmt::Display| LocalError::new(format!("table {name}"), error);
        let definition: CreateTableRequest =
            serde_json::from_value(definition).map_err(|error| failed(&error))?;
        self.database
            .create_table(definition)
            .map_err(|error| failed(&error))?;
        Ok(())
    }

    /// All items of a table, in DynamoDB JSON.
    pub fn items(&self, name: &str) -> Result<Vec<Value>> {
        let failed =
            |error: &dyn std::fmt::Display| LocalError::new(format!("table {name}"), error);
        let scan = serde_json::from_value(serde_json::json!({ "TableName": name }))
            .map_err(|error| failed(&error))?;
        let answer = self.database.scan(scan).map_err(|error| failed(&error))?;
        let mut answer = serde_json::to_value(answer).map_err(|error| failed(&error))?;
        match answer["Items"].take() {
            Value::Array(items) => Ok(items),
            _ => Err(LocalError(format!("table {name}: a scan without items"))),
        }
    }

    /// Writes items to a table as they are, in DynamoDB JSON.
    pub fn put(&self, name: &str, items: Vec<Value>) -> Result<()> {
        let failed =
            |error: &dyn std::fmt::Display| LocalError::new(format!("table {name}"), error);
        for item in items {
            let put = serde_json::json!({ "TableName": name, "Item": item });
            let put = serde_json::from_value(put).map_err(|error| failed(&error))?;
            self.database
                .put_item(put)
                .map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    /// Variables that point AWS clients to DynamoDB, and to `endpoint` for every other service.
    pub fn environment(&self, endpoint: &str) -> BTreeMap<String, String> {
        client_environment(endpoint, &self.endpoint)
    }
}

fn table_name(template: &Template) -> Value {
    serde_json::json!({ "TableName": template.table["TableName"] })
}

/// Environment of a client of the emulators.
fn client_environment(endpoint: &str, dynamodb: &str) -> BTreeMap<String, String> {
    let variables = [
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb),
    ];
    variables
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

/// Starts SQS, S3 and SES on a free port and waits until they respond.
async fn start_ministack(
    root: &Path,
    data: Option<&Path>,
    scratch: &Path,
) -> Result<(Child, String)> {
    let python: PathBuf = root.join(".venv/bin/python");
    if !python.exists() {
        return Err(LocalError(format!(
            "{} is missing: run `make setup`",
            python.display()
        )));
    }
    let mut command = Command::new(&python);
    command
        .arg(root.join("infra/local/emulator.py"))
        .args(["--port", "0", "--exit-with-stdin"])
        .env("TMPDIR", scratch)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        // Ctrl-C is handled by the parent; the child exits when its standard input closes.
        .process_group(0);
    if let Some(data) = data {
        command.arg("--state-dir").arg(data.join("emulator"));
    }
    let failed = |error: std::io::Error| {
        LocalError::new("the emulator of SQS, S3 and SES cannot be started", error)
    };
    let mut child = command.spawn().map_err(failed)?;
    let mut lines = BufReader::new(
        child
            .stdout
            .take()
            .ok_or_else(|| LocalError("no standard output".into()))?,
    )
    .lines();
    while let Some(line) = lines.next_line().await.map_err(failed)? {
        if let Some(endpoint) = line.strip_prefix("ready ") {
            let endpoint = endpoint
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned();
            // Keeps reading, so that the child never blocks on a full pipe.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok((child, endpoint));
        }
    }
    Err(LocalError(
        "the emulator of SQS, S3 and SES exited before it was ready; see its output above".into(),
    ))
}
