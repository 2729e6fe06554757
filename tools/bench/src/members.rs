//! Requests about the staff: members, invitations, roles and API keys.

use std::sync::atomic::{AtomicU32, Ordering};

use local::outcome::Outcome;
use serde_json::{Value, json};

use crate::{
    people::new_email,
    world::{World, text},
};

const INVITATIONS: &str = "/v1/admin/staff/invitations";
const MEMBER: &str = "/v1/admin/staff/members/{account_id}";
const ROLE: &str = "/v1/admin/roles/{role}";
const API_KEYS: &str = "/v1/admin/api-keys";

impl World {
    /// The request that accepts an invitation, by somebody without an account.
    pub(crate) async fn new_acceptance(&self) -> Outcome<Value> {
        let email = new_email();
        self.api("invite-staff", &self.invitation(&email)).await?;
        self.acceptance(&email).await
    }

    /// The request that gives a member another role.
    pub(crate) async fn promotion(&self) -> Outcome<Value> {
        let body = json!({ "role": "manager" });
        self.member("PATCH", Some(&body)).await
    }

    /// The request that removes a member.
    pub(crate) async fn dismissal(&self) -> Outcome<Value> {
        self.member("DELETE", None).await
    }

    /// The request for the list of the staff, which has a member.
    pub(crate) async fn staff_list(&self) -> Outcome<Value> {
        self.new_member().await?;
        Ok(self.staff("GET /v1/admin/staff", &[], None))
    }

    /// The request that invites somebody.
    pub(crate) fn new_invitation(&self) -> Value {
        self.invitation(&new_email())
    }

    /// The request for the list of invitations, which has one.
    pub(crate) async fn invitation_list(&self) -> Outcome<Value> {
        self.api("invite-staff", &self.new_invitation()).await?;
        Ok(self.staff(&format!("GET {INVITATIONS}"), &[], None))
    }

    /// The request that revokes an open invitation.
    pub(crate) async fn revocation(&self) -> Outcome<Value> {
        let made = self.api("invite-staff", &self.new_invitation()).await?;
        let route = format!("DELETE {INVITATIONS}/{{invitation_id}}");
        let id = text(&made["id"]);
        Ok(self.staff(&route, &[("invitation_id", &id)], None))
    }

    /// The request for the list of roles, which has one of the shop's own.
    pub(crate) async fn role_list(&self) -> Outcome<Value> {
        self.api("put-role", &self.role("packers", "orders:read"))
            .await?;
        Ok(self.staff("GET /v1/admin/roles", &[], None))
    }

    /// A request that gives one role other permissions than the last one.
    pub(crate) fn role_change(&self) -> Value {
        static CHANGES: AtomicU32 = AtomicU32::new(0);
        let permission = match CHANGES.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => "orders:read",
            _ => "stock:read",
        };
        self.role("packers", permission)
    }

    /// The request that removes a role that nobody has.
    pub(crate) async fn role_removal(&self) -> Outcome<Value> {
        static ROLES: AtomicU32 = AtomicU32::new(0);
        let name = format!("role_{}", ROLES.fetch_add(1, Ordering::Relaxed));
        self.api("put-role", &self.role(&name, "orders:read"))
            .await?;
        Ok(self.staff(&format!("DELETE {ROLE}"), &[("role", &name)], None))
    }

    /// The request for a new API key.
    pub(crate) fn new_api_key(&self) -> Value {
        let body = json!({ "name": "ERP", "scopes": ["orders:read"], "expires_in_days": 90 });
        self.staff(&format!("POST {API_KEYS}"), &[], Some(&body))
    }

    /// The request for the list of API keys, which has one.
    pub(crate) async fn api_key_list(&self) -> Outcome<Value> {
        self.api("create-api-key", &self.new_api_key()).await?;
        Ok(self.staff(&format!("GET {API_KEYS}"), &[], None))
    }

    /// The request that revokes an API key.
    pub(crate) async fn api_key_revocation(&self) -> Outcome<Value> {
        let made = self.api("create-api-key", &self.new_api_key()).await?;
        let route = format!("DELETE {API_KEYS}/{{key_id}}");
        Ok(self.staff(&route, &[("key_id", &text(&made["id"]))], None))
    }

    fn invitation(&self, email: &str) -> Value {
        let body = json!({ "email": email, "role": "support" });
        self.staff(&format!("POST {INVITATIONS}"), &[], Some(&body))
    }

    /// A request about a new member of the staff.
    async fn member(&self, method: &str, body: Option<&Value>) -> Outcome<Value> {
        let account = self.new_member().await?;
        let route = format!("{method} {MEMBER}");
        Ok(self.staff(&route, &[("account_id", &account)], body))
    }

    /// Somebody who has just joined the staff; returns the account.
    async fn new_member(&self) -> Outcome<String> {
        let email = new_email();
        self.api("invite-staff", &self.invitation(&email)).await?;
        self.api("accept-invitation", &self.acceptance(&email).await?)
            .await?;
        let staff = self.staff("GET /v1/admin/staff", &[], None);
        let staff = self.api("list-staff", &staff).await?;
        let mut staff = staff["items"].as_array().into_iter().flatten();
        let member = staff.find(|member| member["email"] == email);
        Ok(text(
            &member.ok_or("a new member is not on the list")?["account_id"],
        ))
    }

    fn role(&self, name: &str, permission: &str) -> Value {
        let body = json!({ "permissions": [permission] });
        self.staff(&format!("PUT {ROLE}"), &[("role", name)], Some(&body))
    }
}
