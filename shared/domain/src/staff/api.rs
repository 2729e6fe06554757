//! Bodies and views of the staff's endpoints.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ApiKey, ApiKeySecret, CustomRole, Invitation, NewApiKey, StaffEntry};
use crate::{
    fault::Rejection,
    id::{AccountId, ApiKeyId, InvitationId},
    identity::{Account, NewPassword, Permission, Role, api::SecretText},
    text::FieldCheck,
};

/// Longest name of an API key, in characters.
const MAX_KEY_NAME: usize = 60;
/// Longest name of a person, in characters.
const MAX_NAME: usize = 100;
/// Longest lifetime of an API key, in days.
const MAX_DAYS: i64 = 366;

/// Body of `PUT /v1/admin/roles/{role}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleBody {
    /// Permissions by name, such as `orders:read`; at least one.
    pub permissions: Vec<String>,
}

/// Body of `PATCH /v1/admin/staff/members/{account_id}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeStaffBody {
    /// Name of the new role.
    pub role: String,
}

/// Body of `POST /v1/admin/staff/invitations`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteBody {
    /// Email address of the person.
    pub email: String,
    /// Name of the role.
    pub role: String,
}

/// Body of `POST /v1/auth/invitations/accept`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptBody {
    /// The token of the link, after `token=`.
    pub token: SecretText,
    /// Password of 8 to 256 characters. It is the account's from now on, also of an account that has another one.
    pub password: SecretText,
    /// Name of the person, at most 100 characters; also of an account that has another one.
    #[serde(default)]
    pub name: Option<String>,
}

/// Body of `POST /v1/admin/api-keys`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyBody {
    /// Name for people, at most 60 characters.
    pub name: String,
    /// What the key may do: permissions by name, such as `orders:read`; at least one.
    pub scopes: Vec<String>,
    /// Days for which the key is valid, 1 to 366.
    pub expires_in_days: i64,
}

/// The person of an invitation.
#[derive(Clone, Debug)]
pub struct NewMember {
    /// The password.
    pub password: NewPassword,
    /// Name of the person, for an account that is made.
    pub name: Option<String>,
}

impl RoleBody {
    /// Checks the permissions.
    pub fn parse(&self) -> Result<BTreeSet<Permission>, Rejection> {
        let mut check = FieldCheck::default();
        let permissions = permissions(&mut check, "permissions", &self.permissions);
        check.finish(permissions).map_err(Rejection::invalid)
    }
}

impl AcceptBody {
    /// Checks what the account needs. `is_known` tells whether attackers try a password first.
    pub fn new_member(&self, is_known: impl Fn(&str) -> bool) -> Result<NewMember, Rejection> {
        let mut check = FieldCheck::default();
        let name = check.optional_line("name", self.name.clone(), MAX_NAME);
        let password = NewPassword::parse("password", &self.password.0, is_known);
        match check.accept(password) {
            Some(password) => check
                .finish(NewMember { password, name })
                .map_err(Rejection::invalid),
            None => Err(Rejection::invalid(check.into_faults())),
        }
    }
}

impl ApiKeyBody {
    /// Checks all fields.
    pub fn parse(&self) -> Result<NewApiKey, Rejection> {
        let mut check = FieldCheck::default();
        let name = check.line("name", &self.name, MAX_KEY_NAME);
        let scopes = permissions(&mut check, "scopes", &self.scopes);
        if !(1..=MAX_DAYS).contains(&self.expires_in_days) {
            let message = format!("Must be from 1 to {MAX_DAYS}.");
            check.fault("expires_in_days", "out_of_range", message);
        }
        let days = self.expires_in_days.clamp(1, MAX_DAYS);
        let key = NewApiKey {
            name,
            scopes,
            lifetime: SignedDuration::from_hours(24 * days),
        };
        check.finish(key).map_err(Rejection::invalid)
    }
}

/// Reads permissions by name.
fn permissions(check: &mut FieldCheck, field: &str, names: &[String]) -> BTreeSet<Permission> {
    if names.is_empty() {
        check.fault(field, "required", "Must name at least one permission.");
    }
    if names.len() > Permission::ALL.len() {
        let most = Permission::ALL.len();
        check.fault(field, "too_many", format!("Must be at most {most}."));
        return BTreeSet::new();
    }
    let mut known = BTreeSet::new();
    for (index, name) in names.iter().enumerate() {
        match Permission::named(name) {
            Some(permission) => {
                known.insert(permission);
            }
            None => check.fault(
                &format!("{field}[{index}]"),
                "unknown_value",
                "Must be a permission such as orders:read.",
            ),
        }
    }
    known
}

/// A role.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RoleView {
    /// Its name.
    pub name: String,
    /// What it permits.
    pub permissions: Vec<&'static str>,
    /// Whether every shop has it, and nobody can change it.
    pub built_in: bool,
}

/// All roles.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RolesView {
    /// The roles: first those that every shop has, then the shop's own by name.
    pub items: Vec<RoleView>,
}

impl From<Role> for RoleView {
    fn from(role: Role) -> Self {
        let permissions = role.permissions().into_iter();
        Self {
            name: role.name().to_owned(),
            permissions: permissions.map(Permission::name).collect(),
            built_in: true,
        }
    }
}

impl From<&CustomRole> for RoleView {
    fn from(role: &CustomRole) -> Self {
        let permissions = role.permissions().into_iter();
        Self {
            name: role.name.clone(),
            permissions: permissions.map(Permission::name).collect(),
            built_in: false,
        }
    }
}

impl RolesView {
    /// All roles of a shop with these of its own.
    pub fn of(own: &[CustomRole]) -> Self {
        let built_in = Role::ALL.into_iter().map(RoleView::from);
        Self {
            items: built_in.chain(own.iter().map(RoleView::from)).collect(),
        }
    }
}

/// A member of the staff.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StaffMemberView {
    /// Identifier of the account.
    pub account_id: AccountId,
    /// Email address.
    pub email: String,
    /// Name of the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Name of the role.
    pub role: String,
    /// What the role permits.
    pub permissions: Vec<&'static str>,
    /// Time at which the invitation was accepted.
    #[schemars(with = "String")]
    pub joined_at: Timestamp,
    /// Author of the invitation: `staff:` and the account or the subject of a token, or `shop` for the command of an operator.
    pub invited_by: String,
}

/// The staff.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StaffListView {
    /// The members, in the order in which they joined.
    pub items: Vec<StaffMemberView>,
}

impl StaffMemberView {
    /// A member; `None` if the account does not belong to the staff.
    pub fn of(entry: &StaffEntry, account: &Account) -> Option<Self> {
        let staff = account.staff.as_ref()?;
        let permissions = account.permissions().into_iter();
        Some(Self {
            account_id: account.id,
            email: account.email.clone(),
            name: account.name.clone(),
            role: staff.role.clone(),
            permissions: permissions.map(Permission::name).collect(),
            joined_at: entry.joined_at,
            invited_by: entry.invited_by.to_string(),
        })
    }
}

impl StaffListView {
    /// The list, with the accounts of its entries in any order. An entry without one is of somebody who is leaving.
    pub fn of(entries: &[StaffEntry], accounts: &[Account]) -> Self {
        let account = |entry: &StaffEntry| accounts.iter().find(|it| it.id == entry.account);
        let items = entries
            .iter()
            .filter_map(|entry| StaffMemberView::of(entry, account(entry)?));
        let mut items: Vec<StaffMemberView> = items.collect();
        items.sort_by_key(|it| it.joined_at);
        Self { items }
    }
}

/// An open invitation.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct InvitationView {
    /// Identifier.
    pub id: InvitationId,
    /// Address that it was sent to.
    pub email: String,
    /// Name of the role.
    pub role: String,
    /// Author: `staff:` and the account or the subject of a token, or `shop` for the command of an operator.
    pub invited_by: String,
    /// Time of the invitation.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// Time from which on it cannot be accepted.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
}

/// All open invitations.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct InvitationsView {
    /// The invitations, the last one first.
    pub items: Vec<InvitationView>,
}

impl From<&Invitation> for InvitationView {
    fn from(invitation: &Invitation) -> Self {
        Self {
            id: invitation.id,
            email: invitation.email.clone(),
            role: invitation.role.clone(),
            invited_by: invitation.invited_by.to_string(),
            created_at: invitation.created_at,
            expires_at: invitation.expires_at(),
        }
    }
}

impl InvitationsView {
    /// The list of these invitations.
    pub fn of(invitations: &[Invitation]) -> Self {
        let mut items: Vec<InvitationView> = invitations.iter().map(InvitationView::from).collect();
        items.sort_by_key(|it| std::cmp::Reverse(it.created_at));
        Self { items }
    }
}

/// An API key. Not to be logged: the one that was just made has its secret.
#[derive(Clone, Serialize, JsonSchema)]
pub struct ApiKeyView {
    /// Identifier.
    pub id: ApiKeyId,
    /// Name for people.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<&'static str>,
    /// Whoever has made it: `staff:` and the account or the subject of a token.
    pub created_by: String,
    /// Time at which it was made.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// Time from which on it is not valid.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
    /// Time of its last use, up to an hour earlier; missing if it was not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub last_used_at: Option<Timestamp>,
    /// The key itself, which a machine sends as its bearer token: only in the response that has made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// All API keys that are valid.
#[derive(Clone, Serialize, JsonSchema)]
pub struct ApiKeysView {
    /// The keys, the last one first.
    pub items: Vec<ApiKeyView>,
}

impl From<&ApiKey> for ApiKeyView {
    fn from(key: &ApiKey) -> Self {
        let scopes = key.scopes().into_iter();
        Self {
            id: key.id,
            name: key.name.clone(),
            scopes: scopes.map(Permission::name).collect(),
            created_by: key.created_by.to_string(),
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            secret: None,
        }
    }
}

impl ApiKeyView {
    /// A key that was just made.
    pub fn made(key: &ApiKey, secret: &ApiKeySecret) -> Self {
        Self {
            secret: Some(secret.reveal().to_owned()),
            ..Self::from(key)
        }
    }
}

impl ApiKeysView {
    /// The list of these keys, without those that are not valid at `now`.
    pub fn of(keys: &[ApiKey], now: Timestamp) -> Self {
        let valid = keys.iter().filter(|key| key.is_valid(now));
        let mut items: Vec<ApiKeyView> = valid.map(ApiKeyView::from).collect();
        items.sort_by_key(|it| std::cmp::Reverse(it.created_at));
        Self { items }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fields and codes of the faults.
    fn faults<T>(parsed: Result<T, Rejection>) -> Vec<(String, String)> {
        let rejection = parsed.err().map(|it| it.fields).unwrap_or_default();
        rejection
            .into_iter()
            .map(|fault| (fault.field, fault.code.into_owned()))
            .collect()
    }

    fn texts(names: &[&str]) -> Vec<String> {
        names.iter().map(|it| (*it).to_owned()).collect()
    }

    #[test]
    fn a_role_names_permissions_that_exist() {
        let body = |names: &[&str]| RoleBody {
            permissions: texts(names),
        };
        let twice = body(&["orders:read", "orders:read"]).parse();
        assert_eq!(twice, Ok(BTreeSet::from([Permission::OrdersRead])));
        let one = |field: &str, code: &str| vec![(field.to_owned(), code.to_owned())];
        let wrong = body(&["orders:read", "orders:all"]).parse();
        assert_eq!(faults(wrong), one("permissions[1]", "unknown_value"));
        assert_eq!(faults(body(&[]).parse()), one("permissions", "required"));
        // One fault, and not one for each.
        let many = RoleBody {
            permissions: vec!["x".to_owned(); 20_000],
        };
        assert_eq!(faults(many.parse()), one("permissions", "too_many"));
    }

    #[test]
    fn a_key_has_a_name_scopes_and_an_end() {
        let body = |days: i64| ApiKeyBody {
            name: "  Ware   house ".to_owned(),
            scopes: texts(&["stock:write"]),
            expires_in_days: days,
        };
        let key = body(366).parse().unwrap();
        assert_eq!(key.name, "Ware house");
        assert_eq!(key.lifetime, SignedDuration::from_hours(24 * 366));
        for days in [0, -1, 367, i64::MAX, i64::MIN] {
            let found = faults(body(days).parse());
            assert_eq!(found[0].0, "expires_in_days", "{days}");
        }
        let empty = ApiKeyBody {
            name: "\u{200B}".to_owned(),
            scopes: Vec::new(),
            expires_in_days: 0,
        };
        assert_eq!(faults(empty.parse()).len(), 3);
        let long = ApiKeyBody {
            name: "x".repeat(61),
            ..body(1)
        };
        assert_eq!(faults(long.parse())[0].1, "too_long");
    }

    #[test]
    fn an_account_takes_a_password() {
        let body = |password: &str| AcceptBody {
            token: SecretText("t".to_owned()),
            password: SecretText(password.to_owned()),
            name: Some(" Ada   Lovelace ".to_owned()),
        };
        let member = body("correct horse battery").new_member(|_| false);
        assert_eq!(member.unwrap().name.as_deref(), Some("Ada Lovelace"));
        for (password, code) in [("", "required"), ("short", "too_short")] {
            let found = faults(body(password).new_member(|_| false));
            assert_eq!(found[0], ("password".to_owned(), code.to_owned()));
        }
        let known = faults(body("password1").new_member(|_| true));
        assert_eq!(known[0].1, "breached_password");
        assert!(!format!("{:?}", body("secret")).contains("secret"));
    }

    #[test]
    fn all_roles_are_listed_with_what_they_permit() {
        let roles = serde_json::to_value(RolesView::of(&[])).unwrap();
        assert_eq!(roles["items"].as_array().unwrap().len(), Role::ALL.len());
        assert_eq!(roles["items"][0]["name"], "owner");
        assert_eq!(roles["items"][0]["built_in"], true);
    }
}
