//! Verifies the audit trail away from the shop: chains that it exports, or that were saved before.

mod chain;
mod export;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use domain::audit::{Anchor, AuditFault, ChainHead, ChainNumber, ExportedChain};
use local::{executor::executor, files::with_extension, outcome::Outcome};

use self::{chain::ChainCheck, export::Shop};

/// What the anchors are, for `--help`.
pub(crate) const ANCHORS: &str = "\
Without anchors, a chain that was written anew or has lost its end looks like any other. They are in the bucket that the stack
names, and are downloaded before the chains:

  aws s3 sync s3://<AuditBucketName>/anchors anchors

The variable TOKEN has a token of the shop with the permission audit:read.";

/// What to verify.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Address of the shop, such as https://shop.example.com
    #[arg(long, required_unless_present = "folder", conflicts_with = "folder")]
    shop: Option<String>,
    /// Folder of chains that were saved, instead of a shop
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Folder to save the exported chains in
    #[arg(long, requires = "shop")]
    save: Option<PathBuf>,
    /// Folder of the anchors
    #[arg(long)]
    anchors: Option<PathBuf>,
}

/// Anchors by their chains.
type Anchors = BTreeMap<ChainNumber, Vec<Anchor>>;

/// The result for all chains.
#[derive(Default)]
struct Report {
    records: u64,
    /// Chains that are not in order.
    faulty: usize,
}

/// Verifies all chains. A fault is printed, and the others go on.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let anchors = match &arguments.anchors {
        Some(folder) => anchors(folder)?,
        None => Anchors::new(),
    };
    let mut report = Report::default();
    match (&arguments.shop, &arguments.folder) {
        (Some(address), _) => {
            let token = runtime::Environment::load();
            let token = token.get("TOKEN").ok_or(
                "the variable TOKEN is not set: it has a token of the shop with the permission audit:read",
            )?;
            let shop = Shop::new(address, token, arguments.save.as_deref())?;
            executor()?.block_on(of_shop(&shop, &anchors, &mut report))?;
        }
        (None, Some(folder)) => of_folder(folder, &anchors, &mut report)?,
        (None, None) => return Err("name a shop or a folder".into()),
    }
    report.end(anchors.values().map(Vec::len).sum())
}

/// The chains that a shop exports, page by page.
async fn of_shop(shop: &Shop<'_>, anchors: &Anchors, report: &mut Report) -> Outcome {
    for chain in ChainNumber::all() {
        let mut check = ChainCheck::new(chain, of(anchors, chain));
        let mut after = None;
        loop {
            let page = shop.page(chain, after).await?;
            after = page.next;
            if check.takes(page).is_err() || after.is_none() {
                break;
            }
        }
        report.add(check);
    }
    Ok(())
}

/// The chains that were saved in a folder.
fn of_folder(folder: &Path, anchors: &Anchors, report: &mut Report) -> Outcome {
    let mut chains = saved(folder)?;
    for chain in ChainNumber::all() {
        let mut check = ChainCheck::new(chain, of(anchors, chain));
        let pages = chains.remove(&chain).unwrap_or_default();
        for page in pages {
            if check.takes(page).is_err() {
                break;
            }
        }
        report.add(check);
    }
    Ok(())
}

/// Reads the saved pages of all chains, in the order of their records.
fn saved(folder: &Path) -> Outcome<BTreeMap<ChainNumber, Vec<ExportedChain>>> {
    let mut chains: BTreeMap<ChainNumber, Vec<ExportedChain>> = BTreeMap::new();
    for path in files(folder)? {
        let page: ExportedChain = serde_json::from_slice(&fs::read(&path)?)
            .map_err(|error| format!("{}: not an exported chain: {error}", path.display()))?;
        chains.entry(page.chain).or_default().push(page);
    }
    for pages in chains.values_mut() {
        // An empty page is the last one.
        pages.sort_by_key(|page| page.items.first().map_or(u64::MAX, |first| first.sequence));
    }
    Ok(chains)
}

/// Reads the anchors of a folder, by the order of their names.
fn anchors(folder: &Path) -> Outcome<Anchors> {
    let mut anchors = Anchors::new();
    for path in files(folder)? {
        let bytes = fs::read(&path)?;
        let anchor: Anchor = serde_json::from_slice(&bytes)
            .map_err(|error| format!("{}: not an anchor: {error}", path.display()))?;
        let key = Anchor::key(anchor.chain, anchor.sequence);
        let name = Path::new(&key).file_name();
        if path.file_name() != name {
            return Err(format!("{}: an anchor of another record", path.display()).into());
        }
        anchors.entry(anchor.chain).or_default().push(anchor);
    }
    Ok(anchors)
}

fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let files =
        with_extension(folder, "json").map_err(|error| format!("{}: {error}", folder.display()))?;
    match files.is_empty() {
        true => Err(format!("{} has no JSON files", folder.display()).into()),
        false => Ok(files),
    }
}

fn of(anchors: &Anchors, chain: ChainNumber) -> &[Anchor] {
    anchors.get(&chain).map_or(&[], Vec::as_slice)
}

impl Report {
    fn add(&mut self, check: ChainCheck<'_>) {
        let chain = check.chain();
        match check.end() {
            Ok(ChainHead { sequence, hash, .. }) => {
                println!("chain {chain:>2}: {sequence} records in order, the last one is {hash}");
                self.records += sequence;
            }
            Err(fault) => {
                eprintln!("FAULT: {fault}");
                self.faulty += 1;
            }
        }
    }

    fn end(self, anchors: usize) -> Outcome {
        if self.faulty > 0 {
            let chains = ChainNumber::all().count();
            return Err(format!(
                "{} of {chains} chains are not in order: see docs/runbook.md, audit trail",
                self.faulty
            )
            .into());
        }
        println!("{} records are in order", self.records);
        match anchors {
            0 => println!("they were compared with no anchors: see --help"),
            anchors => println!("they agree with {anchors} anchors"),
        }
        Ok(())
    }
}

/// Why a chain is not in order.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Disorder {
    #[error(transparent)]
    Fault(#[from] AuditFault),
    #[error("chain {0}: a page of chain {1} is among its pages")]
    OtherChain(ChainNumber, ChainNumber),
    #[error("chain {0}: it was not exported")]
    NotExported(ChainNumber),
    #[error("chain {0}: the export ends after record {1}, and more follow")]
    Unfinished(ChainNumber, u64),
}

#[cfg(test)]
mod tests;
