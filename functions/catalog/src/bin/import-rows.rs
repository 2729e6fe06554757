//! Writes the products of one chunk of an import. A redelivered chunk changes nothing, and a late one
//! nothing that a newer import or count has changed.

use std::{process::ExitCode, time::Duration};

use domain::{
    catalog::{
        Product, ProductStatus, Sku,
        import::{
            Chunk, Draft, DraftRules, DraftVariant, LineFault, RESULT_STEP, RowFaults, RowGroup,
            draft_product, sanitize,
        },
    },
    change::ChangeStamp,
    fault::chain,
    id::{JobId, ProductId},
    inventory::Variant,
    jobs::{Chain, GIVEN_UP_AFTER},
    money::PriceRule,
};
use jiff::Timestamp;
use runtime::{ConsumeError, Consumer, Delivery, Later};
use store::{
    Attempts, Consistency, ImportOutcome, ImportStock, PutProductOutcome, PutVariantOutcome,
    StepOutcome, StepStart, Store, VariantDetails,
};

const CONSUMER: &str = "import-rows";
/// How long a chunk waits for others of its import to give up a SKU, after its first delivery and the first
/// redeliveries: enough for files of tens of thousands of rows.
const WAITS: [Duration; 3] = [
    Duration::from_secs(2),
    Duration::from_secs(30),
    Duration::from_secs(240),
];

struct ImportRows {
    store: Store,
    prices: PriceRule,
}

/// The import that a product is from.
struct Import<'a> {
    chunk: &'a Chunk,
    stamp: ChangeStamp,
    now: Timestamp,
}

/// A product whose variants are being written.
struct Writing<'a> {
    group: &'a RowGroup,
    import: &'a Import<'a>,
    /// The last change that has written product and variants.
    finished: Option<&'a ChangeStamp>,
    may_wait: bool,
}

impl Writing<'_> {
    /// Units to set a variant's stock to, whose stock was set by `counted_by`. Only a quantity that differs
    /// from an earlier import's changes the stock, so that units sold since then stay sold.
    fn quantity(
        &self,
        variant: &mut DraftVariant,
        counted_by: Option<&ChangeStamp>,
    ) -> Option<i64> {
        if counted_by == Some(&self.import.stamp) {
            return None;
        }
        // An import that broke off has set the stock, and the product does not know to what.
        let is_unknown =
            counted_by.is_some_and(ChangeStamp::is_import) && counted_by > self.finished;
        if !is_unknown {
            return variant.new_quantity;
        }
        variant.quantity = variant.given_quantity;
        variant.given_quantity
    }
}

/// What became of a product.
enum Imported {
    /// It was written, or not, with the faults of the rows that were not used.
    Done(RowFaults),
    /// It needs a SKU that its owner may yet give up in this import. What it gives up itself, it has.
    Waits,
}

/// What became of a product's variants.
enum Written {
    /// All are written but those dropped from the draft; the availability of each.
    All(Vec<bool>),
    /// A newer change has written one: look at the product again.
    VersionConflict,
    /// SKUs belong to other products, which is the fault of these rows.
    Taken(RowFaults),
    /// A SKU belongs to another product that the import has not come to yet.
    NotYetGivenUp,
}

impl Consumer for ImportRows {
    type Message = Chunk;

    async fn handle(&self, delivery: Delivery<Chunk>) -> Result<(), ConsumeError> {
        let chunk = &delivery.message;
        let (id, number) = (chunk.import_id, chunk.number);
        let job_id = JobId::of(id);
        let run = match self.store.begin_step(job_id, number).await? {
            StepStart::Do(job) => job.run.number,
            StepStart::Counted(outcome) => {
                tracing::info!(job.id = %job_id, import.chunk = number, "chunk imported before");
                return self.complete(outcome, delivery.now).await;
            }
            StepStart::Dropped(state) => {
                // A job that is resumed sends its chunks again.
                tracing::info!(job.id = %job_id, import.chunk = number, job.state = state.name(), "chunk dropped");
                return Ok(());
            }
            // A chunk without a job was sent by hand; it is imported, and counted nowhere.
            StepStart::NoJob => 0,
        };
        let message = format!("{id}.{run}.{number}");
        let redeliveries = self
            .store
            .count_redelivery(CONSUMER, &message, delivery.attempt, delivery.now)
            .await?;
        let given_up = redeliveries >= GIVEN_UP_AFTER;
        if given_up {
            tracing::error!(job.id = %job_id, import.chunk = number, "the chunk is given up");
        }
        let import = Import {
            chunk,
            stamp: id.into(),
            now: delivery.now,
        };
        let mut faults: Vec<LineFault> = Vec::new();
        let mut waiting: Vec<&RowGroup> = Vec::new();
        for group in &chunk.groups {
            if given_up {
                faults.extend(group.fail_all(LineFault::not_stored));
                continue;
            }
            match self.import(group, &import, true).await? {
                Imported::Done(found) => faults.extend(found),
                Imported::Waits => waiting.push(group),
            }
        }
        // What the first pass gave up is free by now. What another chunk gives up may not be.
        let wait = match waiting.is_empty() || self.is_last_chunk(job_id).await? {
            true => None,
            false => WAITS.get(usize::try_from(redeliveries)?),
        };
        for group in waiting {
            match self.import(group, &import, wait.is_some()).await? {
                Imported::Done(found) => faults.extend(found),
                Imported::Waits => {
                    let why = "the chunk waits for another one to give up a SKU";
                    let after = *wait.unwrap_or(&WAITS[0]);
                    return Err(Later { why, after }.into());
                }
            }
        }
        let rows: usize = chunk.groups.iter().map(|group| group.rows.len()).sum();
        let imported = u64::try_from(rows - faults.len())?;
        let outcome = self
            .store
            .finish_step(job_id, number, imported, &faults, Chain::Ends, delivery.now)
            .await?;
        tracing::info!(
            job.id = %job_id,
            import.chunk = number,
            import.rows = rows,
            import.faults = faults.len(),
            "chunk imported"
        );
        self.complete(outcome, delivery.now).await
    }
}

impl ImportRows {
    /// Completes a job whose chunks are all done. One with errors is completed by start-import, which writes their list: only
    /// one function carries the client of S3 for it.
    async fn complete(&self, after: StepOutcome, now: Timestamp) -> Result<(), ConsumeError> {
        let StepOutcome::AllDone(job) = after else {
            return Ok(());
        };
        if job.failed > 0 {
            return Ok(self.store.put_due_steps(&job, &[RESULT_STEP], now).await?);
        }
        Ok(self.store.complete_job(&job, None, now).await?)
    }

    /// Whether a chunk that is not finished is the only such one of its import.
    async fn is_last_chunk(&self, id: JobId) -> Result<bool, ConsumeError> {
        let job = self.store.job(id, Consistency::Strong).await?;
        Ok(job.is_none_or(|job| job.chains_done + 1 >= job.chains_total))
    }

    /// Imports one product. If it `may_wait` for SKUs, it does not take another product's SKU for a fault yet.
    async fn import(
        &self,
        group: &RowGroup,
        import: &Import<'_>,
        may_wait: bool,
    ) -> Result<Imported, ConsumeError> {
        // Faults that the rows do not show: SKUs that belong to others.
        let mut taken = RowFaults::default();
        let mut attempts = Attempts::new("import product");
        loop {
            attempts.next().await?;
            let mut previous = self.store.product(&group.slug).await?;
            let stored = previous.as_ref().map(|stored| &stored.product);
            let handle = stored.and_then(|stored| stored.handle.as_ref());
            if let Some(other) = handle.filter(|handle| **handle != group.handle) {
                let fault = |line| LineFault::handle_collision(line, &group.handle, other);
                return Ok(Imported::Done(group.fail_all(fault)));
            }
            let rules = DraftRules {
                columns: &import.chunk.columns,
                uncertain_skus: &import.chunk.uncertain_skus,
                prices: &self.prices,
                sanitize,
            };
            let drafted = draft_product(group, &rules, stored, taken.clone());
            let mut faults = drafted.faults;
            let Some(mut draft) = drafted.draft else {
                return Ok(Imported::Done(faults));
            };
            if let Some(stored) = &previous {
                // A change that has only begun may have left variants that are not as the product says.
                let same = stored.listed
                    && stored.product.changing_by.is_none()
                    && stored.product.content_hash == draft.content_hash()?;
                if same && stored.product.changed_by.as_ref() >= Some(&import.stamp) {
                    return Ok(Imported::Done(faults));
                }
                if stored.product.is_newer_than(&import.stamp) {
                    tracing::warn!(product.slug = %group.slug, "a newer import was there before");
                    return Ok(Imported::Done(group.fail_all(LineFault::superseded)));
                }
                if same {
                    match self.store.confirm_product(stored, &import.stamp).await? {
                        PutProductOutcome::Put => return Ok(Imported::Done(faults)),
                        PutProductOutcome::VersionConflict => continue,
                    }
                }
            }
            let wanted: Vec<Sku> = draft.variants.iter().map(|it| it.sku.clone()).collect();
            if let Some(stored) = &mut previous
                && stored.product.changing_by.as_ref() != Some(&import.stamp)
                && self.store.begin_change(stored, &import.stamp).await?
                    == PutProductOutcome::VersionConflict
            {
                continue;
            }
            let stored = previous.as_ref().map(|stored| &stored.product);
            let product = Writing {
                group,
                import,
                finished: stored.and_then(|stored| stored.changed_by.as_ref()),
                may_wait,
            };
            let written = self
                .write_variants(&mut draft, &product, &mut faults)
                .await?;
            let available = match written {
                Written::All(available) => available,
                Written::VersionConflict => continue,
                Written::Taken(rows) => {
                    // Drafted again without these rows, as their variants then stay as they are.
                    taken.extend(rows);
                    attempts = Attempts::new("import product");
                    continue;
                }
                Written::NotYetGivenUp => {
                    self.release_missing(&wanted, &group.slug, stored, import)
                        .await?;
                    return Ok(Imported::Waits);
                }
            };
            if draft.variants.is_empty() && draft.status != ProductStatus::Archived {
                let faults = group.fail_rest(faults, LineFault::product_rejected);
                return Ok(Imported::Done(faults));
            }
            let random = runtime::random().map_err(|_| "no random numbers")?;
            let id = ProductId::at(import.now, random);
            let product = draft.product(stored, &available, id, import.stamp.clone())?;
            // Recorded before the product is written: a product that was written is not examined again.
            self.withdraw_missing(&product, stored, import).await?;
            let put = match self.store.put_product(&product, previous.as_ref()).await {
                Err(error) if !error.is_retryable() => {
                    tracing::error!(product.slug = %product.view.slug, error = %chain(&error), "product not stored");
                    return Ok(Imported::Done(group.fail_all(LineFault::not_stored)));
                }
                put => put?,
            };
            match put {
                PutProductOutcome::Put => return Ok(Imported::Done(faults)),
                PutProductOutcome::VersionConflict => {}
            }
        }
    }

    /// Writes price and stock of each variant of the draft.
    async fn write_variants(
        &self,
        draft: &mut Draft,
        writing: &Writing<'_>,
        faults: &mut RowFaults,
    ) -> Result<Written, ConsumeError> {
        let Writing { group, import, .. } = *writing;
        let archived = draft.status == ProductStatus::Archived;
        let mut available = Vec::with_capacity(draft.variants.len());
        let mut kept = Vec::with_capacity(draft.variants.len());
        let mut taken = RowFaults::default();
        for mut variant in std::mem::take(&mut draft.variants) {
            let title = variant.line_title(&draft.title);
            let contested = group.contested.get(variant.sku.as_str());
            let details = VariantDetails {
                sku: &variant.sku,
                product_slug: &draft.slug,
                title: &title,
                price: variant.price,
                for_sale: draft.is_for_sale(),
                is_new: variant.is_new,
                initial_quantity: variant.new_quantity.unwrap_or_default(),
                backorder: variant.backorder,
                untracked: variant.untracked,
                withdrawn: archived,
                may_take: contested.is_none(),
                stamp: &import.stamp,
            };
            let owner = match self.store.put_variant_details(&details).await? {
                PutVariantOutcome::Put {
                    variant: written,
                    counted_by,
                } => {
                    let counted = match writing.quantity(&mut variant, counted_by.as_ref()) {
                        Some(on_hand) => self.count(&variant, on_hand, writing, faults).await?,
                        None => None,
                    };
                    available.push(counted.unwrap_or(written).can_sell(1));
                    kept.push(variant);
                    continue;
                }
                PutVariantOutcome::Superseded { owner } if owner == draft.slug => {
                    return Ok(Written::VersionConflict);
                }
                PutVariantOutcome::Superseded { .. } => {
                    if let Some(row) = variant.row {
                        faults.add(row, || LineFault::superseded(group.rows[row].line));
                    }
                    continue;
                }
                PutVariantOutcome::Free => contested.cloned().unwrap_or_default(),
                PutVariantOutcome::Taken { owner, since } => {
                    let waits = writing.may_wait && variant.row.is_some() && !archived;
                    if waits
                        && since.as_ref() < Some(&import.stamp)
                        && !self.was_imported(&owner, import).await?
                    {
                        return Ok(Written::NotYetGivenUp);
                    }
                    owner
                }
            };
            // An archived product and a variant of an earlier import yield to the new owner.
            if let Some(row) = variant.row.filter(|_| !archived) {
                let line = group.rows[row].line;
                taken.add(row, || LineFault::sku_taken(line, &variant.sku, &owner));
            }
        }
        draft.variants = kept;
        Ok(match taken.is_empty() {
            true => Written::All(available),
            false => Written::Taken(taken),
        })
    }

    /// Whether the import has come to the product `slug`, or a newer one has.
    async fn was_imported(&self, slug: &str, import: &Import<'_>) -> Result<bool, ConsumeError> {
        let stored = self.store.product(slug).await?;
        let changed_by = stored.and_then(|stored| stored.product.changed_by);
        Ok(changed_by.as_ref() >= Some(&import.stamp))
    }

    /// Sets the stock to the quantity of the variant's row.
    async fn count(
        &self,
        variant: &DraftVariant,
        on_hand: i64,
        writing: &Writing<'_>,
        faults: &mut RowFaults,
    ) -> Result<Option<Variant>, ConsumeError> {
        let count = ImportStock {
            sku: &variant.sku,
            on_hand,
            stamp: &writing.import.stamp,
        };
        Ok(match self.store.import_stock(count).await? {
            ImportOutcome::Counted(counted) => Some(counted),
            ImportOutcome::Superseded => {
                if let Some(row) = variant.row {
                    let line = writing.group.rows[row].line;
                    faults.add(row, || LineFault::quantity_superseded(line));
                }
                None
            }
            ImportOutcome::Repeated | ImportOutcome::NoSuchVariant => None,
        })
    }

    /// Lets other products have the SKUs that this one does not want any more, while it waits for one of
    /// theirs itself.
    async fn release_missing(
        &self,
        wanted: &[Sku],
        slug: &str,
        stored: Option<&Product>,
        import: &Import<'_>,
    ) -> Result<(), ConsumeError> {
        let before = stored.into_iter().flat_map(|stored| &stored.view.variants);
        for variant in before.filter(|variant| !wanted.contains(&variant.sku)) {
            self.store
                .release_sku(&variant.sku, slug, &import.stamp)
                .await?;
        }
        Ok(())
    }

    /// Takes variants off sale that the product no longer has.
    async fn withdraw_missing(
        &self,
        product: &Product,
        stored: Option<&Product>,
        import: &Import<'_>,
    ) -> Result<(), ConsumeError> {
        let has = |sku: &Sku| product.view.variants.iter().any(|kept| kept.sku == *sku);
        let before = stored.into_iter().flat_map(|stored| &stored.view.variants);
        for variant in before.filter(|variant| !has(&variant.sku)) {
            self.store
                .withdraw_variant(&variant.sku, &product.view.slug, &import.stamp)
                .await?;
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    runtime::consume(|environment| {
        Ok(ImportRows {
            store: Store::new(
                &environment.sdk_config()?,
                environment.require("TABLE_NAME")?,
            ),
            prices: environment.prices()?,
        })
    })
}
