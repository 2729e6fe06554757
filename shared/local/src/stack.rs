//! A whole shop, running.

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
    lambda::{Lambda, LogSink},
    template::{Settings, Template, Trigger},
    triggers::{QueuePoller, StreamPoller},
};

/// Name of the stack, which begins the names of everything in it.
const STACK_NAME: &str = "stampede";

/// What to run.
pub struct Options {
    /// The project's folder.
    pub root: PathBuf,
    /// Where the functions' binaries are.
    pub binaries: PathBuf,
    /// Where data is kept between runs; without it, nothing is.
    pub data: Option<PathBuf>,
    /// Port of the shop's address; 0 takes a free one.
    pub port: u16,
    /// Parameters of the template.
    pub parameters: BTreeMap<String, String>,
    /// Where log lines go.
    pub log: LogSink,
    /// Has the last word on a function's environment: name of the function, its variables. For tests
    /// that stand between a function and what it calls.
    pub wiring: Option<Wiring>,
    /// Whether messages whose function died come back at once instead of after their queue's
    /// visibility timeout. For tests.
    pub impatient: bool,
}

/// See [`Options::wiring`].
pub type Wiring = Box<dyn Fn(&str, &mut BTreeMap<String, String>) + Send + Sync>;

/// What the functions stand on, without them: the emulators, with everything in them that the template
/// names. Dropping it ends them.
pub struct Aws {
    /// What the template says.
    pub template: Template,
    /// What answers in place of AWS.
    pub emulators: Emulators,
}

impl Aws {
    /// Starts the emulators and makes what the template names. `data` is where it is kept between runs;
    /// without it, nothing is.
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

    /// What all functions share, the addresses of the emulators included.
    pub fn environment(&self) -> Variables {
        shared_environment(&self.template, &self.emulators)
    }

    /// Stops the emulators, and waits until what they hold is stored.
    pub async fn stop(mut self) {
        self.emulators.stop().await;
    }
}

/// A running shop. Dropping it ends everything it started.
pub struct Stack {
    /// Its address, such as `http://127.0.0.1:8080`.
    pub address: String,
    /// What the template says.
    pub template: Template,
    /// Its functions.
    pub lambda: Lambda,
    /// What it stands on.
    pub emulators: Emulators,
    triggers: Vec<JoinHandle<()>>,
    gateway: JoinHandle<()>,
}

impl Stack {
    /// Starts it and waits until it can be used.
    pub async fn start(options: Options) -> Result<Self> {
        let failed = |error: std::io::Error| LocalError::new("the shop's address", error);
        let listener = listen(options.port)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let Aws {
            template,
            emulators,
        } = Aws::start(&options.root, options.data.as_deref(), options.parameters).await?;
        let mut functions = template.functions.clone();
        for function in &mut functions {
            function.environment.extend(emulators.environment());
            if let Some(wiring) = &options.wiring {
                wiring(&function.binary, &mut function.environment);
            }
        }
        let lambda = Lambda::start(functions, &options.binaries, Arc::clone(&options.log)).await?;

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
                                // What failed is in the log, and is tried again next time.
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
                    Trigger::Stream { batch_size } => {
                        let table = template.table["TableName"].as_str().unwrap_or_default();
                        let poller = StreamPoller {
                            database: emulators.database.clone(),
                            table: table.to_owned(),
                            function: function.binary.clone(),
                            batch_size: *batch_size,
                            lambda: lambda.clone(),
                            position: options
                                .data
                                .as_deref()
                                .map(|data| data.join("stream-position")),
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
        let gateway = Gateway::new(&template, &options.root, lambda.clone(), &emulators, queues)?;
        let gateway = tokio::spawn(async move {
            // Ends with its task; an address that is lost is noticed by whoever uses it.
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

    /// What all functions share, the addresses of the emulators included.
    pub fn environment(&self) -> Variables {
        shared_environment(&self.template, &self.emulators)
    }

    /// From now on nothing calls a function but requests and [`Lambda::invoke`]: no queue, no stream,
    /// no clock. For those who measure one function at a time.
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

    /// Stops everything it started, and waits until it has stopped.
    pub async fn stop(mut self) {
        self.abort();
        self.lambda.restart(None).await;
        self.emulators.stop().await;
    }

    /// Puts the pictures of the demo catalogue where it says they are.
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

    /// Puts a file into a bucket by the name of the template's output that names it.
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

/// Listens on a port of this machine; 0 takes a free one.
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
