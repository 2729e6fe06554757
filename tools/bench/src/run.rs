//! `make bench` and `make bench-diff`: measures all functions in a shop of their own.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use bench::{
    binaries::{self, Binaries, HELLO, STOCK, Way},
    report::{Function, Machine, Report},
};
use local::{
    executor::executor,
    lambda::Lambda,
    meter::Meter,
    outcome::Outcome,
    project,
    template::{Function as TemplateFunction, Trigger},
};

use crate::{
    measure::{self, Effort, Floor},
    page,
    scenarios::{Events, Expected, SCENARIOS, Scenario},
    table,
    world::{Setting, World},
};

/// What to measure.
#[derive(clap::Args, Debug)]
pub(crate) struct Options {
    /// Only these functions, separated by commas
    #[arg(long, value_delimiter = ',')]
    functions: Vec<String>,
    /// Fresh processes of each function
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=1000))]
    starts: u32,
    /// Calls of a warm process
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    invocations: u32,
    /// Calls after which a process's memory is looked at; 0 leaves it out
    #[arg(long, default_value_t = 100_000)]
    soak: u32,
    /// Take the binaries as they are
    #[arg(long)]
    no_build: bool,
    /// Folder of the report
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

impl Options {
    fn effort(&self) -> Effort {
        Effort {
            starts: self.starts as usize,
            invocations: self.invocations as usize,
            once: (self.invocations as usize / 4).clamp(20, 1000),
            soak: self.soak as usize,
        }
    }

    /// Number of orders that are paid before the measurement.
    fn orders(&self) -> usize {
        self.effort().once.min(100)
    }

    fn wants(&self, name: &str) -> bool {
        self.functions.is_empty() || self.functions.iter().any(|function| function == name)
    }
}

/// Measures, prints a table, and writes `report.json` and `index.html`.
pub(crate) fn run(options: &Options) -> Outcome {
    for name in &options.functions {
        if !SCENARIOS.iter().any(|scenario| scenario.function == *name) {
            return Err(format!("function {name} not found; see functions/*/src/bin").into());
        }
    }
    if !options.no_build {
        binaries::build(&project::root())?;
        binaries::build_stock()?;
    }
    let report = executor()?.block_on(measure_all(&project::root(), options))?;
    let out = project::root().join(&options.out);
    fs::create_dir_all(&out)?;
    fs::write(
        out.join("report.json"),
        serde_json::to_string_pretty(&report)? + "\n",
    )?;
    fs::write(out.join("index.html"), page::render(&report)?)?;
    print!("{}", table::render(&report));
    println!("report  {}", options.out.join("report.json").display());
    println!("page    {}", options.out.join("index.html").display());
    Ok(())
}

/// Measures a base revision and the current one, alternating function by function.
pub(crate) fn diff(base: &str, options: &Options) -> Outcome {
    let root = project::root();
    let revision = project::git(
        &root,
        &[
            "rev-parse",
            "--short",
            "--verify",
            &format!("{base}^{{commit}}"),
        ],
    )
    .map_err(|_| format!("{base} is not a revision of this repository"))?;
    let tree = root.join("target/bench/base").join(&revision);
    if !tree.exists() {
        project::git(
            &root,
            &[
                "worktree",
                "add",
                // Git still knows a worktree that was deleted with target/.
                "--force",
                "--detach",
                &tree.to_string_lossy(),
                &revision,
            ],
        )?;
    }
    let venv = tree.join(".venv");
    if !venv.exists() {
        std::os::unix::fs::symlink(root.join(".venv"), venv)?;
    }
    if !options.no_build {
        println!("building {revision}");
        binaries::build(&tree)?;
        binaries::build(&root)?;
        // An older base has no such function.
        let baseline = |root: &Path| root.join("target/lambda").join(HELLO);
        if !baseline(&tree).exists() {
            fs::create_dir_all(baseline(&tree))?;
            let file = |root: &Path| baseline(root).join("bootstrap");
            fs::copy(file(&root), file(&tree))?;
        }
    }
    let both = executor()?.block_on(measure_both(&tree, &root, options))?;
    print!("{}", table::compare(&revision, &both.before, &both.after));
    Ok(())
}

async fn measure_all(root: &Path, options: &Options) -> Outcome<Report> {
    // The revision that was built: the code may change during the measurement.
    let revision = project::revision(root);
    let bench = Bench::start(root, "bin", Meter::with_tls()?, options.orders()).await?;
    let effort = options.effort();
    println!("measuring hello");
    let hello = bench.hello(effort).await?;
    println!("measuring stock");
    let stock = bench.stock(effort).await?;
    let mut functions = BTreeMap::new();
    for name in bench.names() {
        if options.wants(&name) {
            println!("measuring {name}");
            functions.insert(name.clone(), bench.function(&name, effort).await?);
        }
    }
    // Last, as it changes the table.
    if effort.soak > 0 {
        for (name, function) in &mut functions {
            println!("watching the memory of {name}");
            bench.soak(name, effort, function).await?;
        }
    }
    bench.world.stop().await;
    Ok(Report {
        schema: 1,
        date: runtime::now().strftime("%Y-%m-%d").to_string(),
        revision,
        machine: machine(),
        hello,
        stock: Some(stock),
        functions,
    })
}

/// Functions of two revisions by name.
#[derive(Default)]
struct Both {
    before: BTreeMap<String, Function>,
    after: BTreeMap<String, Function>,
}

async fn measure_both(base: &Path, root: &Path, options: &Options) -> Outcome<Both> {
    let effort = options.effort();
    let benches = [
        Bench::start(base, "bin-base", Meter::with_tls()?, options.orders()).await?,
        Bench::start(root, "bin", Meter::with_tls()?, options.orders()).await?,
    ];
    let mut both = Both::default();
    for name in benches[1].names() {
        if !options.wants(&name) || !benches[0].binaries.deployed(&name).exists() {
            continue;
        }
        println!("measuring {name}, before and after");
        let before = benches[0].function(&name, effort).await?;
        let after = benches[1].function(&name, effort).await?;
        both.before.insert(name.clone(), before);
        both.after.insert(name, after);
    }
    for bench in benches {
        bench.world.stop().await;
    }
    Ok(both)
}

/// A shop with the binaries it runs.
pub(crate) struct Bench {
    pub(crate) world: World,
    pub(crate) binaries: Binaries,
    pub(crate) floor: Floor,
}

impl Bench {
    /// Starts a shop with the binaries of `root`, which are run from this folder, behind `meter`, and pays
    /// `orders` in it.
    pub(crate) async fn start(
        root: &Path,
        folder: &str,
        meter: Meter,
        orders: usize,
    ) -> Outcome<Self> {
        let binaries = Binaries::new(root, &project::root().join("target/bench").join(folder))?;
        println!("starting a shop and selling in it");
        let world = World::start(Setting {
            binaries: binaries.folder.clone(),
            root: root.to_owned(),
            meter,
            orders,
        })
        .await?;
        let floor = Floor::start(&binaries.folder).await?;
        Ok(Self {
            world,
            binaries,
            floor,
        })
    }

    /// Names of all functions, in the template's order.
    pub(crate) fn names(&self) -> Vec<String> {
        let functions = self.world.stack.template.functions.iter();
        functions.map(|function| function.binary.clone()).collect()
    }

    /// Measures one function in all its scenarios.
    async fn function(&self, name: &str, effort: Effort) -> Outcome<Function> {
        let lambda = &self.world.stack.lambda;
        let mut function = Function::default();
        let template = &self.world.stack.template.functions;
        if let Some(block) = template.iter().find(|block| block.binary == name) {
            function.memory_mb = block.memory;
            function.services = services(block);
            function.calls_stripe = block.environment.contains_key("STRIPE_SECRET_NAME");
        }
        measure::sizes(&self.binaries.deployed(name), &mut function)?;
        for scenario in of(name) {
            let events = scenario
                .events(&self.world, effort.once + effort.starts)
                .await?;
            let is_started = !scenario.uncached && !scenario.is_brief;
            // Of those that are not started, all are for the warm process.
            let starts = if scenario.is_brief { 0 } else { effort.starts };
            let Apart { started, rest } = apart(events, starts);
            self.run_as(name, scenario.way()).await?;
            if is_started {
                measure::starts(lambda, name, &started, Some(&self.floor), &mut function).await?;
                lambda.restart(Some(&[name.to_owned()])).await;
            }
            let world = Some(&self.world);
            let figures =
                measure::warm(lambda, world, name, &rest, Some(&self.floor), effort).await?;
            function.scenarios.insert(scenario.name.to_owned(), figures);
            function.peak_kb = function.peak_kb.max(measure::peak(lambda, name)?);
        }
        self.run_as(name, Way::default()).await?;
        Ok(function)
    }

    /// Makes a function run in this way from now on, in a fresh process.
    pub(crate) async fn run_as(&self, name: &str, way: Way) -> Outcome {
        self.binaries.install(name, way)?;
        let lambda = &self.world.stack.lambda;
        lambda.restart(Some(&[name.to_owned()])).await;
        Ok(())
    }

    /// Watches one function's memory in its usual scenario and in each alternative way of running.
    async fn soak(&self, name: &str, effort: Effort, function: &mut Function) -> Outcome {
        let lambda = &self.world.stack.lambda;
        for scenario in of(name) {
            let events = scenario.events(&self.world, effort.once).await?;
            self.run_as(name, scenario.way()).await?;
            measure::soak(lambda, name, &events.events, effort.soak, function).await?;
        }
        self.run_as(name, Way::default()).await
    }

    /// Measures get-product in the style of the AWS documentation, in the environment of the real one
    /// and with the calls that bypass the real one's cache.
    async fn stock(&self, effort: Effort) -> Outcome<Function> {
        let functions = self.world.stack.template.functions.iter();
        let mut block = functions
            .clone()
            .find(|block| block.binary == "get-product")
            .ok_or("the template has no get-product")?
            .clone();
        block.binary = STOCK.to_owned();
        block
            .environment
            .extend(self.world.stack.emulators.environment());
        (self.world.meter.wiring())(STOCK, &mut block.environment);
        let trust = self.stock_trust(&block.environment)?;
        block
            .environment
            .insert("SSL_CERT_FILE".to_owned(), trust.display().to_string());
        let mut function = Function {
            memory_mb: block.memory,
            services: services(&block),
            ..Function::default()
        };
        measure::sizes(&self.binaries.deployed(STOCK), &mut function)?;
        let lambda = Lambda::start(
            vec![block],
            &self.binaries.folder,
            Arc::new(|_, _| {}),
            None,
        )
        .await?;
        let scenario = of("get-product")
            .find(|scenario| scenario.uncached)
            .ok_or("get-product is not measured without its cache")?;
        let events = scenario.events(&self.world, effort.starts).await?;
        let Apart { started, rest } = apart(events, effort.starts);
        let floor = Some(&self.floor);
        measure::starts(&lambda, STOCK, &started, floor, &mut function).await?;
        lambda.restart(None).await;
        let figures =
            measure::warm(&lambda, Some(&self.world), STOCK, &rest, floor, effort).await?;
        function.scenarios.insert(scenario.name.to_owned(), figures);
        function.peak_kb = measure::peak(&lambda, STOCK)?;
        Ok(function)
    }

    /// A file with the certificates of this machine and of the meter: stock uses the system's
    /// certificates, as it would on Lambda.
    fn stock_trust(&self, environment: &BTreeMap<String, String>) -> Outcome<PathBuf> {
        let mut certificates = Vec::new();
        let system = [
            "/etc/ssl/certs/ca-certificates.crt",
            "/etc/pki/tls/certs/ca-bundle.crt",
        ];
        if let Some(path) = system.iter().find(|path| Path::new(path).exists()) {
            certificates = fs::read(path)?;
        }
        if let Some(path) = environment.get("AWS_CA_BUNDLE") {
            certificates.extend(fs::read(path)?);
        }
        let path = self.binaries.folder.join("stock.pem");
        fs::write(&path, certificates)?;
        Ok(path)
    }

    /// Measures the baseline.
    async fn hello(&self, effort: Effort) -> Outcome<Function> {
        let mut function = Function {
            memory_mb: 256,
            ..Function::default()
        };
        measure::sizes(&self.binaries.deployed(HELLO), &mut function)?;
        let lambda = &self.floor.lambda;
        let events = Events {
            events: vec![self.floor.event.clone()],
            repeatable: true,
            expected: Expected::Success,
        };
        let started = Events {
            events: vec![self.floor.event.clone(); effort.starts],
            ..events
        };
        measure::starts(lambda, HELLO, &started, None, &mut function).await?;
        let figures = measure::warm(lambda, None, HELLO, &events, None, effort).await?;
        function.scenarios.insert(HELLO.to_owned(), figures);
        function.peak_kb = measure::peak(lambda, HELLO)?;
        if effort.soak > 0 {
            measure::soak(lambda, HELLO, &events.events, effort.soak, &mut function).await?;
        }
        Ok(function)
    }
}

/// AWS services that a function's policy names. Consumers also call SQS, which SAM's own policy allows.
fn services(block: &TemplateFunction) -> BTreeSet<String> {
    let actions = block.statements.iter().flat_map(|statement| {
        let action = &statement["Action"];
        action
            .as_array()
            .cloned()
            .unwrap_or_else(|| vec![action.clone()])
    });
    let mut services: BTreeSet<String> = actions
        .filter_map(|action| Some(action.as_str()?.split_once(':')?.0.to_owned()))
        .collect();
    if block
        .triggers
        .iter()
        .any(|trigger| matches!(trigger, Trigger::Queue { .. }))
    {
        services.insert("sqs".to_owned());
    }
    services
}

/// The scenarios of a function, the usual one first.
pub(crate) fn of(name: &str) -> impl Iterator<Item = &'static Scenario> + use<'_> {
    SCENARIOS
        .iter()
        .filter(move |scenario| scenario.function == name)
}

/// The events of a scenario.
struct Apart {
    /// One for each fresh process.
    started: Events,
    /// Those for the warm process.
    rest: Events,
}

fn apart(mut events: Events, starts: usize) -> Apart {
    if events.repeatable {
        let first = events.events[0].clone();
        return Apart {
            started: Events {
                events: vec![first; starts],
                ..events
            },
            rest: events,
        };
    }
    let rest = events.events.split_off(starts);
    Apart {
        rest: Events {
            events: rest,
            ..events
        },
        started: events,
    }
}

/// Describes this machine.
pub(crate) fn machine() -> Machine {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':'))
            .map(|(_, value)| value.trim().to_owned())
            .unwrap_or_default()
    };
    let memory = field(&read("/proc/meminfo"), "MemTotal");
    let kilobytes = memory
        .split(' ')
        .next()
        .and_then(|number| number.parse::<u64>().ok());
    Machine {
        cpu: field(&read("/proc/cpuinfo"), "model name"),
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        memory_bytes: kilobytes.unwrap_or_default() * 1024,
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
    }
}
