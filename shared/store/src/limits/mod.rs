//! Buckets and counters of callers. Their times are microseconds since 1970, apart from the expiry. An item is the state of
//! one key, under one rule; when it expires it says nothing, so that millions of them go by themselves.

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{
        AttributeValue, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure,
    },
};
use domain::limits::{Quota, Share, State, Take};
use jiff::Timestamp;

use crate::{
    Result, Store, StoreError,
    item::{Item, number, string},
    keys::Key,
    write::Written,
};

const ENTITY: &str = "limit";
const SCHEMA: u32 = 1;

/// Result of a write that takes from a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was made; the state now.
    Done(State),
    /// Its condition did not hold; the stored state, if there is one.
    Refused(Option<State>),
}

impl Store {
    /// Takes one token, or counts one request. Key: [`Key::limit`], on the condition that `take` describes. 1 write unit,
    /// refused or not. A call that is repeated after its answer was lost takes once more.
    pub async fn take(&self, share: &Share, take: &Take, now: Timestamp) -> Result<Taken> {
        let update = self.update(&Key::limit(&share.key));
        let update = with(update, take)
            .expression_attribute_values(":entity", string(ENTITY))
            .expression_attribute_values(":schema", number(SCHEMA))
            .expression_attribute_values(
                ":expiry",
                number(share.quota.expires_at(now.as_microsecond())),
            )
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match self.write("UpdateItem limit", update).await? {
            Written::Done(item) => Ok(Taken::Done(state(&share.quota, &item)?)),
            Written::Refused(None) => Ok(Taken::Refused(None)),
            Written::Refused(Some(item)) => Ok(Taken::Refused(Some(state(&share.quota, &item)?))),
        }
    }
}

/// The attributes of every item.
const SET: &str = "SET entity_type = :entity, schema_version = :schema, expires_at = :expiry";

/// The expressions of a write; [`Take`] describes them.
fn with(update: UpdateItemFluentBuilder, take: &Take) -> UpdateItemFluentBuilder {
    match *take {
        Take::Full { full, next, now } => update
            .update_expression(format!("{SET}, next_at = :next, seen_at = :now"))
            .condition_expression("attribute_not_exists(next_at) OR next_at <= :full")
            .expression_attribute_values(":full", number(full))
            .expression_attribute_values(":next", number(next))
            .expression_attribute_values(":now", number(now)),
        Take::Part {
            full,
            interval,
            now,
            sees,
        } => {
            let (set, condition) = match sees {
                true => (", seen_at = :now", " AND seen_at <= :now"),
                false => ("", ""),
            };
            update
                .update_expression(format!("{SET}{set} ADD next_at :interval"))
                .condition_expression(format!(
                    "next_at > :full AND (next_at <= :now OR next_at <= seen_at){condition}"
                ))
                .expression_attribute_values(":full", number(full))
                .expression_attribute_values(":interval", number(interval))
                .expression_attribute_values(":now", number(now))
        }
        Take::Count { most } => update
            .update_expression(format!("{SET} ADD taken :one"))
            .condition_expression("attribute_not_exists(taken) OR taken < :most")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":most", number(most)),
    }
}

/// The state in an item.
fn state(quota: &Quota, item: &Item) -> Result<State> {
    let whole = |name: &'static str| match item.get(name) {
        Some(AttributeValue::N(value)) => value
            .parse::<i64>()
            .map_err(|error| StoreError::unreadable(ENTITY, error)),
        _ => Err(StoreError::unreadable(ENTITY, format!("it has no {name}"))),
    };
    match quota {
        Quota::Bucket { .. } => Ok(State::Bucket {
            next_at: whole("next_at")?,
            seen_at: whole("seen_at")?,
        }),
        Quota::Counter { .. } => Ok(State::Counter {
            taken: whole("taken")?,
        }),
    }
}

#[cfg(test)]
mod tests {
    use domain::limits::{CREATE_CART, Caller};

    use super::*;
    use crate::item::size;

    /// One write unit is 1 KB.
    #[test]
    fn an_item_is_small() {
        let rule = CREATE_CART.rule(None, true).unwrap();
        let caller = Caller {
            address: Some([203, 0, 113, 7].into()),
            ..Caller::default()
        };
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let share = rule.share(&CREATE_CART, "secret", &caller, 0, now);
        let share = share.unwrap();
        let mut item = Key::limit(&share.key).attributes();
        item.extend([
            ("entity_type".to_owned(), string(ENTITY)),
            ("schema_version".to_owned(), number(SCHEMA)),
            ("expires_at".to_owned(), number(i64::MAX)),
            ("next_at".to_owned(), number(i64::MAX)),
            ("seen_at".to_owned(), number(i64::MAX)),
        ]);
        let bytes = size::of(&item);
        assert!(bytes < 512, "{bytes}");
        let state = state(&share.quota, &item).unwrap();
        let expected = State::Bucket {
            next_at: i64::MAX,
            seen_at: i64::MAX,
        };
        assert_eq!(state, expected);
        item.insert("next_at".to_owned(), string("soon"));
        assert!(super::state(&share.quota, &item).is_err());
    }
}
