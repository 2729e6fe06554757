//! Stores the authenticator app of an account, and its recovery codes.

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{AttributeValue, Delete, Put, TransactWriteItem, Update},
};
use domain::{
    id::AccountId,
    identity::{Account, SecondFactor, WrongCodes},
    notifications::suppression::AddressHash,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    accounts::AccountOutcome,
    passkeys::{FactorOutcome, factor_outcome},
};
use crate::{
    Consistency, Result, Store,
    item::{Record, from_item, number, string, to_item},
    keys::Key,
    transaction::{First, Outcome, delete_action, put_action, update_action},
};

/// An authenticator app and its recovery codes as they are stored.
#[derive(Debug, Serialize, Deserialize)]
struct TotpRecord {
    account: AccountId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_step: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    recovery_codes: Vec<String>,
    /// In seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    suspended_until: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wrong_codes: Option<u32>,
    /// End of their window, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wrong_until: Option<i64>,
}

impl Record for TotpRecord {
    const ENTITY: &'static str = "totp";
}

impl From<&SecondFactor> for TotpRecord {
    fn from(factor: &SecondFactor) -> Self {
        Self {
            account: factor.account,
            secret: factor.secret.clone(),
            pending: factor.pending.clone(),
            last_step: factor.last_step,
            recovery_codes: factor.recovery_codes.clone(),
            suspended_until: factor.suspended_until.map(Timestamp::as_second),
            wrong_codes: factor.wrong_codes.map(|wrong| wrong.count),
            wrong_until: factor.wrong_codes.map(|wrong| wrong.until.as_second()),
        }
    }
}

impl From<TotpRecord> for SecondFactor {
    fn from(record: TotpRecord) -> Self {
        Self {
            account: record.account,
            secret: record.secret,
            pending: record.pending,
            last_step: record.last_step,
            recovery_codes: record.recovery_codes,
            suspended_until: record.suspended_until.map(second),
            wrong_codes: record
                .wrong_codes
                .zip(record.wrong_until)
                .map(|(count, until)| WrongCodes {
                    count,
                    until: second(until),
                }),
        }
    }
}

/// The time of a stored second; one that is out of range never comes.
fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

impl Store {
    /// Reads the authenticator app of an account. Key: [`Key::totp`], strongly consistent: a code that was used must not open any
    /// more. 1 read unit.
    pub async fn second_factor(&self, account: AccountId) -> Result<Option<SecondFactor>> {
        let item = self
            .get("GetItem totp", &Key::totp(account), Consistency::Strong)
            .await?;
        let record = item.map(from_item::<TotpRecord>).transpose()?;
        Ok(record.map(SecondFactor::from))
    }

    /// Stores the sealed secret of an app that is not confirmed yet, in place of one of before; one that is in use stays. Key:
    /// [`Key::totp`]. 2 write units.
    pub async fn start_second_factor(&self, account: AccountId, sealed: &str) -> Result<()> {
        let update = self
            .update(&Key::totp(account))
            .update_expression(
                "SET account = :account, pending = :pending, entity_type = :entity, \
                 schema_version = :schema",
            )
            .expression_attribute_values(":account", string(account.to_string()))
            .expression_attribute_values(":pending", string(sealed))
            .expression_attribute_values(":entity", string(TotpRecord::ENTITY))
            .expression_attribute_values(":schema", number(TotpRecord::VERSION));
        let written = self.write("UpdateItem start totp", update).await?;
        written.or_inconsistent(TotpRecord::ENTITY)?;
        Ok(())
    }

    /// Puts an app that is confirmed into use: `account` is the next version of the account. Keys: [`Key::account`], on the
    /// condition that its version is the one before; [`Key::login`], which says that the password is not enough; [`Key::totp`], on the
    /// condition that the secret is the one that waits. 8 write units.
    pub async fn confirm_second_factor(
        &self,
        account: &Account,
        factor: &SecondFactor,
    ) -> Result<FactorOutcome> {
        let item = to_item(&Key::totp(account.id), &TotpRecord::from(factor))?;
        let secret = factor.secret.as_deref().unwrap_or_default();
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("pending = :secret")
            .expression_attribute_values(":secret", string(secret));
        let actions = vec![
            put_action(self.next_version(account)?)?,
            self.login_with_totp(account, true)?,
            put_action(put)?,
        ];
        let outcome = self.transact("confirm totp", First::Write, actions);
        Ok(factor_outcome(&outcome.await?, &[2]))
    }

    /// Removes the app of an account, whose next version is `account`, and its recovery codes. Keys: [`Key::account`], on the
    /// condition that its version is the one before; [`Key::login`]; [`Key::totp`], on the condition that it exists. 8 write
    /// units.
    pub async fn remove_second_factor(&self, account: &Account) -> Result<FactorOutcome> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(Key::totp(account.id).attributes()))
            .condition_expression("attribute_exists(PK)");
        let actions = vec![
            put_action(self.next_version(account)?)?,
            self.login_with_totp(account, false)?,
            delete_action(delete)?,
        ];
        let outcome = self.transact("remove totp", First::Write, actions);
        Ok(factor_outcome(&outcome.await?, &[2]))
    }

    /// Spends the step of a code of `factor` as it was read: of several logins with it one gets `true`. Key: [`Key::totp`], on the
    /// condition that app and wrong codes are those that were read, that no code of this step or a later one was accepted, and that
    /// codes are not suspended at `now`. 1 write unit, or 2 while another app waits for a code.
    pub async fn spend_step(
        &self,
        factor: &SecondFactor,
        step: u64,
        now: Timestamp,
    ) -> Result<bool> {
        let update = self
            .update(&Key::totp(factor.account))
            .update_expression("SET last_step = :step")
            .expression_attribute_values(":step", number(step))
            .expression_attribute_values(":now", number(now.as_second()));
        let update = if_unchanged(
            update,
            factor,
            "(attribute_not_exists(last_step) OR last_step < :step) \
             AND (attribute_not_exists(suspended_until) OR suspended_until <= :now)",
        );
        let written = self.write("UpdateItem spend step", update).await?;
        Ok(written.is_done())
    }

    /// Counts a wrong code of `factor` as it was read: `wrong` is the number with it. Of several requests that have read the same
    /// one gets `true`, so that each code is compared under the number of those before it. Key: [`Key::totp`], on the condition
    /// that app and wrong codes are those that were read. 1 write unit, or 2 while another app waits for a code.
    pub async fn count_wrong_code(&self, factor: &SecondFactor, wrong: WrongCodes) -> Result<bool> {
        let update = self
            .update(&Key::totp(factor.account))
            .update_expression("SET wrong_codes = :with, wrong_until = :until")
            .expression_attribute_values(":with", number(wrong.count))
            .expression_attribute_values(":until", number(wrong.until.as_second()));
        let update = if_unchanged(update, factor, "attribute_exists(PK)");
        let written = self.write("UpdateItem wrong code", update).await?;
        Ok(written.is_done())
    }

    /// Suspends the codes of an app until a time, in whole seconds: `account` is the next version of the account. Keys:
    /// [`Key::account`], on the condition that its version is the one before; [`Key::totp`], on the condition that an app is in use
    /// and its codes are not suspended at `now`, so that the owner is told once. 6 write units.
    pub async fn suspend_codes(
        &self,
        account: &Account,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<FactorOutcome> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::totp(account.id).attributes()))
            .update_expression("SET suspended_until = :until")
            .condition_expression(
                "attribute_exists(secret) \
                 AND (attribute_not_exists(suspended_until) OR suspended_until <= :now)",
            )
            .expression_attribute_values(":until", number(until.as_second()))
            .expression_attribute_values(":now", number(now.as_second()));
        let actions = vec![
            put_action(self.next_version(account)?)?,
            update_action(update)?,
        ];
        let outcome = self.transact("suspend codes", First::Write, actions);
        Ok(factor_outcome(&outcome.await?, &[1]))
    }

    /// Spends the recovery code at `place` of a factor as it was read: `account` is the next version of the account. Keys:
    /// [`Key::account`], on the condition that its version is the one before; [`Key::totp`], on the condition that its codes are
    /// those that were read. 6 write units.
    pub async fn spend_recovery_code(
        &self,
        account: &Account,
        factor: &SecondFactor,
        place: usize,
    ) -> Result<AccountOutcome> {
        let list = |codes: &[String]| AttributeValue::L(codes.iter().map(string).collect());
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::totp(account.id).attributes()))
            .update_expression("SET recovery_codes = :left")
            .condition_expression("recovery_codes = :before")
            .expression_attribute_values(":left", list(&factor.without_code(place)))
            .expression_attribute_values(":before", list(&factor.recovery_codes));
        let actions = vec![
            put_action(self.next_version(account)?)?,
            update_action(update)?,
        ];
        let outcome = self.transact("spend recovery code", First::Write, actions);
        Ok(match outcome.await? {
            Outcome::Committed { .. } => AccountOutcome::Changed,
            Outcome::Refused(_) | Outcome::InProgress => AccountOutcome::Superseded,
        })
    }

    /// Records in the login of an account whether its password alone is enough, on the condition that the login is the account's: a
    /// login then needs no other read.
    fn login_with_totp(&self, account: &Account, has_totp: bool) -> Result<TransactWriteItem> {
        let key = Key::login(&AddressHash::of(&account.email));
        update_action(
            Update::builder()
                .table_name(&self.table)
                .set_key(Some(key.attributes()))
                .update_expression("SET has_totp = :has_totp")
                .condition_expression("account = :account")
                .expression_attribute_values(":has_totp", AttributeValue::Bool(has_totp))
                .expression_attribute_values(":account", string(account.id.to_string())),
        )
    }
}

/// The condition that app and wrong codes are those of `factor`, as it was read, and `condition`.
fn if_unchanged(
    update: UpdateItemFluentBuilder,
    factor: &SecondFactor,
    condition: &str,
) -> UpdateItemFluentBuilder {
    let secret = factor.secret.as_deref().unwrap_or_default();
    let update = update.expression_attribute_values(":secret", string(secret));
    match factor.wrong_codes {
        Some(read) => update
            .condition_expression(format!(
                "secret = :secret AND wrong_codes = :read AND wrong_until = :end AND {condition}"
            ))
            .expression_attribute_values(":read", number(read.count))
            .expression_attribute_values(":end", number(read.until.as_second())),
        None => update.condition_expression(format!(
            "secret = :secret AND attribute_not_exists(wrong_codes) AND {condition}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use domain::identity::{RecoveryCodes, SealingKey};

    use super::*;
    use crate::item::size;

    #[test]
    fn an_app_is_read_back_in_each_state() {
        let account = AccountId::random([1; 16]);
        let pending = SecondFactor {
            account,
            secret: None,
            pending: Some("sealed".to_owned()),
            last_step: None,
            recovery_codes: Vec::new(),
            suspended_until: None,
            wrong_codes: None,
        };
        let codes = vec!["hash".to_owned(); 10];
        let active = SecondFactor::confirmed(account, "sealed".to_owned(), 59_000_000, codes);
        let suspended = SecondFactor {
            suspended_until: Some(Timestamp::from_second(1_800_000_000).unwrap()),
            wrong_codes: Some(WrongCodes {
                count: 10,
                until: Timestamp::from_second(1_800_000_000).unwrap(),
            }),
            ..active.clone()
        };
        for factor in [pending, active, suspended] {
            let item = to_item(&Key::totp(account), &TotpRecord::from(&factor)).unwrap();
            let record: TotpRecord = from_item(item).unwrap();
            assert_eq!(SecondFactor::from(record), factor);
        }
    }

    /// Each code of an app costs a write of its item.
    #[test]
    fn an_app_in_use_is_one_write_unit() {
        let account = AccountId::random([255; 16]);
        let end = Timestamp::from_second(1_800_000_000).unwrap();
        let sealed = SealingKey::new(&[1; 32]).unwrap();
        let sealed = sealed.seal(&[2; 20], &SecondFactor::associated_data(account), [3; 12]);
        let codes = RecoveryCodes::generate([[255; 15]; 10]).hashes;
        let factor = SecondFactor {
            suspended_until: Some(end),
            wrong_codes: Some(WrongCodes {
                count: u32::MAX,
                until: end,
            }),
            ..SecondFactor::confirmed(account, sealed.unwrap(), 60_000_000, codes)
        };
        let item = to_item(&Key::totp(account), &TotpRecord::from(&factor)).unwrap();
        let bytes = size::of(&item);
        assert!(bytes < 1024, "{bytes}");
    }
}
