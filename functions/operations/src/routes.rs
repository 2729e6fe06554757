//! The API's paths with their methods. Generated from the templates by `cargo xtask routes`: do not edit.

use runtime::ApiPath;

pub(crate) const PATHS: &[ApiPath] = &[
    ApiPath {
        pattern: "/v1/admin/api-keys",
        methods: &["GET", "POST"],
    },
    ApiPath {
        pattern: "/v1/admin/api-keys/{key_id}",
        methods: &["DELETE"],
    },
    ApiPath {
        pattern: "/v1/admin/audit",
        methods: &["GET"],
    },
    ApiPath {
        pattern: "/v1/admin/audit/chains/{chain}",
        methods: &["GET"],
    },
    ApiPath {
        pattern: "/v1/admin/audit/verifications",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/admin/customer-groups",
        methods: &["GET", "POST"],
    },
    ApiPath {
        pattern: "/v1/admin/customer-groups/{group_id}",
        methods: &["DELETE", "GET", "PATCH"],
    },
    ApiPath {
        pattern: "/v1/admin/customer-groups/{group_id}/members",
        methods: &["GET"],
    },
    ApiPath {
        pattern: "/v1/admin/customer-groups/{group_id}/members/{account_id}",
        methods: &["DELETE", "PUT"],
    },
    ApiPath {
        pattern: "/v1/admin/customers",
        methods: &["GET"],
    },
    ApiPath {
        pattern: "/v1/admin/customers/{account_id}",
        methods: &["GET"],
    },
    ApiPath {
        pattern: "/v1/admin/imports",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/admin/imports/{import_id}",
        methods: &["GET"],
    },
    ApiPath {
        pattern: "/v1/admin/jobs",
        methods: &["GET", "POST"],
    },
    ApiPath {
        pattern: "/v1/admin/jobs/{job_id}",
        methods: &["GET", "PATCH"],
    },
    ApiPath {
        pattern: "/v1/admin/orders",
        methods: &["GET"],
    },
    ApiPath {
        pattern: "/v1/admin/orders/{order_id}",
        methods: &["GET"],
    },
    ApiPath {
        pattern: "/v1/admin/orders/{order_id}/cancel",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/admin/orders/{order_id}/fulfilments",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/admin/orders/{order_id}/invoice",
        methods: &["GET"],
    },
    ApiPath {
        pattern: "/v1/admin/orders/{order_id}/refunds",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/admin/orders/{order_id}/returns",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/admin/roles",
        methods: &["GET"],
    },
    ApiPath {
        pattern: "/v1/admin/roles/{role}",
        methods: &["DELETE", "PUT"],
    },
    ApiPath {
        pattern: "/v1/admin/settings",
        methods: &["GET", "PATCH"],
    },
    ApiPath {
        pattern: "/v1/admin/settings/revisions",
        methods: &["GET"],
    },
    ApiPath {
        pattern: "/v1/admin/settings/revisions/{revision}",
        methods: &["GET"],
    },
    ApiPath {
        pattern: "/v1/admin/settings/revisions/{revision}/restore",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/admin/staff",
        methods: &["GET"],
    },
    ApiPath {
        pattern: "/v1/admin/staff/invitations",
        methods: &["GET", "POST"],
    },
    ApiPath {
        pattern: "/v1/admin/staff/invitations/{invitation_id}",
        methods: &["DELETE"],
    },
    ApiPath {
        pattern: "/v1/admin/staff/members/{account_id}",
        methods: &["DELETE", "PATCH"],
    },
    ApiPath {
        pattern: "/v1/admin/stock/{sku}",
        methods: &["GET", "PUT"],
    },
    ApiPath {
        pattern: "/v1/admin/stock/{sku}/shards",
        methods: &["PUT"],
    },
    ApiPath {
        pattern: "/v1/auth/email/confirm",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/auth/invitations/accept",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/auth/login",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/auth/logout",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/auth/passkeys/login",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/auth/passkeys/login/options",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/auth/passkeys/register",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/auth/passkeys/register/options",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/auth/password-reset",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/auth/password-reset/confirm",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/auth/refresh",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/auth/register",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/auth/verify",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/carts",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/carts/{cart_id}",
        methods: &["GET", "HEAD"],
    },
    ApiPath {
        pattern: "/v1/carts/{cart_id}/lines/{sku}",
        methods: &["DELETE", "PUT"],
    },
    ApiPath {
        pattern: "/v1/carts/{cart_id}/merge",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/countries",
        methods: &["GET", "HEAD"],
    },
    ApiPath {
        pattern: "/v1/health",
        methods: &["GET", "HEAD"],
    },
    ApiPath {
        pattern: "/v1/me",
        methods: &["DELETE", "GET", "PATCH"],
    },
    ApiPath {
        pattern: "/v1/me/addresses",
        methods: &["GET", "POST"],
    },
    ApiPath {
        pattern: "/v1/me/addresses/{address_id}",
        methods: &["DELETE", "PUT"],
    },
    ApiPath {
        pattern: "/v1/me/cart",
        methods: &["GET"],
    },
    ApiPath {
        pattern: "/v1/me/email",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/me/export",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/me/exports/{export_id}",
        methods: &["GET"],
    },
    ApiPath {
        pattern: "/v1/me/passkeys",
        methods: &["GET"],
    },
    ApiPath {
        pattern: "/v1/me/passkeys/{passkey_id}",
        methods: &["DELETE", "PATCH"],
    },
    ApiPath {
        pattern: "/v1/me/password",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/me/sessions",
        methods: &["GET"],
    },
    ApiPath {
        pattern: "/v1/me/sessions/{session_id}",
        methods: &["DELETE"],
    },
    ApiPath {
        pattern: "/v1/me/totp",
        methods: &["DELETE", "POST"],
    },
    ApiPath {
        pattern: "/v1/me/totp/confirm",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/me/wishlist",
        methods: &["GET"],
    },
    ApiPath {
        pattern: "/v1/me/wishlist/{sku}",
        methods: &["DELETE", "PUT"],
    },
    ApiPath {
        pattern: "/v1/orders",
        methods: &["GET", "POST"],
    },
    ApiPath {
        pattern: "/v1/orders/{order_id}",
        methods: &["GET"],
    },
    ApiPath {
        pattern: "/v1/orders/{order_id}/cancel",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/orders/{order_id}/claim",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/orders/{order_id}/invoice",
        methods: &["GET"],
    },
    ApiPath {
        pattern: "/v1/payments/{provider}/events",
        methods: &["POST"],
    },
    ApiPath {
        pattern: "/v1/products",
        methods: &["GET", "HEAD"],
    },
    ApiPath {
        pattern: "/v1/products/{slug}",
        methods: &["GET", "HEAD"],
    },
    ApiPath {
        pattern: "/v1/shop",
        methods: &["GET", "HEAD"],
    },
];
