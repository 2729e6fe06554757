//! Updates a product's page and its lists when a variant sells out or is back in stock.

use std::process::ExitCode;

use domain::event::{Envelope, Event};
use runtime::{ConsumeError, Consumer, Delivery};
use store::{Attempts, Consistency, PutProductOutcome, Shards, Store};

struct RefreshAvailability {
    store: Store,
}

impl Consumer for RefreshAvailability {
    type Message = Envelope;

    async fn handle(&self, delivery: Delivery<Envelope>) -> Result<(), ConsumeError> {
        let Event::AvailabilityChanged { product_slug, .. } = delivery.message.event else {
            return Ok(());
        };
        let mut attempts = Attempts::new("refresh availability");
        loop {
            attempts.next().await?;
            // The current stock decides, not the event: events may be late or delivered twice.
            let Some(stored) = self.store.product(&product_slug).await? else {
                return Ok(());
            };
            let mut product = stored.product.clone();
            let skus: Vec<_> = product
                .view
                .variants
                .iter()
                .map(|variant| variant.sku.clone())
                .collect();
            for batch in skus.chunks(100) {
                let variants = self
                    .store
                    .variants(batch, Consistency::Strong, Shards::All)
                    .await?;
                for view in &mut product.view.variants {
                    if let Some(variant) = variants.get(&view.sku) {
                        view.available = variant.can_sell(1);
                    }
                }
            }
            if product == stored.product {
                return Ok(());
            }
            product.version += 1;
            if self.store.put_product(&product, Some(&stored)).await? == PutProductOutcome::Put {
                tracing::info!(product.slug = %product_slug, "availability refreshed");
                return Ok(());
            }
        }
    }
}

fn main() -> ExitCode {
    runtime::consume(|environment| {
        let store = Store::new(
            &environment.sdk_config()?,
            environment.require("TABLE_NAME")?,
        );
        Ok(RefreshAvailability { store })
    })
}
