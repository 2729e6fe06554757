//! Runs a complete shop.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::task::JoinHandle;

use crate::{
    LocalError, Result,
    emulators::Emulators,
    environment::{Environments, Variables},
    gateway::Gateway,
    lambda::{BeforeInvoke, Lambda, LogSink},
    template::{Settings, Template, Trigger},
    triggers::{QueuePoller, StreamPoller},
};

/// Name of the stack, and prefix of the names of its resources.
const STACK_NAME: &str = "stampede";

/// The function that publishes the keys of access tokens.
const KEYS: &str = "rotate-keys";

/// Configuration of a local shop.
pub struct Options {
    /// Folder of the project.
    pub root: PathBuf,
    /// Folder of the functions' binaries.
    pub binaries: PathBuf,
    /// Folder for persistent data; without it, nothing persists.
    pub data: Option<PathBuf>,
    /// Port of the shop; 0 chooses a free one.
    pub port: u16,
    /// Parameters of the template that differ from their defaults.
    pub parameters: BTreeMap<String, String>,
    /// Receives the log lines.
    pub log: LogSink,
    /// Awaited before each invocation. `make dev` builds the function meanwhile.
    pub before_invoke: Option<BeforeInvoke>,
    /// Modifies a function's environment: name of the function, its variables. For tests that intercept
    /// the calls of a function.
    pub wiring: Option<Wiring>,
    /// Whether messages whose function crashed are redelivered at once instead of after the visibility
    /// timeout. For tests.
    pub impatient: bool,
}

/// See [`Options::wiring`].
pub type Wiring = Box<dyn Fn(&str, &mut BTreeMap<String, String>) + Send + Sync>;

/// The emulators with all resources of the template, without functions. Dropping it stops them.
pub struct Aws {
    /// The template that was read.
    pub template: Template,
    /// The emulators of AWS services.
    pub emulators: Emulators,
}

impl Aws {
    /// Starts the emulators and creates the template's resources. `data` is the folder for persistent
    /// data; without it, nothing persists.
    pub async fn start(
        root: &Path,
        data: Option<&Path>,
        parameters: BTreeMap<String, String>,
    ) -> Result<Self> {
        if let Some(data) = data {
            std::fs::create_dir_all(data)
                .map_err(|error| LocalError::new(data.display(), error))?;
        }
        let emulators = Emulators::start(root, data).await?;
        let settings = Settings {
            stack_name: STACK_NAME.into(),
            endpoint: emulators.endpoint.clone(),
            parameters,
        };
        let template = Template::read(root, &settings)?;
        emulators.provision(&template).await?;
        Ok(Self {
            template,
            emulators,
        })
    }

    /// Variables that all functions share, including the emulators' endpoints.
    pub fn environment(&self) -> Variables {
        shared_environment(&self.template, &self.emulators)
    }

    /// Stops the emulators, and waits until their data is stored.
    pub async fn stop(mut self) {
        self.emulators.stop().await;
    }
}

/// A running shop. Dropping it stops everything it started.
pub struct Stack {
    /// URL of the shop, such as `http://127.0.0.1:8080`.
    pub address: String,
    /// The template that was read.
    pub template: Template,
    /// The functions of the shop.
    pub lambda: Lambda,
    /// The emulators of AWS services.
    pub emulators: Emulators,
    triggers: Vec<JoinHandle<()>>,
    gateway: JoinHandle<()>,
}

impl Stack {
    /// Starts the shop and waits until it is ready.
    pub async fn start(options: Options) -> Result<Self> {
        let failed = |error: std::io::Error| LocalError::new("the shop's address", error);
        let listener = listen(options.port)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let mut parameters = options.parameters;
        // By this name and not by the number: browsers have no passkeys for a bare address.
        let localhost = format!("http://localhost:{}", address.port());
        parameters
            .entry("ShopAddress".to_owned())
            .or_insert(localhost);
        let Aws {
            template,
            emulators,
        } = Aws::start(&options.root, options.data.as_deref(), parameters).await?;
        let mut functions = template.functions.clone();
        for function in &mut functions {
            function.environment.extend(emulators.environment());
            function.environment.insert(
                "AWS_ENDPOINT_URL_DYNAMODB".to_owned(),
                emulators.dynamodb_of(&function.binary),
            );
            if let Some(wiring) = &options.wiring {
                wiring(&function.binary, &mut function.environment);
            }
        }
        let lambda = Lambda::start(
            functions,
            &options.binaries,
            Arc::clone(&options.log),
            options.before_invoke,
        )
        .await?;

        let mut triggers = Vec::new();
        let mut queues = Vec::new();
        for queue in &template.queues {
            queues.push((
                queue.name.clone(),
                queue_url(&template, &emulators, &queue.arn)?,
            ));
        }
        for function in &template.functions {
            for trigger in &function.triggers {
                match trigger {
                    Trigger::Route { .. } => {}
                    Trigger::Schedule { every } => {
                        let (lambda, name) = (lambda.clone(), function.binary.clone());
                        let every = std::time::Duration::from_secs(*every);
                        triggers.push(tokio::spawn(async move {
                            loop {
                                tokio::time::sleep(every).await;
                                // Failures are logged, and the next scheduled run tries again.
                                let _ = lambda.invoke(&name, "{}".into()).await;
                            }
                        }));
                    }
                    Trigger::Queue {
                        arn,
                        batch_size,
                        concurrency,
                    } => {
                        let poller = QueuePoller {
                            sqs: emulators.sqs.clone(),
                            url: queue_url(&template, &emulators, arn)?,
                            arn: arn.clone(),
                            function: function.binary.clone(),
                            batch_size: *batch_size,
                            concurrency: concurrency.unwrap_or(5),
                            impatient: options.impatient,
                            lambda: lambda.clone(),
                        };
                        triggers.push(tokio::spawn(poller.run()));
                    }
                    Trigger::Stream {
                        batch_size,
                        filters,
                    } => {
                        let table = template.table["TableName"].as_str().unwrap_or_default();
                        let poller = StreamPoller {
                            database: emulators.database.clone(),
                            table: table.to_owned(),
                            function: function.binary.clone(),
                            batch_size: *batch_size,
                            filters: filters.clone(),
                            lambda: lambda.clone(),
                            position: options
                                .data
                                .as_deref()
                                .map(|data| data.join(stream_position(&function.binary))),
                        };
                        let log = Arc::clone(&options.log);
                        triggers.push(tokio::spawn(async move {
                            if let Err(error) = poller.run().await {
                                log("stream", &format!("error: {error}"));
                            }
                        }));
                    }
                }
            }
        }
        // As a deployment does, which cannot wait for its schedule: nobody signs in before.
        let is_there = |name: &str| template.functions.iter().any(|it| it.binary == name);
        if is_there(KEYS) {
            let published = lambda.invoke(KEYS, "{}".into()).await;
            published.map_err(|error| LocalError(format!("{KEYS}: {error}")))?;
        }
        let gateway = Gateway::new(&template, &options.root, lambda.clone(), &emulators, queues)?;
        let gateway = tokio::spawn(async move {
            // Ends with its task; users of the address notice if it is lost.
            let _ = gateway.run(listener).await;
        });
        Ok(Self {
            address: format!("http://{address}"),
            template,
            lambda,
            emulators,
            triggers,
            gateway,
        })
    }

    /// Variables that all functions share, including the emulators' endpoints.
    pub fn environment(&self) -> Variables {
        shared_environment(&self.template, &self.emulators)
    }

    /// Disables all triggers: from now on functions are only invoked by requests and
    /// [`Lambda::invoke`]. To measure one function at a time.
    pub fn stop_triggers(&mut self) {
        for trigger in self.triggers.drain(..) {
            trigger.abort();
        }
    }

    fn abort(&self) {
        for task in self.triggers.iter().chain([&self.gateway]) {
            task.abort();
        }
    }

    /// Stops everything that was started, and waits for it.
    pub async fn stop(mut self) {
        self.abort();
        self.lambda.restart(None).await;
        self.emulators.stop().await;
    }

    /// Uploads the images of the demo catalog to the keys that it names.
    pub async fn upload_demo_pictures(&self, root: &Path) -> Result<()> {
        let folder = root.join("web/demo/media");
        let failed = |error: std::io::Error| LocalError::new(folder.display(), error);
        for picture in std::fs::read_dir(&folder).map_err(failed)? {
            let picture = picture.map_err(failed)?;
            let key = format!("media/demo/{}", picture.file_name().to_string_lossy());
            self.upload("MediaBucketName", &key, &picture.path())
                .await?;
        }
        Ok(())
    }

    /// Uploads a file to the bucket that an output of the template names.
    pub async fn upload(&self, bucket_output: &str, key: &str, path: &Path) -> Result<()> {
        let bucket = self.template.outputs.get(bucket_output);
        let bucket = bucket
            .ok_or_else(|| LocalError(format!("template.yaml has no output {bucket_output}")))?;
        let bytes = tokio::fs::read(path)
            .await
            .map_err(|error| LocalError::new(path.display(), error))?;
        self.emulators
            .s3
            .put_object()
            .bucket(bucket)
            .key(key)
            .content_type(crate::gateway::content_type(key))
            .body(bytes.into())
            .send()
            .await
            .map_err(|error| {
                LocalError::new(
                    format!("{key} cannot be uploaded"),
                    aws_sdk_s3::error::DisplayErrorContext(error),
                )
            })?;
        Ok(())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.abort();
    }
}

/// Name of the file with the position of a reader of the stream: each has its own.
fn stream_position(function: &str) -> String {
    format!("stream-position-{function}")
}

/// Listens on a local port; 0 chooses a free one.
pub fn listen(port: u16) -> Result<std::net::TcpListener> {
    std::net::TcpListener::bind(("127.0.0.1", port)).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AddrInUse {
            LocalError(format!(
                "port {port} of 127.0.0.1 is taken: stop what holds it, or choose another with PORT={}",
                port.wrapping_add(1)
            ))
        } else {
            LocalError::new(format!("port {port} of 127.0.0.1 cannot be used"), error)
        }
    })
}

fn shared_environment(template: &Template, emulators: &Emulators) -> Variables {
    let mut variables = Environments::of(&template.functions).shared;
    variables.extend(emulators.environment());
    variables
}

fn queue_url(template: &Template, emulators: &Emulators, arn: &str) -> Result<String> {
    let queue = template.queues.iter().find(|queue| queue.arn == arn);
    let queue = queue.ok_or_else(|| LocalError(format!("no queue of the template is {arn}")))?;
    Ok(format!(
        "{}/{}/{}",
        emulators.endpoint,
        crate::ACCOUNT,
        queue.name
    ))
}
