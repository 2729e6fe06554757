//! Writes the products of one chunk of an import. Processing is idempotent: a redelivered chunk changes
//! nothing.

use std::{collections::HashMap, process::ExitCode};

use domain::{
    catalog::{
        Sku,
        import::{Chunk, Draft, LineFault, RowGroup, draft_product},
    },
    fault::chain,
    id::{ImportId, ProductId},
    money::Currency,
};
use runtime::{ConsumeError, Consumer, Delivery};
use store::{Attempts, PutProductOutcome, PutVariantOutcome, Store, StoredProduct, VariantDetails};

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
                true => group.fail_rest(Vec::new(), LineFault::not_stored),
                false => self.import(group, chunk.import_id, delivery.now).await?,
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
    /// Imports one product and returns one fault for each row that was not used.
    async fn import(
        &self,
        group: &RowGroup,
        import_id: ImportId,
        now: jiff::Timestamp,
    ) -> Result<Vec<LineFault>, ConsumeError> {
        let drafted = draft_product(group, self.currency);
        let mut faults = drafted.faults;
        let Some(draft) = drafted.draft else {
            return Ok(faults);
        };
        let mut attempts = Attempts::new("import product");
        loop {
            attempts.next().await?;
            let previous = self.store.product(&draft.slug).await?;
            let handle = previous
                .as_ref()
                .and_then(|stored| stored.product.handle.as_ref());
            if let Some(other) = handle.filter(|handle| **handle != draft.handle) {
                let fault = |line| LineFault::handle_collision(line, &draft.handle, other);
                return Ok(group.fail_rest(Vec::new(), fault));
            }
            if let Some(stored) = &previous
                && stored.listed
                && stored.product.content_hash == draft.content_hash()?
            {
                return Ok(faults);
            }
            let mut draft = draft.clone();
            let available = self
                .write_variants(&mut draft, previous.as_ref(), import_id, &mut faults)
                .await?;
            if draft.variants.is_empty() {
                // All SKUs belong to other products, so no row of this one can be used.
                return Ok(group.fail_rest(faults, LineFault::product_rejected));
            }
            let id = ProductId::at(now, runtime::random().map_err(|_| "no random numbers")?);
            let stored = previous.as_ref().map(|stored| &stored.product);
            let product = draft.product(stored, &available, id)?;
            // Recorded before the product is written: a chunk that was written is not examined again.
            self.withdraw_missing(
                &product.view.slug,
                previous.as_ref(),
                &product.imported_quantities,
            )
            .await?;
            let put = match self.store.put_product(&product, previous.as_ref()).await {
                Err(error) if !error.is_retryable() => {
                    tracing::error!(product.slug = %product.view.slug, error = %chain(&error), "product not stored");
                    return Ok(group.fail_rest(Vec::new(), LineFault::not_stored));
                }
                put => put?,
            };
            match put {
                PutProductOutcome::Put => return Ok(faults),
                PutProductOutcome::VersionConflict => {
                    faults.retain(|fault| fault.code != LineFault::SKU_TAKEN)
                }
            }
        }
    }

    /// Writes price and stock of each variant, drops variants whose SKU belongs to another product, and
    /// returns the availability of the rest.
    async fn write_variants(
        &self,
        draft: &mut Draft,
        previous: Option<&StoredProduct>,
        import_id: ImportId,
        faults: &mut Vec<LineFault>,
    ) -> Result<Vec<bool>, ConsumeError> {
        let known: HashMap<&Sku, i64> = previous
            .iter()
            .flat_map(|stored| &stored.product.imported_quantities)
            .map(|(sku, quantity)| (sku, *quantity))
            .collect();
        let mut available = Vec::with_capacity(draft.variants.len());
        let mut kept = Vec::with_capacity(draft.variants.len());
        for variant in std::mem::take(&mut draft.variants) {
            let title = variant.line_title(&draft.title);
            let details = VariantDetails {
                sku: &variant.sku,
                product_slug: &draft.slug,
                title: &title,
                price: variant.price,
                for_sale: draft.published,
                initial_quantity: variant.quantity,
                backorder: variant.backorder,
            };
            let mut written = match self.store.put_variant_details(&details).await? {
                PutVariantOutcome::Put(written) => written,
                PutVariantOutcome::SkuTaken => {
                    faults.push(LineFault::sku_taken(variant.line, &variant.sku));
                    continue;
                }
            };
            // Only a quantity that differs from the previous import's changes the stock, so units sold
            // since then stay sold.
            if known
                .get(&variant.sku)
                .is_some_and(|before| *before != variant.quantity)
            {
                let set = self
                    .store
                    .set_stock(&variant.sku, variant.quantity, Some(&import_id.to_string()))
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
        slug: &str,
        previous: Option<&StoredProduct>,
        kept: &[(Sku, i64)],
    ) -> Result<(), ConsumeError> {
        let before = previous
            .iter()
            .flat_map(|stored| &stored.product.view.variants);
        for variant in before.filter(|variant| kept.iter().all(|(sku, _)| *sku != variant.sku)) {
            self.store.withdraw_variant(&variant.sku, slug).await?;
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
