//! Writes the products of one chunk of an import. Processing is idempotent: a redelivered chunk changes
//! nothing.

use std::process::ExitCode;

use domain::{
    catalog::{
        Product, Sku,
        import::{Chunk, Draft, LineFault, RowFaults, RowGroup, draft_product},
    },
    fault::chain,
    id::{ImportId, ProductId},
    money::Currency,
};
use runtime::{ConsumeError, Consumer, Delivery};
use store::{Attempts, PutProductOutcome, PutVariantOutcome, Store, VariantDetails};

/// The queue's last delivery: the chunk is reported as failed, so that its import can complete.
const LAST_DELIVERY: u32 = 5;

struct ImportRows {
    store: Store,
    currency: Currency,
}

impl Consumer for ImportRows {
    type Message = Chunk;

    async fn handle(&self, delivery: Delivery<Chunk>) -> Result<(), ConsumeError> {
        let chunk = delivery.message;
        let given_up = delivery.attempt >= LAST_DELIVERY;
        if given_up {
            tracing::error!(import.id = %chunk.import_id, import.chunk = chunk.number, "the chunk is given up");
        }
        let mut faults = Vec::new();
        let mut rows = 0;
        for group in &chunk.groups {
            rows += group.rows.len();
            faults.extend(match given_up {
                true => group.fail_all(LineFault::not_stored),
                false => self.import(group, &chunk, delivery.now).await?,
            });
        }
        let imported = u64::try_from(rows - faults.len())?;
        self.store
            .finish_chunk(
                chunk.import_id,
                chunk.number,
                imported,
                &faults,
                delivery.now,
            )
            .await?;
        tracing::info!(
            import.id = %chunk.import_id,
            import.chunk = chunk.number,
            import.rows = rows,
            import.faults = faults.len(),
            "chunk imported"
        );
        Ok(())
    }
}

impl ImportRows {
    /// Imports one product and returns the faults of the rows that were not used.
    async fn import(
        &self,
        group: &RowGroup,
        chunk: &Chunk,
        now: jiff::Timestamp,
    ) -> Result<RowFaults, ConsumeError> {
        let mut attempts = Attempts::new("import product");
        loop {
            attempts.next().await?;
            let previous = self.store.product(&group.slug).await?;
            let stored = previous.as_ref().map(|stored| &stored.product);
            let handle = stored.and_then(|stored| stored.handle.as_ref());
            if let Some(other) = handle.filter(|handle| **handle != group.handle) {
                let fault = |line| LineFault::handle_collision(line, &group.handle, other);
                return Ok(group.fail_all(fault));
            }
            let drafted = draft_product(group, &chunk.columns, stored, self.currency);
            let mut faults = drafted.faults;
            let Some(mut draft) = drafted.draft else {
                return Ok(faults);
            };
            if let Some(stored) = &previous
                && stored.listed
                && stored.product.content_hash == draft.content_hash()?
            {
                return Ok(faults);
            }
            let available = self
                .write_variants(&mut draft, group, chunk.import_id, &mut faults)
                .await?;
            if draft.variants.is_empty() {
                // All SKUs belong to other products, so no row of this one can be used.
                return Ok(group.fail_rest(faults, LineFault::product_rejected));
            }
            let id = ProductId::at(now, runtime::random().map_err(|_| "no random numbers")?);
            let product = draft.product(stored, &available, id)?;
            // Recorded before the product is written: a chunk that was written is not examined again.
            self.withdraw_missing(&product, stored).await?;
            let put = match self.store.put_product(&product, previous.as_ref()).await {
                Err(error) if !error.is_retryable() => {
                    tracing::error!(product.slug = %product.view.slug, error = %chain(&error), "product not stored");
                    return Ok(group.fail_all(LineFault::not_stored));
                }
                put => put?,
            };
            match put {
                PutProductOutcome::Put => return Ok(faults),
                PutProductOutcome::VersionConflict => {}
            }
        }
    }

    /// Writes price and stock of each variant, drops variants whose SKU belongs to another product, and
    /// returns the availability of the rest.
    async fn write_variants(
        &self,
        draft: &mut Draft,
        group: &RowGroup,
        import_id: ImportId,
        faults: &mut RowFaults,
    ) -> Result<Vec<bool>, ConsumeError> {
        let mut available = Vec::with_capacity(draft.variants.len());
        let mut kept = Vec::with_capacity(draft.variants.len());
        for variant in std::mem::take(&mut draft.variants) {
            let title = variant.line_title(&draft.title);
            let details = VariantDetails {
                sku: &variant.sku,
                product_slug: &draft.slug,
                title: &title,
                price: variant.price,
                for_sale: draft.is_for_sale(),
                initial_quantity: variant.new_quantity.unwrap_or_default(),
                backorder: variant.backorder,
                untracked: variant.untracked,
            };
            let mut written = match self.store.put_variant_details(&details).await? {
                PutVariantOutcome::Put(written) => written,
                PutVariantOutcome::SkuTaken => {
                    if let Some(row) = variant.row {
                        let line = group.rows[row].line;
                        faults.add(row, || LineFault::sku_taken(line, &variant.sku));
                    }
                    continue;
                }
            };
            // Only a quantity that differs from an earlier import's changes the stock, so units sold since
            // then stay sold.
            if let Some(quantity) = variant.new_quantity {
                let set = self
                    .store
                    .set_stock(&variant.sku, quantity, Some(&import_id.to_string()))
                    .await?;
                written = set.unwrap_or(written);
            }
            available.push(written.can_sell(1));
            kept.push(variant);
        }
        draft.variants = kept;
        Ok(available)
    }

    /// Takes variants off sale that the product no longer has.
    async fn withdraw_missing(
        &self,
        product: &Product,
        stored: Option<&Product>,
    ) -> Result<(), ConsumeError> {
        let has = |sku: &Sku| product.view.variants.iter().any(|kept| kept.sku == *sku);
        let before = stored.into_iter().flat_map(|stored| &stored.view.variants);
        for variant in before.filter(|variant| !has(&variant.sku)) {
            self.store
                .withdraw_variant(&variant.sku, &product.view.slug)
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
            currency: environment.currency()?,
        })
    })
}
