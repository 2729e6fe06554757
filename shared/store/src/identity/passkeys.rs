//! Stores passkeys, the pointers by which a login finds their accounts, and challenges that wait for their answers.

use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, Put, ReturnValue, ReturnValuesOnConditionCheckFailure,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    id::{AccountId, PasskeyId},
    identity::{
        Account, Ceremony, IssuedChallenge, Passkey,
        webauthn::{Assertion, Challenge, PublicKey},
    },
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::accounts::is_refused;
use crate::{
    Consistency, Result, Store, StoreError,
    item::{Item, Record, from_item, number, string, to_item},
    keys::{Key, PASSKEY_PREFIX, account_partition},
    transaction::{First, Outcome, delete_action, put_action},
    write::Written,
};

/// A passkey as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct PasskeyRecord {
    id: PasskeyId,
    account: AccountId,
    /// Id of the credential, in base64url.
    credential: String,
    /// The COSE key, in base64url.
    public_key: String,
    counter: u32,
    /// A passkey of before this was stored counts as verified: those of staff had to be, and if they did not count, the password
    /// alone could add another one.
    #[serde(default = "verified")]
    user_verified: bool,
    backup_eligible: bool,
    backed_up: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    transports: Vec<String>,
    name: String,
    created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Timestamp>,
}

/// The account of a passkey as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct OwnerRecord {
    id: PasskeyId,
    account: AccountId,
}

/// A challenge as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct ChallengeRecord {
    /// The account that adds a passkey; none at a login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<AccountId>,
    /// Expiry in seconds since 1970.
    expires_at: i64,
}

const fn verified() -> bool {
    true
}

impl Record for PasskeyRecord {
    const ENTITY: &'static str = "passkey";
}

impl Record for OwnerRecord {
    const ENTITY: &'static str = "passkey_owner";
}

impl Record for ChallengeRecord {
    const ENTITY: &'static str = "challenge";
}

/// Result of a change of the ways to sign in to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorOutcome {
    /// It was written.
    Changed,
    /// The passkey or the app is not as the change needs it: it is there already, or not any more.
    Unfit,
    /// The account has changed in the meantime.
    Superseded,
}

/// Result of recording a login with a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasskeyUse {
    /// It was recorded.
    Recorded,
    /// Another login has a counter that is as high: one of the two was with a copy.
    Overtaken,
    /// The passkey has been removed.
    Gone,
}

impl From<&Passkey> for PasskeyRecord {
    fn from(passkey: &Passkey) -> Self {
        Self {
            id: passkey.id,
            account: passkey.account,
            credential: URL_SAFE_NO_PAD.encode(&passkey.credential),
            public_key: URL_SAFE_NO_PAD.encode(passkey.public_key.as_cose()),
            counter: passkey.counter,
            user_verified: passkey.user_verified,
            backup_eligible: passkey.backup_eligible,
            backed_up: passkey.backed_up,
            transports: passkey.transports.clone(),
            name: passkey.name.clone(),
            created_at: passkey.created_at,
            last_used_at: passkey.last_used_at,
        }
    }
}

fn read(item: Item) -> Result<Passkey> {
    let record: PasskeyRecord = from_item(item)?;
    let bytes = |text: &str| {
        URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|error| StoreError::unreadable(PasskeyRecord::ENTITY, error))
    };
    let public_key = PublicKey::from_cose(&bytes(&record.public_key)?)
        .map_err(|error| StoreError::unreadable(PasskeyRecord::ENTITY, error))?;
    Ok(Passkey {
        id: record.id,
        account: record.account,
        credential: bytes(&record.credential)?,
        public_key,
        counter: record.counter,
        user_verified: record.user_verified,
        backup_eligible: record.backup_eligible,
        backed_up: record.backed_up,
        transports: record.transports,
        name: record.name,
        created_at: record.created_at,
        last_used_at: record.last_used_at,
    })
}

/// Result of a transaction whose actions at the places `own` are on the passkey or the app itself.
pub(super) fn factor_outcome(outcome: &Outcome, own: &[usize]) -> FactorOutcome {
    match outcome {
        Outcome::Committed { .. } => FactorOutcome::Changed,
        Outcome::Refused(reasons) if own.iter().any(|place| is_refused(reasons, *place)) => {
            FactorOutcome::Unfit
        }
        Outcome::Refused(_) | Outcome::InProgress => FactorOutcome::Superseded,
    }
}

impl Store {
    /// Stores a challenge, which expires. Key: [`Key::challenge`], on the condition that it does not exist. 1 write unit.
    pub async fn issue_challenge(&self, issued: &IssuedChallenge) -> Result<()> {
        let record = ChallengeRecord {
            account: match issued.ceremony {
                Ceremony::Registration(account) => Some(account),
                Ceremony::Login => None,
            },
            expires_at: issued.expires_at.as_second(),
        };
        let key = Key::challenge(&issued.challenge);
        self.insert_new("PutItem challenge", &key, &record).await
    }

    /// Takes a challenge, so that it is answered once, and returns what it was issued for; `None` if it was not, has been
    /// taken or has expired. Key: [`Key::challenge`]. 1 write unit.
    pub async fn take_challenge(
        &self,
        challenge: &Challenge,
        now: Timestamp,
    ) -> Result<Option<Ceremony>> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(Key::challenge(challenge).attributes()))
            .return_values(ReturnValue::AllOld);
        let deleted = self.write("DeleteItem challenge", delete).await?;
        let item = deleted.or_inconsistent(ChallengeRecord::ENTITY)?;
        if item.is_empty() {
            return Ok(None);
        }
        let record: ChallengeRecord = from_item(item)?;
        let ceremony = match record.account {
            Some(account) => Ceremony::Registration(account),
            None => Ceremony::Login,
        };
        Ok((record.expires_at > now.as_second()).then_some(ceremony))
    }

    /// Adds a passkey to an account, whose next version is `account`. Keys: [`Key::account`], on the condition that its version
    /// is the one before; [`Key::passkey`] and [`Key::passkey_owner`], on the condition that they do not exist: no two accounts
    /// have one credential. 6 write units, or 8 for a long credential.
    pub async fn add_passkey(&self, account: &Account, passkey: &Passkey) -> Result<FactorOutcome> {
        let owner = OwnerRecord {
            id: passkey.id,
            account: passkey.account,
        };
        let key = Key::passkey(passkey.account, passkey.id);
        let new = |item: Item| {
            Put::builder()
                .table_name(&self.table)
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(PK)")
        };
        let actions = vec![
            put_action(self.next_version(account)?)?,
            put_action(new(to_item(&key, &PasskeyRecord::from(passkey))?))?,
            put_action(new(to_item(&Key::passkey_owner(passkey.id), &owner)?))?,
        ];
        let outcome = self.transact("add passkey", First::Write, actions).await?;
        Ok(factor_outcome(&outcome, &[1, 2]))
    }

    /// Removes a passkey of an account, whose next version is `account`. Keys: [`Key::account`], on the condition that its version
    /// is the one before; [`Key::passkey`], on the condition that it exists; [`Key::passkey_owner`]. 6 write units, or 8 for a
    /// long credential.
    pub async fn remove_passkey(&self, account: &Account, id: PasskeyId) -> Result<FactorOutcome> {
        let delete = |key: &Key| {
            Delete::builder()
                .table_name(&self.table)
                .set_key(Some(key.attributes()))
        };
        let passkey = delete(&Key::passkey(account.id, id));
        let actions = vec![
            put_action(self.next_version(account)?)?,
            delete_action(passkey.condition_expression("attribute_exists(PK)"))?,
            delete_action(delete(&Key::passkey_owner(id)))?,
        ];
        let outcome = self.transact("remove passkey", First::Write, actions);
        Ok(factor_outcome(&outcome.await?, &[1]))
    }

    /// Reads which account has a passkey. Key: [`Key::passkey_owner`], strongly consistent: it may have been added just now. 1
    /// read unit.
    pub async fn passkey_owner(&self, id: PasskeyId) -> Result<Option<AccountId>> {
        let key = Key::passkey_owner(id);
        let item = self
            .get("GetItem passkey owner", &key, Consistency::Strong)
            .await?;
        let record = item.map(from_item::<OwnerRecord>).transpose()?;
        Ok(record.map(|record| record.account))
    }

    /// Reads a passkey of an account. Key: [`Key::passkey`], strongly consistent. 1 read unit.
    pub async fn passkey(&self, account: AccountId, id: PasskeyId) -> Result<Option<Passkey>> {
        let key = Key::passkey(account, id);
        let item = self
            .get("GetItem passkey", &key, Consistency::Strong)
            .await?;
        item.map(read).transpose()
    }

    /// Lists the passkeys of an account. Key: [`account_partition`], those that begin with [`PASSKEY_PREFIX`], strongly
    /// consistent: 1 read unit for each 4 KB.
    pub async fn passkeys(&self, account: AccountId) -> Result<Vec<Passkey>> {
        let mut passkeys = Vec::new();
        let partition = account_partition(account);
        let prefix = Some(PASSKEY_PREFIX);
        self.partition_part("Query passkeys", &partition, prefix, |item| {
            passkeys.push(read(item)?);
            Ok(())
        })
        .await?;
        Ok(passkeys)
    }

    /// Records a login with a passkey, as it was read. Key: [`Key::passkey`], on the condition that its counter is the one that was
    /// read, or lower than the new one: another login at the same time does no harm. One whose user was verified says so from then
    /// on, and none takes that back. 1 write unit, or 2 for a long credential.
    pub async fn use_passkey(
        &self,
        passkey: &Passkey,
        assertion: &Assertion,
        now: Timestamp,
    ) -> Result<PasskeyUse> {
        let backed_up = AttributeValue::Bool(assertion.backed_up);
        let update = self
            .update(&Key::passkey(passkey.account, passkey.id))
            .update_expression(match assertion.user_verified {
                true => {
                    "SET #counter = :counter, backed_up = :backed_up, last_used_at = :now, \
                     user_verified = :verified"
                }
                false => "SET #counter = :counter, backed_up = :backed_up, last_used_at = :now",
            })
            .condition_expression("#counter = :before OR #counter < :counter")
            .expression_attribute_names("#counter", "counter")
            .expression_attribute_values(":counter", number(assertion.counter))
            .expression_attribute_values(":before", number(passkey.counter))
            .expression_attribute_values(":backed_up", backed_up)
            .expression_attribute_values(":now", string(now.to_string()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        // DynamoDB refuses a value that no expression has.
        let update = match assertion.user_verified {
            true => update.expression_attribute_values(":verified", AttributeValue::Bool(true)),
            false => update,
        };
        Ok(match self.write("UpdateItem use passkey", update).await? {
            Written::Done(_) => PasskeyUse::Recorded,
            Written::Refused(Some(_)) => PasskeyUse::Overtaken,
            Written::Refused(None) => PasskeyUse::Gone,
        })
    }

    /// Renames a passkey, and returns it; `None` if the account has none with this id. Key: [`Key::passkey`], on the condition
    /// that it exists. 1 write unit, or 2 for a long credential.
    pub async fn rename_passkey(
        &self,
        account: AccountId,
        id: PasskeyId,
        name: &str,
    ) -> Result<Option<Passkey>> {
        let update = self
            .update(&Key::passkey(account, id))
            .update_expression("SET #name = :name")
            .condition_expression("attribute_exists(PK)")
            .expression_attribute_names("#name", "name")
            .expression_attribute_values(":name", string(name))
            .return_values(ReturnValue::AllNew);
        match self.write("UpdateItem rename passkey", update).await? {
            Written::Done(item) => read(item).map(Some),
            Written::Refused(_) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::size;

    /// The largest: an RSA key of 4,096 bits, and the longest id that the standard allows.
    fn passkey() -> Passkey {
        let head = b"\xA4\x01\x03\x03\x39\x01\x00\x20\x59\x02\x00".as_slice();
        let cose = [head, &[9; 512], b"\x21\x43\x01\x00\x01"].concat();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let credential = vec![0xFB; 1023];
        Passkey {
            id: Passkey::id_of(&credential),
            account: AccountId::random([1; 16]),
            credential,
            public_key: PublicKey::from_cose(&cose).unwrap(),
            counter: u32::MAX,
            user_verified: false,
            backup_eligible: true,
            backed_up: true,
            transports: vec!["smart-card".to_owned(); 6],
            name: "é".repeat(100),
            created_at: now,
            last_used_at: Some(now),
        }
    }

    #[test]
    fn a_passkey_is_read_back_and_fits() {
        let passkey = passkey();
        let key = Key::passkey(passkey.account, passkey.id);
        let item = to_item(&key, &PasskeyRecord::from(&passkey)).unwrap();
        size::must_fit("passkey", &item);
        // Twenty of them are a page of a query, which ends at 1 MB.
        assert!(20 * size::of(&item) < 1_000_000);
        assert_eq!(read(item).unwrap(), passkey);
    }

    /// Whoever knows the password of staff must not add another one because the shop does not know of the first.
    #[test]
    fn a_passkey_of_before_it_was_stored_counts_as_verified() {
        let passkey = passkey();
        let key = Key::passkey(passkey.account, passkey.id);
        let mut item = to_item(&key, &PasskeyRecord::from(&passkey)).unwrap();
        assert!(!read(item.clone()).unwrap().user_verified);
        assert!(item.remove("user_verified").is_some());
        assert!(read(item).unwrap().user_verified);
    }

    #[test]
    fn a_passkey_that_cannot_be_read_is_no_passkey() {
        let passkey = passkey();
        let key = Key::passkey(passkey.account, passkey.id);
        for (name, value) in [
            ("public_key", "AAAA"),
            ("public_key", "="),
            ("credential", "="),
            ("id", "psk_"),
        ] {
            let mut item = to_item(&key, &PasskeyRecord::from(&passkey)).unwrap();
            item.insert(name.to_owned(), string(value));
            assert!(read(item).is_err(), "{name} {value}");
        }
    }
}
