// Generated from web/openapi.json by `npm run client`: do not edit.

export interface paths {
    "/v1/admin/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the API keys that are valid, with the time of their last use. */
        get: operations["list-api-keys"];
        put?: never;
        /** Makes an API key for a machine, with some of the permissions of its maker. Only this response has the key itself. */
        post: operations["create-api-key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/api-keys/{key_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revokes an API key, which is refused everywhere within 10 seconds. */
        delete: operations["revoke-api-key"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the records of the audit trail, newest first, by actor, action, subject and time. */
        get: operations["list-audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/audit/chains/{chain}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the records of one chain of the audit trail as they are stored, oldest first. */
        get: operations["export-audit-chain"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/audit/verifications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Verifies a part of a chain of the audit trail, by its hashes, its head and its anchors. */
        post: operations["verify-audit"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/customer-groups": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists all customer groups with the numbers of their members. */
        get: operations["list-customer-groups"];
        put?: never;
        /** Creates a customer group. A request that is repeated returns the group that it has created. */
        post: operations["create-customer-group"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/customer-groups/{group_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns a customer group with the number of its members. */
        get: operations["get-customer-group"];
        put?: never;
        post?: never;
        /** Removes a customer group that has no members. */
        delete: operations["delete-customer-group"];
        options?: never;
        head?: never;
        /** Changes the name or the note of a customer group. With `If-Match`, only if neither has changed since the group was read. */
        patch: operations["change-customer-group"];
        trace?: never;
    };
    "/v1/admin/customer-groups/{group_id}/members": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the members of a customer group, page by page. */
        get: operations["list-group-members"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/customer-groups/{group_id}/members/{account_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Puts an account into a customer group. Its access tokens say so from the next one on, within 15 minutes. */
        put: operations["add-group-member"];
        post?: never;
        /** Takes an account out of a customer group, also if it is not in it. Its access tokens say so from the next one on, within 15 minutes. */
        delete: operations["remove-group-member"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/customers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Finds a customer by email address, with their account, if they have one, and the sums of their orders. */
        get: operations["list-customers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/customers/{account_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns a customer with an account: profile, consent, groups, and the sums of the orders. */
        get: operations["get-customer"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/imports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Creates an import and returns a presigned upload URL for the product file. Uploading the file starts the import; the URL takes a file of the announced size only. */
        post: operations["create-import"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/imports/{import_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the progress of an import and its errors by line. */
        get: operations["get-import"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the jobs with their progress, newest first. */
        get: operations["list-jobs"];
        put?: never;
        /** Creates a job of a kind that needs nothing else, and starts it. */
        post: operations["create-job"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/jobs/{job_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns a job with its progress, its errors and the URL of its result. */
        get: operations["get-job"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Pauses, resumes or cancels a job. Steps that are at work end first. */
        patch: operations["change-job"];
        trace?: never;
    };
    "/v1/admin/orders": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists orders for staff, newest first, by customer, number, status, SKU and time. */
        get: operations["list-orders"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/orders/{order_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns an order to staff, with the history of its changes. */
        get: operations["get-order-as-staff"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/orders/{order_id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Cancels an order on behalf of staff before any of it is shipped. Releases its stock and voids or refunds the payment. */
        post: operations["cancel-order-as-staff"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/orders/{order_id}/fulfilments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Records the handover of all or some of an order's goods to a carrier. */
        post: operations["fulfil-order"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/orders/{order_id}/invoice": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns an order's invoice and credit notes to staff. */
        get: operations["get-invoice-as-staff"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/orders/{order_id}/refunds": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Refunds an order in full, by line or by amount, up to the captured amount. Asynchronous: 202 means accepted. */
        post: operations["refund-order"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/orders/{order_id}/returns": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Records goods that came back, or that will not be shipped. Moves no money. */
        post: operations["return-goods"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/roles": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists all roles with what they permit: those that every shop has, and the shop's own. */
        get: operations["list-roles"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/roles/{role}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Makes a role of the shop's own, or gives it and everybody who has it other permissions. Nobody gives or takes a permission that they do not have. A request that was interrupted may be sent again. */
        put: operations["put-role"];
        post?: never;
        /** Removes a role of the shop's own that nobody of the staff and no open invitation has. */
        delete: operations["delete-role"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the settings, and the template's values that apply without them. */
        get: operations["get-settings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Changes settings; those that are not named stay, `null` returns one to the template's value. Only with `If-Match`; the change takes effect everywhere within 10 seconds. */
        patch: operations["change-settings"];
        trace?: never;
    };
    "/v1/admin/settings/revisions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the changes of the settings, newest first. */
        get: operations["list-settings-revisions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/settings/revisions/{revision}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the settings of one revision; 0 is the template's values. */
        get: operations["get-settings-revision"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/settings/revisions/{revision}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes a new revision with the content of an earlier one; 0 is the template's values. Only with `If-Match`. */
        post: operations["restore-settings"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/staff": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists everybody who belongs to the staff, with role and permissions. */
        get: operations["list-staff"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/staff/invitations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the invitations that can be accepted. */
        get: operations["list-invitations"];
        put?: never;
        /** Invites somebody to the staff by a mail, whose link works for 7 days. Nobody gives a permission that they do not have. */
        post: operations["invite-staff"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/staff/invitations/{invitation_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revokes an invitation, whose link no longer works. */
        delete: operations["revoke-invitation"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/staff/members/{account_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Takes a member from the staff, ends their sessions, and revokes the open invitations that they have sent or got; they keep their account as a customer. The last owner stays. */
        delete: operations["remove-staff"];
        options?: never;
        head?: never;
        /** Gives a member of the staff another role, ends their sessions, and revokes the open invitations that they have sent if they may send none any more. Nobody gives or takes a permission that they do not have; the last owner keeps the role. */
        patch: operations["change-staff"];
        trace?: never;
    };
    "/v1/admin/stock/{sku}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the units of a SKU on hand, reserved and available. */
        get: operations["get-stock"];
        /** Sets the counted units on hand. Reservations are kept. With `If-Match`, only if no unit was sold or counted since the stock was read. */
        put: operations["set-stock"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/stock/{sku}/shards": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Splits the stock of a SKU into shards, so that more orders per second can reserve it. */
        put: operations["split-stock"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/email/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes a new address the one of its account, by the token of the mail's link. */
        post: operations["change-email"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/invitations/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes the reader of an invitation's mail a member of the staff, by the token of its link. An address without an account gets one. An account that is there loses its sessions, passkeys and authenticator app. Either has the password that is given. */
        post: operations["accept-invitation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Begins a session by email address and password, and a code if the account has a second factor. An unknown address, a wrong password and an account that cannot be used get the same response in the same time. */
        post: operations["log-in"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends the session, or all sessions of the account. */
        post: operations["log-out"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/passkeys/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Begins a session by a passkey. Whatever is wrong with it gets the same response. */
        post: operations["log-in-with-passkey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/passkeys/login/options": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Returns the options by which a browser signs in with any passkey of the shop. */
        post: operations["start-passkey-login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/passkeys/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Adds the passkey that a browser has made to the account of the person who is signed in. */
        post: operations["register-passkey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/passkeys/register/options": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Returns the options by which a browser makes a passkey for the person who is signed in. */
        post: operations["start-passkey-registration"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/password-reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends a link to set a new password, if the address has an account. The response is the same if not. */
        post: operations["request-password-reset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/password-reset/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sets a new password by the token of the mail's link, and ends all sessions. */
        post: operations["reset-password"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Replaces a refresh token by the next one and signs a new access token. */
        post: operations["refresh-session"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Asks for an account; a mail with a link confirms the address. The response is the same whether or not the address has an account. */
        post: operations["register-account"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes the account of a registration, by the token of the mail's link. */
        post: operations["verify-email"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/carts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Creates an empty cart for a guest. For a person who is signed in, it returns the current cart of the account, which it creates if there is none. */
        post: operations["create-cart"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/carts/{cart_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the cart at current prices; that of an account to its owner only. */
        get: operations["get-cart"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /** Returns the cart at current prices; that of an account to its owner only. */
        head: operations["head-get-cart"];
        patch?: never;
        trace?: never;
    };
    "/v1/carts/{cart_id}/lines/{sku}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Sets the quantity of a SKU in the cart, adding the line if it is missing. */
        put: operations["set-cart-line"];
        post?: never;
        /** Removes a line from the cart. */
        delete: operations["remove-cart-line"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/carts/{cart_id}/merge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Merges a guest's cart into the current cart of the person who has signed in, and returns that. Without a current cart, the guest's becomes the account's. */
        post: operations["merge-carts"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/countries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the countries that an address can be in, each with the fields that its addresses have and need, and their labels. */
        get: operations["list-countries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /** Lists the countries that an address can be in, each with the fields that its addresses have and need, and their labels. */
        head: operations["head-list-countries"];
        patch?: never;
        trace?: never;
    };
    "/v1/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Reports that the API is up, and the deployed version. */
        get: operations["health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /** Reports that the API is up, and the deployed version. */
        head: operations["head-health"];
        patch?: never;
        trace?: never;
    };
    "/v1/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the account of the person who is signed in. */
        get: operations["get-me"];
        put?: never;
        post?: never;
        /** Deletes the account of the person who is signed in, who gives the password again. Orders are kept for accounting. */
        delete: operations["delete-me"];
        options?: never;
        head?: never;
        /** Changes the name, or the consent to advertising, of the person who is signed in. */
        patch: operations["change-me"];
        trace?: never;
    };
    "/v1/me/addresses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the address book of the person who is signed in. */
        get: operations["list-addresses"];
        put?: never;
        /** Adds an address to the address book of the person who is signed in. */
        post: operations["create-address"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/addresses/{address_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Replaces an address of the address book. */
        put: operations["change-address"];
        post?: never;
        /** Removes an address from the address book. */
        delete: operations["delete-address"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/cart": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the current cart of the person who is signed in, at current prices. */
        get: operations["get-my-cart"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/email": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends a link to a new address, which it makes the one of the account. */
        post: operations["request-email-change"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts an export of everything that the shop stores about the person who is signed in. While one is under way, it returns that one. */
        post: operations["start-export"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/exports/{export_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the state of an export of the person who is signed in and, once it is complete, a URL of its document. */
        get: operations["get-export"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/passkeys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the passkeys of the person who is signed in, the newest first. */
        get: operations["list-passkeys"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/passkeys/{passkey_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Removes a passkey of the person who is signed in. */
        delete: operations["delete-passkey"];
        options?: never;
        head?: never;
        /** Renames a passkey of the person who is signed in. */
        patch: operations["rename-passkey"];
        trace?: never;
    };
    "/v1/me/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Changes the password of the person who is signed in, and ends all other sessions. */
        post: operations["change-password"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the devices on which the person is signed in, the last login first. */
        get: operations["list-sessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/sessions/{session_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Signs the person out on one device. */
        delete: operations["end-session"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/totp": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes the secret of an authenticator app, which a code of it puts into use. */
        post: operations["start-totp"];
        /** Removes the authenticator app of the person who is signed in, who gives the password again, and its recovery codes. */
        delete: operations["remove-totp"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/totp/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Puts an authenticator app into use by a code of it, and returns recovery codes once. */
        post: operations["confirm-totp"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/wishlist": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the wish list of the person who is signed in, with current titles, prices and availability. */
        get: operations["get-wishlist"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/wishlist/{sku}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Adds a SKU to the wish list of the person who is signed in. One that is there stays as it is. */
        put: operations["add-wishlist-entry"];
        post?: never;
        /** Removes a SKU from the wish list of the person who is signed in, also if it is not on it. */
        delete: operations["remove-wishlist-entry"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/orders": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the orders of the person who is signed in, newest first. */
        get: operations["list-my-orders"];
        put?: never;
        /** Places an order: reserves the stock and creates the order in one transaction. Repeating a request with the same `Idempotency-Key` returns the same order. */
        post: operations["place-order"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/orders/{order_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns an order to the holder of its access token, or to the person whose account it belongs to. */
        get: operations["get-order"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/orders/{order_id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Cancels an order for the holder of its access token, or for the person whose account it belongs to, before any of it is shipped. Releases its stock and voids or refunds the payment. */
        post: operations["cancel-order"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/orders/{order_id}/claim": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes a guest's order that of the person who is signed in, if it was placed with the verified address of their account. */
        post: operations["claim-order"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/orders/{order_id}/invoice": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns an order's invoice and credit notes to the holder of its access token, or to the person whose account the order belongs to. */
        get: operations["get-invoice"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/payments/{provider}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Receives a webhook event from a payment provider. Verifies the signature, stores the event once and responds at once; processing is asynchronous. */
        post: operations["receive-payment-event"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/products": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists products, optionally of one collection, type or tag. */
        get: operations["list-products"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /** Lists products, optionally of one collection, type or tag. */
        head: operations["head-list-products"];
        patch?: never;
        trace?: never;
    };
    "/v1/products/{slug}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns a product with its variants. */
        get: operations["get-product"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /** Returns a product with its variants. */
        head: operations["head-get-product"];
        patch?: never;
        trace?: never;
    };
    "/v1/shop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns what a client needs to know of the shop: its name, currencies, countries with their address fields, payment methods with their publishable keys, challenges, languages, legal links and flags. */
        get: operations["get-shop"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /** Returns what a client needs to know of the shop: its name, currencies, countries with their address fields, payment methods with their publishable keys, challenges, languages, legal links and flags. */
        head: operations["head-get-shop"];
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description Body of `POST /v1/auth/invitations/accept`. */
        AcceptBody: {
            /**
             * @description Name of the person, at most 100 characters; also of an account that has another one.
             * @default null
             */
            name?: string | null;
            /** @description Password of 8 to 256 characters. It is the account's from now on, also of an account that has another one. */
            password: components["schemas"]["SecretText"];
            /** @description The token of the link, after `token=`. */
            token: components["schemas"]["SecretText"];
        };
        /** @description A postal address. */
        Address: {
            /** @description City or town, where addresses have one. */
            city?: string | null;
            /** @description ISO 3166-1 alpha-2 country code, such as `DE`, or `XK`. */
            country: string;
            /** @description Street and number. */
            line1: string;
            /** @description Apartment, company and the like. */
            line2?: string | null;
            /** @description Name of the recipient. */
            name: string;
            /** @description Postal code, where addresses have one. */
            postal_code?: string | null;
            /** @description State, province or county. */
            region?: string | null;
        };
        /** @description A postal address. */
        AddressBody: {
            /**
             * @description City, at most 100 characters. The country decides whether city, region and postal code are
             *     required: `GET /v1/countries`.
             * @default null
             */
            city?: string | null;
            /** @description ISO 3166-1 alpha-2 country code, such as `DE`, or `XK`. */
            country: string;
            /** @description Street and number, at most 200 characters. */
            line1: string;
            /**
             * @description Apartment, company and the like, at most 200 characters.
             * @default null
             */
            line2?: string | null;
            /** @description Recipient, at most 100 characters. */
            name: string;
            /**
             * @description Postal code, at most 20 characters.
             * @default null
             */
            postal_code?: string | null;
            /**
             * @description State, province or county, at most 100 characters.
             * @default null
             */
            region?: string | null;
        };
        /** @description All addresses of an account. */
        AddressBookView: {
            /** @description The addresses, in the order in which they were added. */
            items: components["schemas"]["BookEntryView"][];
        };
        /** @description Body of `POST /v1/admin/api-keys`. */
        ApiKeyBody: {
            /**
             * Format: int64
             * @description Days for which the key is valid, 1 to 366.
             */
            expires_in_days: number;
            /** @description Name for people, at most 60 characters. */
            name: string;
            /** @description What the key may do: permissions by name, such as `orders:read`; at least one. */
            scopes: string[];
        };
        /** @description All API keys that are valid. */
        ApiKeysView: {
            /** @description The keys, the last one first. */
            items: components["schemas"]["ApiKeyView"][];
        };
        /** @description An API key. Not to be logged: the one that was just made has its secret. */
        ApiKeyView: {
            /** @description Time at which it was made. */
            created_at: string;
            /** @description Whoever has made it: `staff:` and the account or the subject of a token. */
            created_by: string;
            /** @description Time from which on it is not valid. */
            expires_at: string;
            /** @description Identifier. */
            id: string;
            /** @description Time of its last use, up to an hour earlier; missing if it was not used. */
            last_used_at?: string | null;
            /** @description Name for people. */
            name: string;
            /** @description What it may do. */
            scopes: string[];
            /** @description The key itself, which a machine sends as its bearer token: only in the response that has made it. */
            secret?: string | null;
        };
        /** @description Proof that somebody has a credential (`AuthenticatorAssertionResponseJSON`). */
        AssertionResponse: {
            /** @description Authenticator data, in base64url. */
            authenticatorData: string;
            /** @description Client data, in base64url. */
            clientDataJSON: string;
            /** @description Signature of both, in base64url. */
            signature: string;
            /** @description The user handle of the account, in base64url. */
            userHandle?: string | null;
        };
        /** @description A new credential (`AuthenticatorAttestationResponseJSON`). */
        AttestationResponse: {
            /** @description The credential as its authenticator describes it, in base64url. */
            attestationObject: string;
            /** @description Client data, in base64url. */
            clientDataJSON: string;
            /**
             * @description Ways to reach the authenticator, such as `internal` or `usb`.
             * @default []
             */
            transports?: string[];
        };
        /**
         * @description An action of staff, of security or of the owner of an account. Old records are read forever: no action is renamed
         *     or removed.
         */
        AuditAction: "account.verified" | "account.changed" | "account.groups_changed" | "account.erased" | "account.exported" | "login.succeeded" | "login.failed_too_often" | "session.ended" | "sessions.ended" | "refresh.reused" | "password.changed" | "password.reset" | "email.changed" | "passkey.added" | "passkey.removed" | "passkey.cloned" | "totp.enabled" | "totp.disabled" | "recovery.used" | "staff.invited" | "staff.invitation_revoked" | "staff.joined" | "staff.role_changed" | "staff.removed" | "role.changed" | "role.removed" | "customer_group.created" | "customer_group.changed" | "customer_group.removed" | "api_key.created" | "api_key.revoked" | "keys.rotated" | "settings.changed" | "order.changed" | "stock.changed" | "job.created" | "job.changed" | "import.created";
        /** @description An action that belongs in the trail. */
        AuditEntry: {
            /** @description The action. */
            action: components["schemas"]["AuditAction"];
            /** @description The originator. */
            actor: string;
            /** @description Time of the action. */
            at: string;
            /** @description The fields that it changed. */
            changes?: components["schemas"]["FieldChange"][];
            /** @description Identifier. */
            id: string;
            /**
             * @description Values about a person. The network address that the request came from is the one that is named
             *     [`PersonalField::FROM`].
             */
            personal?: components["schemas"]["PersonalField"][];
            /** @description What it changed. */
            subject: string;
            /** @description Id of the request; of its trace, or of the event, where nothing else is known. */
            trace_id: string;
        };
        /** @description What is wrong with a record. */
        AuditFaultKind: "altered" | "missing" | "reordered" | "wrong_chain" | "ends_early" | "beyond_head" | "unreadable";
        /** @description What is wrong with a chain, and where. */
        AuditFaultView: {
            /** @description Kind of fault. */
            kind: components["schemas"]["AuditFaultKind"];
            /** @description The same in words. */
            message: string;
            /**
             * Format: uint64
             * @description Number of the record.
             */
            sequence: number;
        };
        /** @description One page of the audit trail, newest first. */
        AuditPage: {
            /** @description Records; fewer than the limit, or none, do not mean that it is the last page. */
            items: components["schemas"]["AuditRecordView"][];
            /** @description Cursor of the next page; null on the last page. */
            next_cursor: string | null;
        };
        /** @description An entry in its chain. */
        AuditRecord: {
            /**
             * Format: uint8
             * @description The chain.
             */
            chain: number;
            /** @description The entry. */
            entry: components["schemas"]["AuditEntry"];
            /**
             * Format: uint8
             * @description Version of what the hash covers.
             */
            format: number;
            /** @description Hash of everything above. */
            hash: string;
            /**
             * Format: uint32
             * @description Number of fields that were left out because there were too many.
             */
            omitted?: number;
            /** @description Hash of the record before. */
            previous: string;
            /**
             * @description Time at which it was appended: of two records of a chain the later one has the later time, but for the difference
             *     between clocks.
             */
            recorded_at: string;
            /**
             * Format: uint64
             * @description Number of the record, from 1 for each chain.
             */
            sequence: number;
        };
        /** @description A record of the audit trail. */
        AuditRecordView: {
            /** @description Name of the action. */
            action: components["schemas"]["AuditAction"];
            /** @description Originator of the action, as in the query. */
            actor: string;
            /** @description Time of the action. */
            at: string;
            /**
             * Format: uint8
             * @description Number of the chain, 0 to 15.
             */
            chain: number;
            /** @description Changed fields. */
            changes: components["schemas"]["FieldChangeView"][];
            /** @description Network address that the request came from; null if it is unknown or erased. */
            from: string | null;
            /** @description Hash of the record, in base64url. */
            hash: string;
            /** @description Identifier of the action. */
            id: string;
            /**
             * Format: uint32
             * @description Number of fields that were left out because there were too many.
             */
            omitted: number;
            /** @description Values about persons. */
            personal: components["schemas"]["PersonalView"][];
            /** @description Hash of the record before, in base64url. */
            previous: string;
            /** @description Time at which it was appended, after the action. */
            recorded_at: string;
            /**
             * Format: uint64
             * @description Number of the record in its chain, from 1.
             */
            sequence: number;
            /** @description What was changed, as in the query. */
            subject: string;
            /** @description Id of the request; of its trace, or of the event, where nothing else is known. */
            trace_id: string;
        };
        /** @description Result of verifying a part of a chain. */
        AuditVerificationView: {
            /**
             * Format: uint8
             * @description Number of the chain, 0 to 15.
             */
            chain: number;
            /** @description Whether the chain was verified to its end, and agrees with its head and its anchors. */
            complete: boolean;
            /** @description The first fault; null if there is none. */
            fault: components["schemas"]["AuditFaultView"] | null;
            /**
             * Format: uint64
             * @description Number of the last record that is in order. Unless the chain is complete or has a fault, go on after it.
             */
            verified_to: number;
        };
        /** @description Answer to a login's options (`AuthenticationResponseJSON`). */
        AuthenticationResponse: {
            /** @description Id of the credential, in base64url. */
            id: string;
            /** @description The same id. */
            rawId: string;
            /** @description The proof. */
            response: components["schemas"]["AssertionResponse"];
            /** @description `public-key`. */
            type: components["schemas"]["CredentialType"];
        };
        /** @description Body of `POST /v1/me/addresses` and `PUT /v1/me/addresses/{address_id}`. */
        BookEntryBody: {
            /** @description The address. */
            address: components["schemas"]["AddressBody"];
            /**
             * @description Whether invoices name it unless another one is chosen; absent leaves that as it is.
             * @default null
             */
            default_billing?: boolean | null;
            /**
             * @description Whether orders go to it unless another one is chosen; absent leaves that as it is.
             * @default null
             */
            default_shipping?: boolean | null;
        };
        /** @description An address of an address book. */
        BookEntryView: {
            /** @description The address. */
            address: components["schemas"]["Address"];
            /** @description Time at which it was added. */
            created_at: string;
            /** @description Whether invoices name it unless another one is chosen. */
            default_billing: boolean;
            /** @description Whether orders go to it unless another one is chosen. */
            default_shipping: boolean;
            /** @description Identifier. */
            id: string;
        };
        /** @description Body of `POST /v1/orders/{order_id}/cancel` and of its staff counterpart; optional. */
        CancelOrderBody: {
            /**
             * @description Reason for the cancellation, at most 200 characters.
             * @default null
             */
            reason?: string | null;
        };
        /** @description One line of a cart at the current price. */
        CartLineView: {
            /** @description Whether the whole line is in stock now. Stock is only reserved by an order. */
            available: boolean;
            /** @description Current price of the line. */
            line_total: components["schemas"]["Money"];
            /** @description Slug of the product. */
            product_slug: string;
            /**
             * Format: uint32
             * @description Units wanted.
             */
            quantity: number;
            /** @description Stock keeping unit. */
            sku: string;
            /** @description Titles of the product and the variant. */
            title: string;
            /** @description Current price of one unit. */
            unit_price: components["schemas"]["Money"];
        };
        /** @description A cart as the shopper sees it. */
        CartView: {
            /** @description Expiry of the cart; every change extends it. */
            expires_at: string;
            /**
             * @description Identifier; of a guest's cart also the credential: anyone who knows it may use the cart. The cart of an account takes
             *     its owner's token, too.
             */
            id: string;
            /** @description Lines in the order in which they were first added. */
            lines: components["schemas"]["CartLineView"][];
            /** @description The order that was placed from this cart, if any. */
            order_id?: string | null;
            /** @description Totals of the lines that are for sale. */
            totals: components["schemas"]["Totals"];
        };
        /** @description The service that makes challenges and verifies their tokens. */
        ChallengeKind: "turnstile" | "test";
        /** @description How a client gets a token: part of `GET /v1/shop`. */
        ChallengeView: {
            /** @description The service whose widget makes tokens. */
            provider: components["schemas"]["ChallengeKind"];
            /** @description Key with which the widget is shown; absent for the built-in one. */
            site_key?: string | null;
        };
        /** @description Body of `POST /v1/me/email`. */
        ChangeEmailBody: {
            /** @description The new address, which a mail confirms. */
            email: string;
            /** @description The password of the account. */
            password: components["schemas"]["SecretText"];
        };
        /** @description Body of `PATCH /v1/admin/jobs/{job_id}`. */
        ChangeJobBody: {
            /** @description State that the job shall have. */
            state: components["schemas"]["WantedState"];
        };
        /** @description Body of `POST /v1/me/password`. */
        ChangePasswordBody: {
            /** @description The password until now. */
            current_password: components["schemas"]["SecretText"];
            /** @description The new one, of 8 to 256 characters. */
            new_password: components["schemas"]["SecretText"];
        };
        /** @description Body of `PATCH /v1/admin/staff/members/{account_id}`. */
        ChangeStaffBody: {
            /** @description Name of the new role. */
            role: string;
        };
        /** @description Body of `POST /v1/orders/{order_id}/claim`: an empty object. */
        ClaimOrderBody: Record<string, never>;
        /** @description Body of `POST /v1/auth/password-reset/confirm`. */
        ConfirmResetBody: {
            /** @description The new password, of 8 to 256 characters. */
            password: components["schemas"]["SecretText"];
            /** @description The token of the link, after `token=`. */
            token: components["schemas"]["SecretText"];
        };
        /** @description Body of `POST /v1/me/totp/confirm`. */
        ConfirmTotpBody: {
            /** @description The code that the app shows: 6 digits. */
            code: components["schemas"]["SecretText"];
        };
        /** @description The countries that an address can be in. */
        CountriesView: {
            /** @description Countries by code. */
            items: components["schemas"]["CountryView"][];
        };
        /** @description A country and the form of its addresses. */
        CountryView: {
            /** @description ISO 3166-1 alpha-2 code, such as `DE`, or `XK`. */
            code: string;
            /** @description Fields of an address, in the order in which they are written. Others are accepted too. */
            fields: string[];
            /** @description English labels of the fields, by field. */
            labels: {
                [key: string]: string;
            };
            /** @description English name. */
            name: string;
            /** @description Fields that an address needs. */
            required: string[];
        };
        /** @description An empty object; the endpoint takes no options. */
        CreateCartBody: Record<string, never>;
        /** @description Body of `POST /v1/admin/customer-groups`. */
        CreateGroupBody: {
            /**
             * @description Identifier, which never changes: 1 to 40 lower-case letters, digits and hyphens. By default it follows from the name:
             *     `Friends & Family` becomes `friends-family`.
             * @default null
             */
            id?: string | null;
            /** @description Name for people, at most 60 characters. */
            name: string;
            /**
             * @description Note for staff, at most 500 characters.
             * @default null
             */
            note?: string | null;
        };
        /** @description Body of `POST /v1/admin/imports`. */
        CreateImportBody: {
            /**
             * Format: int64
             * @description Size of the file in bytes, 1 to 15,728,640. The upload accepts a file of exactly this size.
             */
            bytes: number;
        };
        /** @description Body of `POST /v1/admin/jobs`. */
        CreateJobBody: {
            /** @description Kind of work. An import is created by `POST /v1/admin/imports`. */
            kind: components["schemas"]["NewJobKind"];
        };
        /** @description Options of a registration (`PublicKeyCredentialCreationOptionsJSON`). */
        CreationOptions: {
            /** @description `none`: the model of the authenticator need not be proven. */
            attestation: string;
            /** @description Demands on the authenticator. */
            authenticatorSelection: components["schemas"]["Selection"];
            /** @description Challenge, in base64url. */
            challenge: string;
            /** @description Credentials of the account: an authenticator that has one makes no other. */
            excludeCredentials: components["schemas"]["CredentialDescriptor"][];
            /** @description Algorithms, most preferred first. */
            pubKeyCredParams: components["schemas"]["CredentialParameters"][];
            /** @description The shop. */
            rp: components["schemas"]["RelyingPartyEntity"];
            /**
             * Format: uint32
             * @description Time for the answer, in milliseconds.
             */
            timeout: number;
            /** @description The account. */
            user: components["schemas"]["UserEntity"];
        };
        /** @description A credential that exists. */
        CredentialDescriptor: {
            /** @description Its id, in base64url. */
            id: string;
            /** @description `public-key`. */
            type: components["schemas"]["CredentialType"];
        };
        /** @description An algorithm for a new key. */
        CredentialParameters: {
            /**
             * Format: int64
             * @description Number in IANA's registry of COSE algorithms.
             */
            alg: number;
            /** @description `public-key`. */
            type: components["schemas"]["CredentialType"];
        };
        /** @description The type of a credential. The standard knows one. */
        CredentialType: "public-key";
        /** @description A credit note for a refund. */
        CreditNoteView: {
            /** @description Time of issue. */
            issued_at: string;
            /** @description Its number, such as `CRN-2026-000123`. */
            number: string;
            /** @description The refund that it documents. */
            refund_id: string;
            /** @description Refunded amount, taxes included. */
            total: components["schemas"]["Money"];
            /** @description Presigned URL of the PDF: anyone who has it can download the file. */
            url: string;
            /** @description The URL is refused from this time on; request the invoice again for a new one. */
            url_expires_at: string;
        };
        /** @description A currency of the shop. */
        CurrencyView: {
            /** @description ISO 4217 code. */
            code: string;
            /**
             * Format: uint32
             * @description How many digits of an amount in minor units are decimals.
             */
            decimals: number;
        };
        /** @description The orders of an account, which the list lags by seconds. */
        CustomerOrdersView: {
            /**
             * Format: uint
             * @description Number of orders, whatever became of them.
             */
            count: number;
            /** @description The oldest of these orders; missing without orders. */
            first_order?: components["schemas"]["OrderSummary"] | null;
            /** @description Whether there are older orders: number and totals are of the newest 1,000. */
            has_more: boolean;
            /** @description The newest order; missing without orders. */
            last_order?: components["schemas"]["OrderSummary"] | null;
            /** @description Paid amounts less refunds, one for each currency of an order. */
            totals: components["schemas"]["Money"][];
        };
        /** @description The customers who match: one or none. */
        CustomerPage: {
            /** @description The customers. */
            items: components["schemas"]["CustomerView"][];
            /** @description Always null: there is one page. */
            next_cursor: string | null;
        };
        /** @description A customer with an account, as staff see them. It has nothing that opens the account. */
        CustomerProfileView: {
            /** @description Identifier of the account. */
            account_id: string;
            /** @description Time at which the address was verified. */
            created_at: string;
            /** @description Email address. */
            email: string;
            /** @description Whether the person agrees to get advertising by email. */
            email_consent: boolean;
            /** @description Time at which the person agreed; missing without consent. */
            email_consent_at?: string | null;
            /** @description Ids of the customer groups that the account is in. */
            groups: components["schemas"]["GroupId"][];
            /** @description Name of the person. */
            name?: string | null;
            /** @description The orders of the account, whatever their address. */
            orders: components["schemas"]["CustomerOrdersView"];
            /** @description Whether the address was verified. That of an account always was. */
            verified: boolean;
        };
        /** @description A customer: somebody with orders, with an account, or with both. Sums lag the orders by seconds. */
        CustomerView: {
            /** @description The account that has the address; missing for a customer who has ordered as a guest only. */
            account_id?: string | null;
            /** @description Email address, as it was asked for. */
            email: string;
            /** @description The oldest of these orders; missing without orders. */
            first_order?: components["schemas"]["OrderSummary"] | null;
            /** @description Ids of the customer groups that the account is in. */
            groups: components["schemas"]["GroupId"][];
            /** @description Whether there are older orders: number and totals are of the newest 1,000. */
            has_more: boolean;
            /** @description The newest order; missing without orders. */
            last_order?: components["schemas"]["OrderSummary"] | null;
            /** @description Name on the newest order, shortened if it is longer than 40 bytes; without orders that of the account, if it has one. */
            name?: string | null;
            /**
             * Format: uint
             * @description Number of orders with this address, whatever became of them.
             */
            orders: number;
            /** @description Paid amounts less refunds, one for each currency of an order. */
            totals: components["schemas"]["Money"][];
            /** @description Whether the address was verified, which is so if it has an account. */
            verified: boolean;
        };
        /** @description Body of `DELETE /v1/me`. */
        DeleteAccountBody: {
            /** @description The password of the account. */
            password: components["schemas"]["SecretText"];
        };
        /** @description Some records of one chain as they are stored, the oldest first. */
        ExportedChain: {
            /**
             * Format: uint8
             * @description Number of the chain, 0 to 15.
             */
            chain: number;
            /** @description The chain's head as it was before the records were read. */
            head: components["schemas"]["ExportedHead"];
            /** @description The records. */
            items: components["schemas"]["ExportedItem"][];
            /**
             * Format: uint64
             * @description Number after which the next page begins; null on the last page.
             */
            next: number | null;
        };
        /** @description The last record of a chain. */
        ExportedHead: {
            /** @description Its hash, in base64url. */
            hash: string;
            /**
             * Format: uint64
             * @description Number of the record; 0 before the first one.
             */
            sequence: number;
        };
        /** @description One place of a chain. */
        ExportedItem: {
            /** @description The record; null if it cannot be read. */
            record: components["schemas"]["AuditRecord"] | null;
            /**
             * Format: uint64
             * @description The number under which it is stored.
             */
            sequence: number;
        };
        /** @description State of an export. */
        ExportState: "queued" | "running" | "completed" | "failed";
        /** @description An export of what the shop stores about the owner of an account. */
        ExportView: {
            /** @description Time until which the document can be downloaded; `null` unless it is complete. */
            available_until: string | null;
            /** @description Time at which it was started. */
            created_at: string;
            /**
             * @description URL of the document, one JSON file; `null` unless it is complete and still kept. Whoever has the URL can download the
             *     file until the URL expires: do not pass it on.
             */
            download_url: string | null;
            /** @description Time at which that URL expires; ask again for another one. */
            download_url_expires_at: string | null;
            /** @description Identifier of the export. */
            id: string;
            /** @description State of the export. */
            state: components["schemas"]["ExportState"];
        };
        /** @description A field that an action changed. Without values it was changed and nothing is kept of them, as of a secret. */
        FieldChange: {
            /** @description Value after the action. */
            after?: string | null;
            /** @description Value before the action, as text; of a person's data in [`AuditEntry::personal`] instead. */
            before?: string | null;
            /** @description Name of the field, with dots between its parts. */
            field: string;
        };
        /** @description A field that an action changed. */
        FieldChangeView: {
            /** @description Value after the action; null if there is none, or if it is not kept. */
            after: string | null;
            /** @description Value before the action; null if there was none, or if it is not kept. */
            before: string | null;
            /** @description Name of the field. */
            field: string;
        };
        /** @description A validation error of one field. */
        FieldFault: {
            /** @description Stable code: `required`, `unknown_field`, `wrong_type`, `out_of_range`, `too_long`, … */
            code: string;
            /** @description Path of the field in the body (`shipping_address.city`), or the name of a parameter. */
            field: string;
            /** @description Explanation for people: how to correct the value. */
            message: string;
        };
        /** @description Goods that were handed over to a carrier. */
        Fulfilment: {
            /** @description Time of the handover. */
            at: string;
            /** @description Name of the carrier. */
            carrier?: string | null;
            /** @description Identifier of the fulfilment. */
            id: string;
            /** @description Units in this shipment. */
            lines: components["schemas"]["Units"][];
            /** @description Tracking number of the carrier. */
            tracking_number?: string | null;
            /** @description URL of the tracking page. */
            tracking_url?: string | null;
        };
        /** @description Body of `POST /v1/admin/orders/{order_id}/fulfilments`. */
        FulfilOrderBody: {
            /**
             * @description Name of the carrier, at most 100 characters.
             * @default null
             */
            carrier?: string | null;
            /** @description Units to ship; everything that is left if missing. Required after a full refund. */
            lines?: components["schemas"]["UnitsBody"][] | null;
            /**
             * @description Tracking number of the carrier, at most 100 characters.
             * @default null
             */
            tracking_number?: string | null;
            /**
             * @description Tracking page: an https URL of at most 500 ASCII characters.
             * @default null
             */
            tracking_url?: string | null;
        };
        /** @description What becomes of the goods of units that are refunded or returned. */
        Goods: "returned" | "cancelled" | "kept";
        /** @description A number of units of one SKU, and what becomes of them. */
        GoodsLine: {
            /**
             * @description What becomes of the goods. Missing in refunds that are older than this field; in a command, it follows
             *     from the line if that leaves no choice.
             */
            goods?: components["schemas"]["Goods"] | null;
            /**
             * Format: uint32
             * @description Number of units.
             */
            quantity: number;
            /** @description Stock keeping unit. */
            sku: components["schemas"]["Sku"];
        };
        /** @description Number of units of one line, and what becomes of their goods. */
        GoodsLineBody: {
            /**
             * @description What becomes of the goods. Required if some units of the line are shipped and others are not. By default,
             *     units that are not shipped are `cancelled`, and shipped ones are `returned` in a return and in a
             *     refund with `restock`, otherwise `kept`.
             * @default null
             */
            goods?: components["schemas"]["Goods"] | null;
            /**
             * Format: int64
             * @description Number of units, from 1.
             */
            quantity: number;
            /** @description Stock keeping unit. */
            sku: string;
        };
        /**
         * @description Identifier of a customer group, such as `wholesale`: 1 to 40 lower-case letters, digits and hyphens, with a letter or
         *     digit at both ends. It never changes.
         */
        GroupId: string;
        /** @description One page of the members of a customer group, by the ids of their accounts. */
        GroupMembersView: {
            /** @description Members; fewer than the limit do not mean that it is the last page. */
            items: components["schemas"]["GroupMemberView"][];
            /** @description Cursor of the next page; null on the last page. */
            next_cursor: string | null;
        };
        /** @description A member of a customer group. */
        GroupMemberView: {
            /** @description Identifier of the account. */
            account_id: string;
            /** @description Time at which the account was added to the group. */
            added_at: string;
            /** @description Whoever has added it: `staff:` and the account or the subject of a token. */
            added_by: string;
            /** @description Email address. */
            email: string;
            /** @description Name of the person. */
            name?: string | null;
        };
        /** @description Body of `PATCH /v1/admin/customer-groups/{group_id}`: a JSON Merge Patch (RFC 7396). */
        GroupPatch: {
            /** @description Name for people, at most 60 characters. */
            name?: string | null;
            /** @description Note for staff, at most 500 characters; `null` removes it. */
            note?: string | null;
        };
        /** @description All customer groups. */
        GroupsView: {
            /** @description The groups, by their ids. */
            items: components["schemas"]["GroupView"][];
        };
        /** @description A customer group. */
        GroupView: {
            /** @description Time at which name or note were last changed. */
            changed_at: string;
            /** @description Author of that change: `staff:` and the account or the subject of a token. */
            changed_by: string;
            /** @description Time at which it was created. */
            created_at: string;
            /** @description Identifier. */
            id: components["schemas"]["GroupId"];
            /**
             * Format: uint64
             * @description Number of its members.
             */
            members: number;
            /** @description Name for people. */
            name: string;
            /** @description Note for staff. */
            note?: string | null;
            /**
             * Format: uint64
             * @description Version of name and note, also the `ETag`.
             */
            version: number;
        };
        /** @description Health of the API. */
        HealthView: {
            /** @description Always `ok`. */
            status: string;
            /** @description Version of the deployed code. */
            version: string;
        };
        /** @description One entry of an order's history. */
        HistoryView: {
            /** @description Time of the change. */
            at: string;
            /**
             * @description Originator: `customer`, `shop`, or `staff:` and the subject of their token. Returned to staff
             *     only.
             */
            by?: string | null;
            /** @description Reason in the originator's words. */
            reason?: string | null;
            /** @description Kind of change: `placed`, or one of the later changes. */
            what: string;
        };
        /** @description One image of a product. */
        ImageView: {
            /** @description Alternative text for screen readers. */
            alt: string;
            /** @description Absolute URL, or a path under `/media/` on the shop's own host. */
            url: string;
        };
        /** @description Progress of an import. */
        ImportState: "awaiting_upload" | "running" | "completed" | "failed";
        /** @description Response of `POST /v1/admin/imports`. */
        ImportTicket: {
            /** @description Identifier of the import. */
            id: string;
            /** @description The job that will import the rows. */
            job_id: string;
            /** @description `awaiting_upload`; of a repeated request the state at the time. */
            state: components["schemas"]["ImportState"];
            /** @description Presigned upload for the file. */
            upload: components["schemas"]["UploadTicket"];
        };
        /** @description The progress of an import. */
        ImportView: {
            /** @description Time at which the import was created. */
            created_at: string;
            /** @description Errors by line, at most 1,000; the job's result is a file with all of them. */
            errors: components["schemas"]["LineFault"][];
            /** @description Identifier of the import. */
            id: string;
            /** @description Columns with data that the shop does not use. */
            ignored_columns: string[];
            /** @description The job that imports the rows, which can be paused, resumed and canceled: `/v1/admin/jobs/{job_id}`. */
            job_id: string;
            /**
             * Format: uint64
             * @description Number of rows that were rejected.
             */
            rows_failed: number;
            /**
             * Format: uint64
             * @description Number of rows that were imported or unchanged.
             */
            rows_imported: number;
            /**
             * Format: uint64
             * @description Number of rows in the file, without the header.
             */
            rows_total: number;
            /** @description State of the import. */
            state: components["schemas"]["ImportState"];
        };
        /** @description All open invitations. */
        InvitationsView: {
            /** @description The invitations, the last one first. */
            items: components["schemas"]["InvitationView"][];
        };
        /** @description An open invitation. */
        InvitationView: {
            /** @description Time of the invitation. */
            created_at: string;
            /** @description Address that it was sent to. */
            email: string;
            /** @description Time from which on it cannot be accepted. */
            expires_at: string;
            /** @description Identifier. */
            id: string;
            /** @description Author: `staff:` and the account or the subject of a token, or `shop` for the command of an operator. */
            invited_by: string;
            /** @description Name of the role. */
            role: string;
        };
        /** @description Body of `POST /v1/admin/staff/invitations`. */
        InviteBody: {
            /** @description Email address of the person. */
            email: string;
            /** @description Name of the role. */
            role: string;
        };
        /** @description The invoice of an order, with its credit notes. */
        InvoiceView: {
            /** @description Credit notes for refunds of the order. */
            credit_notes: components["schemas"]["CreditNoteView"][];
            /** @description Time of issue. */
            issued_at: string;
            /** @description Its number, such as `INV-2026-000123`. */
            number: string;
            /** @description Invoiced amount, taxes included. */
            total: components["schemas"]["Money"];
            /** @description Presigned URL of the PDF: anyone who has it can download the file. */
            url: string;
            /** @description The URL is refused from this time on; request the invoice again for a new one. */
            url_expires_at: string;
        };
        /** @description Kind of a job. */
        JobKind: "product_import" | "order_lists_rebuild" | "account_export";
        /** @description Progress of a job, in items: rows of a file, or parts of the table for a rebuild. */
        JobProgress: {
            /**
             * Format: uint64
             * @description Items that were processed.
             */
            done: number;
            /**
             * Format: uint64
             * @description Items that were rejected.
             */
            failed: number;
            /**
             * Format: uint64
             * @description Items per minute since the job was last started; `null` unless it is running and has processed some.
             */
            per_minute: number | null;
            /**
             * Format: uint64
             * @description Seconds that are left at this rate.
             */
            seconds_left: number | null;
            /**
             * Format: uint64
             * @description All items; `null` until they are known.
             */
            total: number | null;
        };
        /** @description State of a job. */
        JobState: "queued" | "running" | "paused" | "completed" | "failed" | "cancelled";
        /** @description A page of jobs, the newest first. */
        JobsView: {
            /** @description The jobs. */
            items: components["schemas"]["JobView"][];
            /** @description Cursor of the next page; `null` on the last one. */
            next_cursor: string | null;
        };
        /** @description A job. */
        JobView: {
            /** @description Time at which it was created. */
            created_at: string;
            /** @description Author of the request that created it: `staff:` and the subject of their token, or `shop`. */
            created_by: string;
            /** @description Errors by line, or by part of the table, at most 1,000. Only `GET /v1/admin/jobs/{job_id}` has them. */
            errors: components["schemas"]["LineFault"][];
            /** @description Identifier of the job. */
            id: string;
            /** @description Kind of work. */
            kind: components["schemas"]["JobKind"];
            /** @description Progress of the job. */
            progress: components["schemas"]["JobProgress"];
            /** @description Path of the resource that the job works for. */
            resource: string | null;
            /** @description URL of the result, a file with all errors (CSV), valid for 15 minutes; `null` if there is none or not yet. */
            result_url: string | null;
            /** @description State of the job. */
            state: components["schemas"]["JobState"];
            /** @description Time of its last step or change. */
            updated_at: string;
        };
        /** @description Changes of the pages that the law asks for. Each begins with `https://`, or with `/` for a page of the shop. */
        LegalLinksPatch: {
            /** @description Name and address of the company behind the shop. */
            imprint?: string | null;
            /** @description Privacy policy. */
            privacy?: string | null;
            /** @description Returns and withdrawal. */
            returns?: string | null;
            /** @description Terms of sale. */
            terms?: string | null;
        };
        /** @description Addresses of pages that the law asks for: `https://…`, or a path of the shop. */
        LegalLinksView: {
            /** @description Name and address of the company behind the shop. */
            imprint?: string | null;
            /** @description Privacy policy. */
            privacy?: string | null;
            /** @description Returns and withdrawal. */
            returns?: string | null;
            /** @description Terms of sale. */
            terms?: string | null;
        };
        /** @description Changes of a limit. */
        LimitPatch: {
            /**
             * Format: uint32
             * @description Requests at once, 1 to 1,000,000, of a limit that refills.
             */
            burst?: number | null;
            /**
             * Format: uint32
             * @description Bits of an IPv4 address that are one network, 24 or 32, of a limit of networks.
             */
            ipv4_prefix?: number | null;
            /**
             * Format: uint32
             * @description Requests in `seconds`, 0 to 1,000,000; 0 is for no limit.
             */
            requests?: number | null;
            /**
             * Format: uint32
             * @description The time, 1 to 86,400 seconds.
             */
            seconds?: number | null;
            /**
             * Format: uint32
             * @description Parts of the limit with an item of its own each, 1 to 64: for more than 500 requests a second of one caller.
             */
            shards?: number | null;
        };
        /** @description The values of a limit that apply. */
        LimitView: {
            /**
             * Format: uint32
             * @description Requests at once, if the limit is a token bucket; otherwise it is a number for each window of `seconds`.
             */
            burst?: number | null;
            /**
             * Format: uint32
             * @description Bits of an IPv4 address that are one network, if the limit is one of networks.
             */
            ipv4_prefix?: number | null;
            /**
             * Format: uint32
             * @description Requests in `seconds`; 0 is for no limit.
             */
            requests: number;
            /**
             * Format: uint32
             * @description The time, in seconds.
             */
            seconds: number;
            /**
             * Format: uint32
             * @description Parts of the limit, each with an item of its own.
             */
            shards: number;
        };
        /** @description An error of one line, or of the file as a whole (line 0 or 1). */
        LineFault: {
            /** @description Stable, machine-readable code of the error. */
            code: string;
            /**
             * Format: uint64
             * @description Line on which the row starts; the header is line 1.
             */
            line: number;
            /** @description Explanation for people: how to correct the line. */
            message: string;
        };
        /** @description That a mail with a link is on its way, if there is anything to send. */
        LinkSentView: {
            /**
             * Format: int64
             * @description Seconds for which the link works.
             */
            expires_in: number;
        };
        /** @description Body of `POST /v1/auth/login`. */
        LoginBody: {
            /** @description Token of a solved challenge, if the shop asks for one (`challenge_required`); at most 2,048 bytes. */
            challenge?: components["schemas"]["SecretText"] | null;
            /** @description A code of the authenticator app, or a recovery code, if the account has a second factor. */
            code?: components["schemas"]["SecretText"] | null;
            /**
             * @description Whether the tokens come as cookies, for a browser on a page of the shop.
             * @default false
             */
            cookies?: boolean;
            /** @description Email address of the account. */
            email: string;
            /** @description Password. */
            password: components["schemas"]["SecretText"];
        };
        /** @description Body of `POST /v1/auth/logout`. */
        LogoutBody: {
            /**
             * @description Whether all sessions of the account end, and not this one alone.
             * @default false
             */
            everywhere?: boolean;
        };
        /** @description Body of `POST /v1/carts/{cart_id}/merge`: an empty object. */
        MergeCartsBody: Record<string, never>;
        /** @description An account as its owner sees it. */
        MeView: {
            /** @description Time at which the address was verified. */
            created_at: string;
            /** @description Email address. */
            email: string;
            /** @description Whether the person agrees to get advertising by email. */
            email_consent: boolean;
            /** @description Identifier. */
            id: string;
            /** @description Name of the person. */
            name?: string | null;
            /** @description What the person may do as staff. */
            staff?: components["schemas"]["StaffView"] | null;
        };
        /** @description An amount in one currency. */
        Money: {
            /**
             * Format: int64
             * @description Amount in minor units: 5000 is 50.00 USD, or 5000 JPY.
             */
            amount: number;
            /** @description ISO 4217 currency code. */
            currency: string;
            /**
             * Format: uint32
             * @description How many of the amount's digits are decimals: 2 for USD, 0 for JPY.
             */
            decimals: number;
        };
        /** @description One page of the orders of the person who is signed in, newest first. */
        MyOrderPage: {
            /** @description Orders. */
            items: components["schemas"]["MyOrderSummary"][];
            /** @description Cursor of the next page; null on the last page. */
            next_cursor: string | null;
        };
        /** @description An order in the list of its owner. It lags the order by seconds. */
        MyOrderSummary: {
            /** @description Identifier of the order. */
            id: string;
            /** @description Name of the recipient; shortened if it is longer than 40 bytes. */
            name: string;
            /** @description Order number for people, such as `7K3MQ-9QXPB`. */
            number: string;
            /** @description Captured amount less refunds. */
            paid: components["schemas"]["Money"];
            /** @description Time at which it was placed. */
            placed_at: string;
            /** @description Status of the order. */
            status: components["schemas"]["OrderStatus"];
            /** @description Total at the time of the order. */
            total: components["schemas"]["Money"];
            /**
             * Format: uint32
             * @description Units of all lines.
             */
            units: number;
        };
        /** @description Kind of a job that staff create by itself. */
        NewJobKind: "order_lists_rebuild";
        /** @description One option, such as the size. */
        OptionView: {
            /** @description Name of the option, such as `Size`. */
            name: string;
            /** @description Values such as `Small`, in the file's order. */
            values: string[];
        };
        /** @description One line of an order. */
        OrderLineView: {
            /**
             * Format: uint32
             * @description Units that were not shipped, and will not be.
             */
            cancelled: number;
            /**
             * Format: uint32
             * @description Units that were shipped.
             */
            fulfilled: number;
            /** @description Price of the line at the time of the order. */
            line_total: components["schemas"]["Money"];
            /**
             * Format: uint32
             * @description Number of units.
             */
            quantity: number;
            /**
             * Format: uint32
             * @description Units whose price was refunded, wherever they are.
             */
            refunded: number;
            /**
             * Format: uint32
             * @description Shipped units that came back.
             */
            returned: number;
            /** @description Stock keeping unit. */
            sku: components["schemas"]["Sku"];
            /** @description Titles of the product and the variant. */
            title: string;
            /** @description Unit price at the time of the order. */
            unit_price: components["schemas"]["Money"];
        };
        /** @description One page of orders, newest first. */
        OrderPage: {
            /** @description Orders; fewer than the limit, or none, do not mean that it is the last page. */
            items: components["schemas"]["OrderSummary"][];
            /** @description Cursor of the next page; null on the last page. */
            next_cursor: string | null;
        };
        /** @description Status of an order. */
        OrderStatus: "pending_payment" | "paid" | "partially_fulfilled" | "fulfilled" | "payment_failed" | "expired" | "cancelled" | "partially_refunded" | "refunded";
        /** @description An order in a list. It lags the order by seconds. */
        OrderSummary: {
            /** @description Email address of the customer; shortened if it is longer than 60 bytes. */
            email: string;
            /** @description Identifier of the order. */
            id: string;
            /** @description Name of the recipient; shortened if it is longer than 40 bytes. */
            name: string;
            /** @description Order number for people, such as `7K3MQ-9QXPB`. */
            number: string;
            /** @description Captured amount less refunds. */
            paid: components["schemas"]["Money"];
            /** @description Time at which it was placed. */
            placed_at: string;
            /** @description Status of the order. */
            status: components["schemas"]["OrderStatus"];
            /** @description Total at the time of the order. */
            total: components["schemas"]["Money"];
            /**
             * Format: uint32
             * @description Units of all lines.
             */
            units: number;
        };
        /** @description An order as its customer sees it. */
        OrderView: {
            /** @description Bearer token to read and cancel the order; only returned when it is placed. */
            access_token?: string | null;
            /** @description Time until which its stock is reserved for a payment. It moves later once the customer has begun to pay. */
            due_at: string;
            /** @description Email address for the confirmation. */
            email: string;
            /** @description Shipments, oldest first. */
            fulfilments: components["schemas"]["Fulfilment"][];
            /** @description Changes of the order, oldest first. */
            history: components["schemas"]["HistoryView"][];
            /** @description Identifier of the order. */
            id: string;
            /** @description Lines at the prices at which they were bought. */
            lines: components["schemas"]["OrderLineView"][];
            /** @description Order number for people, such as `7K3MQ-9QXPB`. */
            number: string;
            /** @description Payment of the order. */
            payment: components["schemas"]["PaymentView"];
            /** @description Time at which it was placed. */
            placed_at: string;
            /** @description Refunds in any state, oldest first. */
            refunds: components["schemas"]["RefundView"][];
            /** @description Goods that came back or will not be shipped, other than with a refund; oldest first. */
            returns: components["schemas"]["Return"][];
            /** @description Address to ship to. */
            shipping_address: components["schemas"]["Address"];
            /** @description Current status. */
            status: components["schemas"]["OrderStatus"];
            /** @description Totals at the time of the order. */
            totals: components["schemas"]["Totals"];
        };
        /** @description Body of `POST /v1/auth/passkeys/login`. */
        PasskeyLoginBody: {
            /**
             * @description Whether the tokens come as cookies, for a browser on a page of the shop.
             * @default false
             */
            cookies?: boolean;
            /** @description The browser's answer to the options: `credential.toJSON()`. */
            credential: components["schemas"]["AuthenticationResponse"];
        };
        /** @description Body of `PATCH /v1/me/passkeys/{passkey_id}`: a JSON Merge Patch (RFC 7396). */
        PasskeyPatch: {
            /** @description Name of the passkey, at most 100 characters; `null` removes it. */
            name?: string | null;
        };
        /** @description All passkeys of an account. */
        PasskeysView: {
            /** @description The passkeys, the newest first. */
            items: components["schemas"]["PasskeyView"][];
        };
        /** @description A passkey as its owner sees it. */
        PasskeyView: {
            /** @description Whether it has been copied to other devices, so that it survives the loss of one. */
            backed_up: boolean;
            /** @description Time at which it was added. */
            created_at: string;
            /** @description Identifier. */
            id: string;
            /** @description Time of the last login with it. */
            last_used_at?: string | null;
            /** @description Name for its owner. */
            name: string;
        };
        /** @description Payment method with its token. */
        PaymentBody: {
            /** @description `test` for the built-in provider, or `stripe`; the shop may offer only one of them. */
            method: string;
            /**
             * @description The provider's token for the payment method. For `test` one of `tok_ok`, `tok_flaky`,
             *     `tok_timeout`, `tok_refund_fails`; any other is declined. For `stripe` the id of a payment
             *     method (`pm_…`), or nothing: then the customer's client confirms the payment with the
             *     `client_secret` of the order.
             * @default null
             */
            token?: string | null;
        };
        /** @description Why a payment failed for good. */
        PaymentFailure: "declined" | "provider_unavailable" | "cancelled";
        /** @description A payment method that the shop offers. */
        PaymentMethodView: {
            /** @description Value for `payment.method` of an order. */
            method: components["schemas"]["Provider"];
            /** @description Key with which the client calls the provider. */
            publishable_key?: string | null;
        };
        /** @description Progress of a payment. */
        PaymentStatus: "pending" | "requires_action" | "authorised" | "captured" | "failed" | "voided" | "partially_refunded" | "refunded";
        /** @description The payment of an order. */
        PaymentView: {
            /** @description Captured amount. */
            captured: components["schemas"]["Money"];
            /** @description Secret with which the customer's client confirms the payment, while that is required. */
            client_secret?: string | null;
            /** @description Why the payment failed, if it did. */
            failure?: components["schemas"]["PaymentFailure"] | null;
            /** @description Payment provider. */
            method: components["schemas"]["Provider"];
            /** @description Refunded amount. */
            refunded: components["schemas"]["Money"];
            /** @description Progress of the payment. */
            status: components["schemas"]["PaymentStatus"];
        };
        /** @description A sealed value about a person. */
        PersonalField: {
            /** @description Name of the value. */
            name: string;
            /** @description The person, whose key opens it. */
            person: string;
            /** @description The value. */
            sealed: string;
        };
        /** @description A value about a person. */
        PersonalView: {
            /** @description Name of the value. */
            name: string;
            /** @description Account of the person. */
            person: string;
            /** @description The value; null if it is erased. */
            value: string | null;
        };
        /** @description Body of `POST /v1/orders`. */
        PlaceOrderBody: {
            /** @description Cart to place the order from; it cannot be used again. */
            cart_id: string;
            /** @description Email address for the confirmation. */
            email: string;
            /** @description Payment method of the order. */
            payment: components["schemas"]["PaymentBody"];
            /** @description Address to ship to. */
            shipping_address: components["schemas"]["AddressBody"];
        };
        /** @description A problem (RFC 9457). */
        Problem: {
            code: string;
            detail: string;
            errors?: components["schemas"]["FieldFault"][];
            /** Format: uint16 */
            status: number;
            title: string;
            /** @description `/problems/` and the code: identifies the type of the problem. */
            type: string;
        };
        /** @description One page of a product list. */
        ProductPage: {
            /** @description Products in the requested order. */
            items: components["schemas"]["ProductSummary"][];
            /** @description Cursor of the next page; null on the last page. */
            next_cursor: string | null;
        };
        /**
         * @description A product in a list: the fields of its card and those by which a list is filtered. The product's
         *     page has the rest.
         */
        ProductSummary: {
            /** @description Whether any variant is in stock; seconds behind the stock itself. */
            available: boolean;
            /** @description Names of the collections that contain it. */
            collections: string[];
            /** @description Former price of the cheapest variant, if it was higher. */
            compare_at_price: components["schemas"]["Money"] | null;
            /** @description Identifier; ids of newer products sort after older ones. */
            id: string;
            /** @description First image of the product. */
            image: components["schemas"]["ImageView"] | null;
            /** @description Lowest price of its available variants; null if none is available. */
            price: components["schemas"]["Money"] | null;
            /** @description Whether another variant has a higher price. */
            price_varies: boolean;
            /** @description Whether an available variant has a higher former price. */
            reduced: boolean;
            /** @description Slug, the product's name in URLs. */
            slug: string;
            /** @description Tags for filtering, in the file's order. */
            tags: string[];
            /** @description Title of the product. */
            title: string;
            /** @description Product type, such as `Mug`. */
            type: string;
            /** @description Brand of the product. */
            vendor: string;
        };
        /** @description A product as shoppers see it. Stored in the same form, so that a read needs no conversion. */
        ProductView: {
            /** @description Names of the collections that contain it. */
            collections: string[];
            /** @description Description as sanitized HTML. */
            description_html: string;
            /** @description Identifier; ids of newer products sort after older ones. */
            id: string;
            /** @description Images in display order. */
            images: components["schemas"]["ImageView"][];
            /** @description Options to choose from; empty for a product with one variant and no options. */
            options: components["schemas"]["OptionView"][];
            /** @description Slug, the product's name in URLs. */
            slug: string;
            /** @description Tags for filtering, in the file's order. */
            tags: string[];
            /** @description Title of the product. */
            title: string;
            /** @description Product type, such as `Mug`. */
            type: string;
            /** @description Variants for sale. */
            variants: components["schemas"]["VariantView"][];
            /** @description Brand of the product. */
            vendor: string;
        };
        /** @description Body of `PATCH /v1/me`: a JSON Merge Patch (RFC 7396). */
        ProfilePatch: {
            /** @description Whether the person agrees to get advertising by email. */
            email_consent?: boolean | null;
            /** @description Name of the person, at most 100 characters; `null` removes it. */
            name?: string | null;
        };
        /** @description Supported payment providers. */
        Provider: "test" | "stripe";
        /** @description Changes of the keys with which clients pay. */
        PublishableKeysPatch: {
            /** @description Stripe's publishable key, `pk_…`. Everybody sees it. */
            stripe?: string | null;
        };
        /** @description Keys with which clients pay. */
        PublishableKeysView: {
            /** @description Stripe's publishable key. */
            stripe?: string | null;
        };
        /** @description Acknowledgment of a webhook event. */
        ReceivedView: {
            /** @description Always true. */
            received: boolean;
        };
        /** @description The recovery codes of an account, which are shown once. */
        RecoveryCodesView: {
            /** @description The codes, each of which stands in for a code of the app once. */
            recovery_codes: string[];
        };
        /** @description Body of `POST /v1/auth/refresh`. */
        RefreshBody: {
            /** @description The refresh token; absent if a cookie has it. */
            refresh_token?: components["schemas"]["SecretText"] | null;
        };
        /**
         * @description Body of `POST /v1/admin/orders/{order_id}/refunds`. Without `amount` and `lines`, the rest of the
         *     captured amount is refunded.
         */
        RefundOrderBody: {
            /**
             * Format: int64
             * @description Amount in minor units of the order's currency; by default the price of the lines.
             * @default null
             */
            amount?: number | null;
            /** @description Units that the refund is for. Free units are accepted: only their goods change. */
            lines?: components["schemas"]["GoodsLineBody"][] | null;
            /**
             * @description Reason, as shown to the customer; at most 200 characters.
             * @default null
             */
            reason?: string | null;
            /**
             * @description Whether returned units can be sold again.
             * @default false
             */
            restock?: boolean;
        };
        /** @description Progress of a refund. */
        RefundStatus: "requested" | "succeeded" | "failed";
        /** @description A refund of all or part of an order. */
        RefundView: {
            /** @description Refunded amount. */
            amount: components["schemas"]["Money"];
            /** @description Time of the request. */
            at: string;
            /** @description Identifier of the refund. */
            id: string;
            /** @description Units that the refund is for; empty for a refund by amount. */
            lines?: components["schemas"]["GoodsLine"][];
            /** @description Reason, as shown to the customer. */
            reason?: string | null;
            /** @description Progress of the refund. */
            status: components["schemas"]["RefundStatus"];
        };
        /** @description Body of `POST /v1/auth/register`. */
        RegisterBody: {
            /** @description Token of a solved challenge, if the shop asks for one (`challenge_required`); at most 2,048 bytes. */
            challenge?: components["schemas"]["SecretText"] | null;
            /** @description Email address, which a mail confirms. */
            email: string;
            /**
             * @description Name of the person, at most 100 characters.
             * @default null
             */
            name?: string | null;
            /** @description Password of 8 to 256 characters. */
            password: components["schemas"]["SecretText"];
        };
        /** @description Body of `POST /v1/auth/passkeys/register`. */
        RegisterPasskeyBody: {
            /** @description The browser's answer to the options: `credential.toJSON()`. */
            credential: components["schemas"]["RegistrationResponse"];
            /**
             * @description Name of the passkey for its owner, at most 100 characters.
             * @default null
             */
            name?: string | null;
        };
        /** @description Answer to a registration's options (`RegistrationResponseJSON`). */
        RegistrationResponse: {
            /** @description Id of the new credential, in base64url. */
            id: string;
            /** @description The same id. */
            rawId: string;
            /** @description The credential. */
            response: components["schemas"]["AttestationResponse"];
            /** @description `public-key`. */
            type: components["schemas"]["CredentialType"];
        };
        /** @description The shop, as an authenticator stores it. */
        RelyingPartyEntity: {
            /** @description RP ID: a domain. */
            id: string;
            /** @description Name for people. */
            name: string;
        };
        /** @description Body of `DELETE /v1/me/totp`. */
        RemoveTotpBody: {
            /** @description The password of the account. */
            password: components["schemas"]["SecretText"];
        };
        /** @description Options of a login (`PublicKeyCredentialRequestOptionsJSON`). */
        RequestOptions: {
            /** @description Empty: the authenticator shows the accounts that it has a passkey for. */
            allowCredentials: components["schemas"]["CredentialDescriptor"][];
            /** @description Challenge, in base64url. */
            challenge: string;
            /** @description The shop's RP ID. */
            rpId: string;
            /**
             * Format: uint32
             * @description Time for the answer, in milliseconds.
             */
            timeout: number;
            /** @description Whether the authenticator must check that its user is its owner. */
            userVerification: components["schemas"]["UserVerification"];
        };
        /** @description Body of `POST /v1/auth/password-reset`. */
        ResetBody: {
            /** @description Token of a solved challenge, if the shop asks for one (`challenge_required`); at most 2,048 bytes. */
            challenge?: components["schemas"]["SecretText"] | null;
            /** @description Email address of the account. */
            email: string;
        };
        /** @description Body of `POST /v1/admin/settings/revisions/{revision}/restore`: nothing, or an empty object. */
        RestoreSettingsBody: Record<string, never>;
        /** @description Goods that came back, or that will not be shipped. A return moves no money. */
        Return: {
            /** @description Time at which it was recorded. */
            at: string;
            /** @description Identifier of the return. */
            id: string;
            /** @description Units, and what became of them. */
            lines: components["schemas"]["GoodsLine"][];
            /** @description Reason, as shown to the customer. */
            reason?: string | null;
            /** @description Whether the returned units can be sold again. */
            restock?: boolean;
        };
        /** @description Body of `POST /v1/admin/orders/{order_id}/returns`. */
        ReturnGoodsBody: {
            /** @description Units that came back (`returned`), or that will not be shipped (`cancelled`). */
            lines: components["schemas"]["GoodsLineBody"][];
            /**
             * @description Reason, as shown to the customer; at most 200 characters.
             * @default null
             */
            reason?: string | null;
            /**
             * @description Whether returned units can be sold again. Canceled ones always can.
             * @default false
             */
            restock?: boolean;
        };
        /** @description One revision of each kind of document; 0 is the template's values. */
        Revisions: {
            /**
             * Format: uint64
             * @description Revision of the settings.
             * @default 0
             */
            settings: number;
        };
        /** @description One page of the history, newest first. */
        RevisionsView: {
            /** @description The revisions. */
            items: components["schemas"]["RevisionView"][];
            /** @description Cursor of the next page; `null` on the last one. */
            next_cursor: string | null;
        };
        /** @description A revision in the history. */
        RevisionView: {
            /** @description Names of the fields that differ from the revision before. */
            changed: string[];
            /** @description Time of the change. */
            changed_at: string;
            /** @description Author of the change: `staff:` and the subject of their token. */
            changed_by: string;
            /**
             * Format: uint64
             * @description The revision whose content this one repeats.
             */
            restored_from?: number | null;
            /**
             * Format: uint64
             * @description Number of the revision.
             */
            revision: number;
        };
        /** @description Body of `PUT /v1/admin/roles/{role}`. */
        RoleBody: {
            /** @description Permissions by name, such as `orders:read`; at least one. */
            permissions: string[];
        };
        /** @description All roles. */
        RolesView: {
            /** @description The roles: first those that every shop has, then the shop's own by name. */
            items: components["schemas"]["RoleView"][];
        };
        /** @description A role. */
        RoleView: {
            /** @description Whether every shop has it, and nobody can change it. */
            built_in: boolean;
            /** @description Its name. */
            name: string;
            /** @description What it permits. */
            permissions: string[];
        };
        /** @description A text that must not be logged: a password, or a token. */
        SecretText: string;
        /** @description Demands on the authenticator of a registration. */
        Selection: {
            /** @description The same for browsers of Level 1. */
            requireResidentKey: boolean;
            /** @description `required`: the credential can be found without its id. */
            residentKey: string;
            /** @description Whether the authenticator must check that its user is its owner. */
            userVerification: components["schemas"]["UserVerification"];
        };
        /** @description Changes of the seller. */
        SellerPatch: {
            /** @description Address of the company: at most 8 lines of 100 characters. */
            address?: string[] | null;
            /** @description Contact address for questions. */
            email?: string | null;
            /** @description Name of the company, at most 100 characters. */
            name?: string | null;
            /** @description Tax identification number, at most 50 characters; an empty text leaves it out. */
            tax_id?: string | null;
        };
        /** @description The seller on invoices. */
        SellerView: {
            /** @description Address of the company, line by line. */
            address: string[];
            /** @description Contact address for questions. */
            email: string;
            /** @description Name of the company. */
            name: string;
            /** @description Tax identification number, if it is printed. */
            tax_id?: string | null;
        };
        /** @description All sessions of an account. */
        SessionsView: {
            /** @description The sessions, the last login first. */
            items: components["schemas"]["SessionView"][];
        };
        /** @description A device on which the owner is signed in. */
        SessionView: {
            /** @description Time of the login. */
            created_at: string;
            /** @description Whether it is the one that asks. */
            current: boolean;
            /** @description What the browser or app says about itself. */
            device: string;
            /** @description Time at which it ends unless it is refreshed. */
            expires_at: string;
            /** @description Identifier. */
            id: string;
            /** @description Time of the last refresh. */
            refreshed_at: string;
        };
        /** @description Body of `PUT /v1/carts/{cart_id}/lines/{sku}`. */
        SetLineBody: {
            /**
             * Format: int64
             * @description Units wanted, 1 to 999. Stock is checked when the order is placed.
             */
            quantity: number;
        };
        /** @description Body of `PUT /v1/admin/stock/{sku}`. */
        SetStockBody: {
            /**
             * Format: int64
             * @description Units counted, 0 to 1,000,000,000.
             */
            on_hand: number;
        };
        /**
         * @description Body of `PATCH /v1/admin/settings`: a JSON Merge Patch (RFC 7396). A member that is absent stays; `null` returns it
         *     to the template's value.
         */
        SettingsPatch: {
            /** @description Switches that clients heed, by name (a to z, 0 to 9 and `_`); at most 50. `null` removes one. */
            flags?: {
                [key: string]: boolean | null;
            } | null;
            /**
             * Format: uint32
             * @description Seconds for which it stays reserved before, at most `payment_window_seconds`.
             */
            hold_seconds?: number | null;
            /** @description Pages that the law asks for. */
            legal_links?: components["schemas"]["LegalLinksPatch"] | null;
            /**
             * @description Limits of callers, by name (docs/API-DESIGN.md lists them), such as `create_cart` and `sign_in`. `null` returns one
             *     to its default.
             */
            limits?: {
                [key: string]: components["schemas"]["LimitPatch"] | null;
            } | null;
            /** @description Languages of the shop (BCP 47), the preferred one first; 1 to 20. */
            locales?: string[] | null;
            /** @description Name beside the address from which the shop's emails come, at most 60 characters; that of the shop by default. */
            mail_sender_name?: string | null;
            /**
             * Format: uint32
             * @description Seconds for which the stock of an order stays reserved once the customer has begun to pay, 1 to 604,800. Orders
             *     that are placed keep theirs.
             */
            payment_window_seconds?: number | null;
            /** @description Keys with which clients pay. */
            publishable_keys?: components["schemas"]["PublishableKeysPatch"] | null;
            /** @description The seller on invoices that are issued from now on. */
            seller?: components["schemas"]["SellerPatch"] | null;
            /** @description Name of the shop, at most 60 characters. */
            shop_name?: string | null;
            /** @description Name of the tax that prices include, at most 30 characters. */
            tax_name?: string | null;
        };
        /** @description The values that apply. */
        SettingsValues: {
            /** @description Switches that clients heed, by name. */
            flags: {
                [key: string]: boolean;
            };
            /**
             * Format: int64
             * @description Seconds for which it stays reserved before.
             */
            hold_seconds: number;
            /** @description Pages that the law asks for. */
            legal_links: components["schemas"]["LegalLinksView"];
            /** @description Limits of callers, by name. */
            limits: {
                [key: string]: components["schemas"]["LimitView"];
            };
            /** @description Languages of the shop (BCP 47), the preferred one first. */
            locales: string[];
            /** @description Name beside the address from which the shop's emails come. */
            mail_sender_name: string;
            /**
             * Format: int64
             * @description Seconds for which the stock of an order stays reserved once the customer has begun to pay.
             */
            payment_window_seconds: number;
            /** @description Keys with which clients pay. */
            publishable_keys: components["schemas"]["PublishableKeysView"];
            /** @description The seller on invoices. */
            seller: components["schemas"]["SellerView"];
            /** @description Name of the shop. */
            shop_name: string;
            /** @description Name of the tax that prices include. */
            tax_name: string;
        };
        /** @description The settings as staff see them. */
        SettingsView: {
            /** @description Time of the change; missing before the first one. */
            changed_at?: string | null;
            /** @description Author of the change: `staff:` and the subject of their token. */
            changed_by?: string | null;
            /** @description The template's values. */
            defaults: components["schemas"]["SettingsValues"];
            /** @description Switches that clients heed, by name. */
            flags: {
                [key: string]: boolean;
            };
            /**
             * Format: int64
             * @description Seconds for which it stays reserved before.
             */
            hold_seconds: number;
            /** @description Pages that the law asks for. */
            legal_links: components["schemas"]["LegalLinksView"];
            /** @description Limits of callers, by name. */
            limits: {
                [key: string]: components["schemas"]["LimitView"];
            };
            /** @description Languages of the shop (BCP 47), the preferred one first. */
            locales: string[];
            /** @description Name beside the address from which the shop's emails come. */
            mail_sender_name: string;
            /**
             * Format: int64
             * @description Seconds for which the stock of an order stays reserved once the customer has begun to pay.
             */
            payment_window_seconds: number;
            /** @description Keys with which clients pay. */
            publishable_keys: components["schemas"]["PublishableKeysView"];
            /**
             * Format: uint64
             * @description The revision whose content this one repeats.
             */
            restored_from?: number | null;
            /**
             * Format: uint64
             * @description Number of this revision, also the `ETag`; 0 before the first change.
             */
            revision: number;
            /**
             * Format: uint64
             * @description The revision in use instead, if this one cannot be read or a later one is stored: the latest that can be read. The
             *     values are its.
             */
            revision_in_use?: number | null;
            /** @description The seller on invoices. */
            seller: components["schemas"]["SellerView"];
            /** @description Names of the values that staff have set; all others follow the template. */
            set: string[];
            /** @description Name of the shop. */
            shop_name: string;
            /** @description Name of the tax that prices include. */
            tax_name: string;
        };
        /** @description What clients need to know before the first request: `GET /v1/shop`. */
        ShopView: {
            /** @description Service of the challenges that some requests take (`challenge_required`); absent if none do. */
            challenge?: components["schemas"]["ChallengeView"] | null;
            /** @description Countries that an address can be in, each with the fields of its addresses. */
            countries: components["schemas"]["CountryView"][];
            /** @description Currencies of prices. */
            currencies: components["schemas"]["CurrencyView"][];
            /** @description Switches that clients heed, by name. */
            flags: {
                [key: string]: boolean;
            };
            /** @description Pages that the law asks for. */
            legal_links: components["schemas"]["LegalLinksView"];
            /** @description Languages of the shop (BCP 47), the preferred one first. */
            locales: string[];
            /** @description Name of the shop. */
            name: string;
            /** @description Payment methods that orders may choose. */
            payment_methods: components["schemas"]["PaymentMethodView"][];
        };
        /** @description Stock keeping unit: 1 to 100 characters, unique in the shop, usable as one part of a path. */
        Sku: string;
        /** @description Body of `PUT /v1/admin/stock/{sku}/shards`. */
        SplitStockBody: {
            /**
             * Format: int64
             * @description Number of shards, 1 to 16. It can be raised, but not lowered.
             */
            shards: number;
        };
        /** @description The staff. */
        StaffListView: {
            /** @description The members, in the order in which they joined. */
            items: components["schemas"]["StaffMemberView"][];
        };
        /** @description A member of the staff. */
        StaffMemberView: {
            /** @description Identifier of the account. */
            account_id: string;
            /** @description Email address. */
            email: string;
            /** @description Author of the invitation: `staff:` and the account or the subject of a token, or `shop` for the command of an operator. */
            invited_by: string;
            /** @description Time at which the invitation was accepted. */
            joined_at: string;
            /** @description Name of the person. */
            name?: string | null;
            /** @description What the role permits. */
            permissions: string[];
            /** @description Name of the role. */
            role: string;
        };
        /** @description An order as staff see it. */
        StaffOrderView: {
            /** @description Bearer token to read and cancel the order; only returned when it is placed. */
            access_token?: string | null;
            /** @description Time until which its stock is reserved for a payment. It moves later once the customer has begun to pay. */
            due_at: string;
            /** @description Email address for the confirmation. */
            email: string;
            /** @description Shipments, oldest first. */
            fulfilments: components["schemas"]["Fulfilment"][];
            /** @description Changes of the order, oldest first. */
            history: components["schemas"]["HistoryView"][];
            /** @description Identifier of the order. */
            id: string;
            /** @description Lines at the prices at which they were bought. */
            lines: components["schemas"]["OrderLineView"][];
            /** @description Order number for people, such as `7K3MQ-9QXPB`. */
            number: string;
            /** @description Payment of the order. */
            payment: components["schemas"]["PaymentView"];
            /** @description The provider's id of the payment, to look it up there. */
            payment_id?: string | null;
            /** @description Time at which it was placed. */
            placed_at: string;
            /** @description Amount that can still be refunded. */
            refundable: components["schemas"]["Money"];
            /** @description Refunds in any state, oldest first. */
            refunds: components["schemas"]["RefundView"][];
            /** @description Goods that came back or will not be shipped, other than with a refund; oldest first. */
            returns: components["schemas"]["Return"][];
            /** @description Revisions of the documents that the order was placed with; 0 is the template's values. */
            revisions: components["schemas"]["Revisions"];
            /** @description Address to ship to. */
            shipping_address: components["schemas"]["Address"];
            /** @description Current status. */
            status: components["schemas"]["OrderStatus"];
            /** @description Totals at the time of the order. */
            totals: components["schemas"]["Totals"];
            /**
             * Format: uint64
             * @description Version of the order; incremented by every change.
             */
            version: number;
        };
        /** @description What a person may do as staff. */
        StaffView: {
            /** @description Permissions of the role. */
            permissions: string[];
            /** @description Name of the role. */
            role: string;
        };
        /** @description The stock of one SKU. */
        StockView: {
            /**
             * Format: int64
             * @description Units available for sale: `on_hand - reserved`. Negative if fewer units were counted than are
             *     reserved, or if the SKU is sold beyond its stock (backorder).
             */
            available: number;
            /** @description Whether the SKU is sold beyond its stock: on backorder, or untracked. */
            backorder: boolean;
            /**
             * Format: int64
             * @description Units in the warehouse that are not sold.
             */
            on_hand: number;
            /**
             * Format: int64
             * @description Units on hand that are reserved for unpaid orders.
             */
            reserved: number;
            /**
             * Format: uint8
             * @description Number of shards of the stock.
             */
            shards: number;
            /** @description Stock keeping unit. */
            sku: string;
            /**
             * Format: uint64
             * @description Grows with every change of the numbers; also the `ETag`. `If-Match` with it makes sure that a count
             *     replaces exactly the stock that was seen.
             */
            stock_version: number;
            /**
             * @description Whether its units are not counted, so that they are sold without limit. The numbers then only
             *     follow the orders.
             */
            untracked: boolean;
        };
        /** @description Body of endpoints that take the token of a mail's link. */
        TokenBody: {
            /** @description The token of the link, after `token=`. */
            token: components["schemas"]["SecretText"];
        };
        /** @description Tokens of a session. */
        TokensView: {
            /** @description The access token; absent if a cookie has it. */
            access_token?: string | null;
            /**
             * Format: int64
             * @description Seconds for which the access token is valid.
             */
            expires_in: number;
            /** @description The refresh token, which is replaced by each refresh; absent if a cookie has it. */
            refresh_token?: string | null;
            /** @description `Bearer`. */
            token_type: string;
        };
        /** @description Totals of a cart or an order. */
        Totals: {
            /** @description Sum of the lines. */
            subtotal: components["schemas"]["Money"];
            /** @description Amount to pay. */
            total: components["schemas"]["Money"];
        };
        /** @description The secret of an authenticator app, which is shown once. */
        TotpView: {
            /** @description The secret as somebody types it into an app: 32 digits of base 32. */
            secret: string;
            /** @description The URI of a QR code for an app: `otpauth://totp/…`. */
            uri: string;
        };
        /** @description A number of units of one SKU. */
        Units: {
            /**
             * Format: uint32
             * @description Number of units.
             */
            quantity: number;
            /** @description Stock keeping unit. */
            sku: components["schemas"]["Sku"];
        };
        /** @description Number of units of one line. */
        UnitsBody: {
            /**
             * Format: int64
             * @description Number of units, from 1.
             */
            quantity: number;
            /** @description Stock keeping unit. */
            sku: string;
        };
        /** @description A presigned upload: one request that needs no other credentials. */
        UploadTicket: {
            /** @description The URL is refused from this time on. */
            expires_at: string;
            /** @description Headers to send unchanged with the upload. */
            headers: {
                [key: string]: string;
            };
            /** @description HTTP method of the upload. */
            method: string;
            /** @description URL to upload to. */
            url: string;
        };
        /** @description The account, as an authenticator stores it. */
        UserEntity: {
            /** @description Name for people. */
            displayName: string;
            /** @description User handle, in base64url. It says nothing of the person. */
            id: string;
            /** @description Name that tells accounts apart, such as an address. */
            name: string;
        };
        /** @description Whether the authenticator must check that its user is its owner, by a PIN or biometrics. */
        UserVerification: "required" | "preferred";
        /** @description One variant of a product, sold under a SKU of its own. */
        VariantView: {
            /** @description Whether the variant is in stock; seconds behind the stock itself. */
            available: boolean;
            /** @description Former price, to show a reduction. */
            compare_at_price: components["schemas"]["Money"] | null;
            /** @description One value per option, in the order of `options`. */
            option_values: string[];
            /** @description Price of one unit. */
            price: components["schemas"]["Money"];
            /** @description Stock keeping unit. */
            sku: components["schemas"]["Sku"];
            /** @description Option values, or `Default Title`. */
            title: string;
        };
        /** @description Body of a request to verify a part of a chain. */
        VerifyAuditBody: {
            /**
             * Format: int64
             * @description Number of the record after which to begin, which was verified before: `verified_to` of the part before. 0 for the first
             *     part.
             * @default 0
             */
            after?: number;
            /**
             * Format: int64
             * @description Number of the chain, 0 to 15.
             */
            chain: number;
        };
        /** @description State that staff want of a job. */
        WantedState: "paused" | "running" | "cancelled";
        /** @description The wish list of the person who is signed in. */
        WishlistView: {
            /** @description The entries, the last one that was added first. */
            items: components["schemas"]["WishView"][];
        };
        /** @description An entry of a wish list with what the catalogue says now. */
        WishView: {
            /** @description Time at which it was added. */
            added_at: string;
            /** @description Whether one unit can be sold now. */
            available: boolean;
            /** @description Whether the product is published and still has the variant. */
            for_sale: boolean;
            /** @description Current price of one unit; missing if it is not for sale. */
            price?: components["schemas"]["Money"] | null;
            /** @description Slug of the product; missing like the title. */
            product_slug?: string | null;
            /** @description Stock keeping unit. */
            sku: components["schemas"]["Sku"];
            /** @description Titles of the product and the variant; missing if the catalogue does not know the SKU any more. */
            title?: string | null;
        };
    };
    responses: {
        /** @description The request was rejected or failed; `code` gives the reason. */
        Problem: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Too many requests of one caller (`rate_limited`), or of all callers together. */
        RateLimited: {
            headers: {
                /** @description Seconds to wait at least; missing if the gateway has refused the request. */
                "Retry-After"?: number;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type AcceptBody = components['schemas']['AcceptBody'];
export type Address = components['schemas']['Address'];
export type AddressBody = components['schemas']['AddressBody'];
export type AddressBookView = components['schemas']['AddressBookView'];
export type ApiKeyBody = components['schemas']['ApiKeyBody'];
export type ApiKeysView = components['schemas']['ApiKeysView'];
export type ApiKeyView = components['schemas']['ApiKeyView'];
export type AssertionResponse = components['schemas']['AssertionResponse'];
export type AttestationResponse = components['schemas']['AttestationResponse'];
export type AuditAction = components['schemas']['AuditAction'];
export type AuditEntry = components['schemas']['AuditEntry'];
export type AuditFaultKind = components['schemas']['AuditFaultKind'];
export type AuditFaultView = components['schemas']['AuditFaultView'];
export type AuditPage = components['schemas']['AuditPage'];
export type AuditRecord = components['schemas']['AuditRecord'];
export type AuditRecordView = components['schemas']['AuditRecordView'];
export type AuditVerificationView = components['schemas']['AuditVerificationView'];
export type AuthenticationResponse = components['schemas']['AuthenticationResponse'];
export type BookEntryBody = components['schemas']['BookEntryBody'];
export type BookEntryView = components['schemas']['BookEntryView'];
export type CancelOrderBody = components['schemas']['CancelOrderBody'];
export type CartLineView = components['schemas']['CartLineView'];
export type CartView = components['schemas']['CartView'];
export type ChallengeKind = components['schemas']['ChallengeKind'];
export type ChallengeView = components['schemas']['ChallengeView'];
export type ChangeEmailBody = components['schemas']['ChangeEmailBody'];
export type ChangeJobBody = components['schemas']['ChangeJobBody'];
export type ChangePasswordBody = components['schemas']['ChangePasswordBody'];
export type ChangeStaffBody = components['schemas']['ChangeStaffBody'];
export type ClaimOrderBody = components['schemas']['ClaimOrderBody'];
export type ConfirmResetBody = components['schemas']['ConfirmResetBody'];
export type ConfirmTotpBody = components['schemas']['ConfirmTotpBody'];
export type CountriesView = components['schemas']['CountriesView'];
export type CountryView = components['schemas']['CountryView'];
export type CreateCartBody = components['schemas']['CreateCartBody'];
export type CreateGroupBody = components['schemas']['CreateGroupBody'];
export type CreateImportBody = components['schemas']['CreateImportBody'];
export type CreateJobBody = components['schemas']['CreateJobBody'];
export type CreationOptions = components['schemas']['CreationOptions'];
export type CredentialDescriptor = components['schemas']['CredentialDescriptor'];
export type CredentialParameters = components['schemas']['CredentialParameters'];
export type CredentialType = components['schemas']['CredentialType'];
export type CreditNoteView = components['schemas']['CreditNoteView'];
export type CurrencyView = components['schemas']['CurrencyView'];
export type CustomerOrdersView = components['schemas']['CustomerOrdersView'];
export type CustomerPage = components['schemas']['CustomerPage'];
export type CustomerProfileView = components['schemas']['CustomerProfileView'];
export type CustomerView = components['schemas']['CustomerView'];
export type DeleteAccountBody = components['schemas']['DeleteAccountBody'];
export type ExportedChain = components['schemas']['ExportedChain'];
export type ExportedHead = components['schemas']['ExportedHead'];
export type ExportedItem = components['schemas']['ExportedItem'];
export type ExportState = components['schemas']['ExportState'];
export type ExportView = components['schemas']['ExportView'];
export type FieldChange = components['schemas']['FieldChange'];
export type FieldChangeView = components['schemas']['FieldChangeView'];
export type FieldFault = components['schemas']['FieldFault'];
export type Fulfilment = components['schemas']['Fulfilment'];
export type FulfilOrderBody = components['schemas']['FulfilOrderBody'];
export type Goods = components['schemas']['Goods'];
export type GoodsLine = components['schemas']['GoodsLine'];
export type GoodsLineBody = components['schemas']['GoodsLineBody'];
export type GroupId = components['schemas']['GroupId'];
export type GroupMembersView = components['schemas']['GroupMembersView'];
export type GroupMemberView = components['schemas']['GroupMemberView'];
export type GroupPatch = components['schemas']['GroupPatch'];
export type GroupsView = components['schemas']['GroupsView'];
export type GroupView = components['schemas']['GroupView'];
export type HealthView = components['schemas']['HealthView'];
export type HistoryView = components['schemas']['HistoryView'];
export type ImageView = components['schemas']['ImageView'];
export type ImportState = components['schemas']['ImportState'];
export type ImportTicket = components['schemas']['ImportTicket'];
export type ImportView = components['schemas']['ImportView'];
export type InvitationsView = components['schemas']['InvitationsView'];
export type InvitationView = components['schemas']['InvitationView'];
export type InviteBody = components['schemas']['InviteBody'];
export type InvoiceView = components['schemas']['InvoiceView'];
export type JobKind = components['schemas']['JobKind'];
export type JobProgress = components['schemas']['JobProgress'];
export type JobState = components['schemas']['JobState'];
export type JobsView = components['schemas']['JobsView'];
export type JobView = components['schemas']['JobView'];
export type LegalLinksPatch = components['schemas']['LegalLinksPatch'];
export type LegalLinksView = components['schemas']['LegalLinksView'];
export type LimitPatch = components['schemas']['LimitPatch'];
export type LimitView = components['schemas']['LimitView'];
export type LineFault = components['schemas']['LineFault'];
export type LinkSentView = components['schemas']['LinkSentView'];
export type LoginBody = components['schemas']['LoginBody'];
export type LogoutBody = components['schemas']['LogoutBody'];
export type MergeCartsBody = components['schemas']['MergeCartsBody'];
export type MeView = components['schemas']['MeView'];
export type Money = components['schemas']['Money'];
export type MyOrderPage = components['schemas']['MyOrderPage'];
export type MyOrderSummary = components['schemas']['MyOrderSummary'];
export type NewJobKind = components['schemas']['NewJobKind'];
export type OptionView = components['schemas']['OptionView'];
export type OrderLineView = components['schemas']['OrderLineView'];
export type OrderPage = components['schemas']['OrderPage'];
export type OrderStatus = components['schemas']['OrderStatus'];
export type OrderSummary = components['schemas']['OrderSummary'];
export type OrderView = components['schemas']['OrderView'];
export type PasskeyLoginBody = components['schemas']['PasskeyLoginBody'];
export type PasskeyPatch = components['schemas']['PasskeyPatch'];
export type PasskeysView = components['schemas']['PasskeysView'];
export type PasskeyView = components['schemas']['PasskeyView'];
export type PaymentBody = components['schemas']['PaymentBody'];
export type PaymentFailure = components['schemas']['PaymentFailure'];
export type PaymentMethodView = components['schemas']['PaymentMethodView'];
export type PaymentStatus = components['schemas']['PaymentStatus'];
export type PaymentView = components['schemas']['PaymentView'];
export type PersonalField = components['schemas']['PersonalField'];
export type PersonalView = components['schemas']['PersonalView'];
export type PlaceOrderBody = components['schemas']['PlaceOrderBody'];
export type Problem = components['schemas']['Problem'];
export type ProductPage = components['schemas']['ProductPage'];
export type ProductSummary = components['schemas']['ProductSummary'];
export type ProductView = components['schemas']['ProductView'];
export type ProfilePatch = components['schemas']['ProfilePatch'];
export type Provider = components['schemas']['Provider'];
export type PublishableKeysPatch = components['schemas']['PublishableKeysPatch'];
export type PublishableKeysView = components['schemas']['PublishableKeysView'];
export type ReceivedView = components['schemas']['ReceivedView'];
export type RecoveryCodesView = components['schemas']['RecoveryCodesView'];
export type RefreshBody = components['schemas']['RefreshBody'];
export type RefundOrderBody = components['schemas']['RefundOrderBody'];
export type RefundStatus = components['schemas']['RefundStatus'];
export type RefundView = components['schemas']['RefundView'];
export type RegisterBody = components['schemas']['RegisterBody'];
export type RegisterPasskeyBody = components['schemas']['RegisterPasskeyBody'];
export type RegistrationResponse = components['schemas']['RegistrationResponse'];
export type RelyingPartyEntity = components['schemas']['RelyingPartyEntity'];
export type RemoveTotpBody = components['schemas']['RemoveTotpBody'];
export type RequestOptions = components['schemas']['RequestOptions'];
export type ResetBody = components['schemas']['ResetBody'];
export type RestoreSettingsBody = components['schemas']['RestoreSettingsBody'];
export type Return = components['schemas']['Return'];
export type ReturnGoodsBody = components['schemas']['ReturnGoodsBody'];
export type Revisions = components['schemas']['Revisions'];
export type RevisionsView = components['schemas']['RevisionsView'];
export type RevisionView = components['schemas']['RevisionView'];
export type RoleBody = components['schemas']['RoleBody'];
export type RolesView = components['schemas']['RolesView'];
export type RoleView = components['schemas']['RoleView'];
export type SecretText = components['schemas']['SecretText'];
export type Selection = components['schemas']['Selection'];
export type SellerPatch = components['schemas']['SellerPatch'];
export type SellerView = components['schemas']['SellerView'];
export type SessionsView = components['schemas']['SessionsView'];
export type SessionView = components['schemas']['SessionView'];
export type SetLineBody = components['schemas']['SetLineBody'];
export type SetStockBody = components['schemas']['SetStockBody'];
export type SettingsPatch = components['schemas']['SettingsPatch'];
export type SettingsValues = components['schemas']['SettingsValues'];
export type SettingsView = components['schemas']['SettingsView'];
export type ShopView = components['schemas']['ShopView'];
export type Sku = components['schemas']['Sku'];
export type SplitStockBody = components['schemas']['SplitStockBody'];
export type StaffListView = components['schemas']['StaffListView'];
export type StaffMemberView = components['schemas']['StaffMemberView'];
export type StaffOrderView = components['schemas']['StaffOrderView'];
export type StaffView = components['schemas']['StaffView'];
export type StockView = components['schemas']['StockView'];
export type TokenBody = components['schemas']['TokenBody'];
export type TokensView = components['schemas']['TokensView'];
export type Totals = components['schemas']['Totals'];
export type TotpView = components['schemas']['TotpView'];
export type Units = components['schemas']['Units'];
export type UnitsBody = components['schemas']['UnitsBody'];
export type UploadTicket = components['schemas']['UploadTicket'];
export type UserEntity = components['schemas']['UserEntity'];
export type UserVerification = components['schemas']['UserVerification'];
export type VariantView = components['schemas']['VariantView'];
export type VerifyAuditBody = components['schemas']['VerifyAuditBody'];
export type WantedState = components['schemas']['WantedState'];
export type WishlistView = components['schemas']['WishlistView'];
export type WishView = components['schemas']['WishView'];
export type ResponseProblem = components['responses']['Problem'];
export type ResponseRateLimited = components['responses']['RateLimited'];
export type $defs = Record<string, never>;
export interface operations {
    "list-api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKeysView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "create-api-key": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ApiKeyBody"];
            };
        };
        responses: {
            /** @description Success. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKeyView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "revoke-api-key": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the key. */
                key_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success, without a body. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "list-audit": {
        parameters: {
            query?: {
                /** @description Name of the action, such as `staff.invited`. */
                action?: string | null;
                /** @description Originator of the action: `system`, `token:` with a subject, `staff:` or `customer:` with the id of an account. */
                actor?: string | null;
                /** @description Number of the chain, 0 to 15. */
                chain?: string | null;
                /** @description `next_cursor` of the previous page. */
                cursor?: string | null;
                /** @description Page size, 1 to 100; 25 by default. */
                limit?: string | null;
                /** @description Earliest time of the action: RFC 3339, or a date in UTC. */
                since?: string | null;
                /** @description What was changed: kind and id, such as `order:ord_5T0RCE3VWQ8X4H2YJZ9N6KDPGA`. */
                subject?: string | null;
                /** @description Time before which the action was: RFC 3339, or the last date in UTC. */
                until?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditPage"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "export-audit-chain": {
        parameters: {
            query?: {
                /** @description Number of the record after which to begin: `next` of the previous page. At the first record without it. */
                after?: string | null;
                /** @description Page size, 1 to 500; 100 by default. A page may be shorter although more follow. */
                limit?: string | null;
            };
            header?: never;
            path: {
                /** @description Number of the chain, 0 to 15. */
                chain: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExportedChain"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "verify-audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["VerifyAuditBody"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditVerificationView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "list-customer-groups": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GroupsView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "create-customer-group": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateGroupBody"];
            };
        };
        responses: {
            /** @description Success. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GroupView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "get-customer-group": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the customer group. */
                group_id: components["schemas"]["GroupId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GroupView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "delete-customer-group": {
        parameters: {
            query?: never;
            header?: {
                /** @description The `ETag` of the state that the request replaces; with another state, it is rejected. */
                "If-Match"?: string;
            };
            path: {
                /** @description Identifier of the customer group. */
                group_id: components["schemas"]["GroupId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success, without a body. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            412: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "change-customer-group": {
        parameters: {
            query?: never;
            header?: {
                /** @description The `ETag` of the state that the request replaces; with another state, it is rejected. */
                "If-Match"?: string;
            };
            path: {
                /** @description Identifier of the customer group. */
                group_id: components["schemas"]["GroupId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GroupPatch"];
                "application/merge-patch+json": components["schemas"]["GroupPatch"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GroupView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            412: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "list-group-members": {
        parameters: {
            query?: {
                /** @description `next_cursor` of the previous page. */
                cursor?: string | null;
                /** @description Page size, 1 to 100; 25 by default. */
                limit?: string | null;
            };
            header?: never;
            path: {
                /** @description Identifier of the customer group. */
                group_id: components["schemas"]["GroupId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GroupMembersView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "add-group-member": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the account. */
                account_id: string;
                /** @description Identifier of the customer group. */
                group_id: components["schemas"]["GroupId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GroupMemberView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "remove-group-member": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the account. */
                account_id: string;
                /** @description Identifier of the customer group. */
                group_id: components["schemas"]["GroupId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success, without a body. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "list-customers": {
        parameters: {
            query?: {
                /** @description Email address of the customer, in upper or lower case. Required. */
                email?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CustomerPage"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "get-customer": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the account. */
                account_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CustomerProfileView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "create-import": {
        parameters: {
            query?: never;
            header?: {
                /** @description A new UUID for each new request, the same UUID for each retry. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateImportBody"];
            };
        };
        responses: {
            /** @description Success. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImportTicket"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "get-import": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the import. */
                import_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImportView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "list-jobs": {
        parameters: {
            query?: {
                /** @description `next_cursor` of the previous page. */
                cursor?: string | null;
                /** @description Page size, 1 to 100; 25 by default. */
                limit?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobsView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "create-job": {
        parameters: {
            query?: never;
            header: {
                /** @description A new UUID for each new request, the same UUID for each retry. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateJobBody"];
            };
        };
        responses: {
            /** @description Success. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "get-job": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the job. */
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "change-job": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the job. */
                job_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangeJobBody"];
                "application/merge-patch+json": components["schemas"]["ChangeJobBody"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "list-orders": {
        parameters: {
            query?: {
                /** @description `next_cursor` of the previous page. */
                cursor?: string | null;
                /** @description Email address of the customer, in upper or lower case. */
                email?: string | null;
                /** @description Earliest time of placing: RFC 3339, or a date in UTC. */
                from?: string | null;
                /** @description Page size, 1 to 100; 25 by default. */
                limit?: string | null;
                /** @description Order number, such as `7K3MQ-9QXPB`. */
                number?: string | null;
                /** @description SKU that the order contains. */
                sku?: string | null;
                /** @description Status of the order, such as `paid`. */
                status?: string | null;
                /** @description Time before which the order was placed: RFC 3339, or the last date in UTC. */
                to?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrderPage"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "get-order-as-staff": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the order. */
                order_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StaffOrderView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "cancel-order-as-staff": {
        parameters: {
            query?: never;
            header: {
                /** @description A new UUID for each new request, the same UUID for each retry. */
                "Idempotency-Key": string;
            };
            path: {
                /** @description Identifier of the order. */
                order_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["CancelOrderBody"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StaffOrderView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "fulfil-order": {
        parameters: {
            query?: never;
            header: {
                /** @description A new UUID for each new request, the same UUID for each retry. */
                "Idempotency-Key": string;
            };
            path: {
                /** @description Identifier of the order. */
                order_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["FulfilOrderBody"];
            };
        };
        responses: {
            /** @description Success. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StaffOrderView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "get-invoice-as-staff": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the order. */
                order_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InvoiceView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "refund-order": {
        parameters: {
            query?: never;
            header: {
                /** @description A new UUID for each new request, the same UUID for each retry. */
                "Idempotency-Key": string;
            };
            path: {
                /** @description Identifier of the order. */
                order_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["RefundOrderBody"];
            };
        };
        responses: {
            /** @description Success. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StaffOrderView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "return-goods": {
        parameters: {
            query?: never;
            header: {
                /** @description A new UUID for each new request, the same UUID for each retry. */
                "Idempotency-Key": string;
            };
            path: {
                /** @description Identifier of the order. */
                order_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReturnGoodsBody"];
            };
        };
        responses: {
            /** @description Success. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StaffOrderView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "list-roles": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RolesView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "put-role": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the role: 1 to 40 lower-case letters, digits and underscores. */
                role: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RoleBody"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoleView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "delete-role": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the role. */
                role: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success, without a body. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "get-settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingsView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "change-settings": {
        parameters: {
            query?: never;
            header: {
                /** @description The `ETag` of the state that the request replaces; with another state, it is rejected. */
                "If-Match": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SettingsPatch"];
                "application/merge-patch+json": components["schemas"]["SettingsPatch"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingsView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            412: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            428: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "list-settings-revisions": {
        parameters: {
            query?: {
                /** @description `next_cursor` of the previous page. */
                cursor?: string | null;
                /** @description Page size, 1 to 100; 25 by default. */
                limit?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RevisionsView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "get-settings-revision": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Number of the revision; 0 is the template's values. */
                revision: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingsView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "restore-settings": {
        parameters: {
            query?: never;
            header: {
                /** @description The `ETag` of the state that the request replaces; with another state, it is rejected. */
                "If-Match": string;
            };
            path: {
                /** @description Number of the revision; 0 is the template's values. */
                revision: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["RestoreSettingsBody"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingsView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            412: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            428: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "list-staff": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StaffListView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "list-invitations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InvitationsView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "invite-staff": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InviteBody"];
            };
        };
        responses: {
            /** @description Success. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InvitationView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "revoke-invitation": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the invitation. */
                invitation_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success, without a body. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "remove-staff": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the account. */
                account_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success, without a body. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "change-staff": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the account. */
                account_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangeStaffBody"];
                "application/merge-patch+json": components["schemas"]["ChangeStaffBody"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StaffMemberView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "get-stock": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Stock keeping unit. */
                sku: components["schemas"]["Sku"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StockView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "set-stock": {
        parameters: {
            query?: never;
            header?: {
                /** @description The `ETag` of the state that the request replaces; with another state, it is rejected. */
                "If-Match"?: string;
            };
            path: {
                /** @description Stock keeping unit. */
                sku: components["schemas"]["Sku"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SetStockBody"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StockView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            412: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "split-stock": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Stock keeping unit. */
                sku: components["schemas"]["Sku"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SplitStockBody"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StockView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "change-email": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TokenBody"];
            };
        };
        responses: {
            /** @description Success, without a body. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "accept-invitation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AcceptBody"];
            };
        };
        responses: {
            /** @description Success, without a body. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "log-in": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LoginBody"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokensView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "log-out": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["LogoutBody"];
            };
        };
        responses: {
            /** @description Success, without a body. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "log-in-with-passkey": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasskeyLoginBody"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokensView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "start-passkey-login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestOptions"];
                };
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "register-passkey": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RegisterPasskeyBody"];
            };
        };
        responses: {
            /** @description Success. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PasskeyView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "start-passkey-registration": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreationOptions"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "request-password-reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResetBody"];
            };
        };
        responses: {
            /** @description Success. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LinkSentView"];
                };
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "reset-password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConfirmResetBody"];
            };
        };
        responses: {
            /** @description Success, without a body. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "refresh-session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["RefreshBody"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokensView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "register-account": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RegisterBody"];
            };
        };
        responses: {
            /** @description Success. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LinkSentView"];
                };
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "verify-email": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TokenBody"];
            };
        };
        responses: {
            /** @description Success, without a body. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "create-cart": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["CreateCartBody"];
            };
        };
        responses: {
            /** @description Success. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CartView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "get-cart": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the cart. */
                cart_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CartView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "head-get-cart": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the cart. */
                cart_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success, without a body. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    "set-cart-line": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the cart. */
                cart_id: string;
                /** @description Stock keeping unit. */
                sku: components["schemas"]["Sku"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SetLineBody"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CartView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "remove-cart-line": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the cart. */
                cart_id: string;
                /** @description Stock keeping unit. */
                sku: components["schemas"]["Sku"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CartView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "merge-carts": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the cart. */
                cart_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["MergeCartsBody"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CartView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "list-countries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CountriesView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "head-list-countries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success, without a body. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "head-health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success, without a body. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    "get-me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MeView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "delete-me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeleteAccountBody"];
            };
        };
        responses: {
            /** @description Success, without a body. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "change-me": {
        parameters: {
            query?: never;
            header?: {
                /** @description The `ETag` of the state that the request replaces; with another state, it is rejected. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProfilePatch"];
                "application/merge-patch+json": components["schemas"]["ProfilePatch"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MeView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            412: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "list-addresses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AddressBookView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "create-address": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BookEntryBody"];
            };
        };
        responses: {
            /** @description Success. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BookEntryView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "change-address": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the address. */
                address_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BookEntryBody"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BookEntryView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "delete-address": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the address. */
                address_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success, without a body. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "get-my-cart": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CartView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "request-email-change": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangeEmailBody"];
            };
        };
        responses: {
            /** @description Success. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LinkSentView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "start-export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExportView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "get-export": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the export. */
                export_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExportView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "list-passkeys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PasskeysView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "delete-passkey": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the passkey. */
                passkey_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success, without a body. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "rename-passkey": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the passkey. */
                passkey_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasskeyPatch"];
                "application/merge-patch+json": components["schemas"]["PasskeyPatch"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PasskeyView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "change-password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangePasswordBody"];
            };
        };
        responses: {
            /** @description Success, without a body. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "list-sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionsView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "end-session": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the session. */
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success, without a body. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "start-totp": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TotpView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "remove-totp": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RemoveTotpBody"];
            };
        };
        responses: {
            /** @description Success, without a body. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "confirm-totp": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConfirmTotpBody"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecoveryCodesView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "get-wishlist": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WishlistView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "add-wishlist-entry": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Stock keeping unit. */
                sku: components["schemas"]["Sku"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WishView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "remove-wishlist-entry": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Stock keeping unit. */
                sku: components["schemas"]["Sku"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success, without a body. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "list-my-orders": {
        parameters: {
            query?: {
                /** @description `next_cursor` of the previous page. */
                cursor?: string | null;
                /** @description Page size, 1 to 100; 25 by default. */
                limit?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MyOrderPage"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "place-order": {
        parameters: {
            query?: never;
            header: {
                /** @description A new UUID for each new request, the same UUID for each retry. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PlaceOrderBody"];
            };
        };
        responses: {
            /** @description Success. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrderView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "get-order": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the order. */
                order_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrderView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "cancel-order": {
        parameters: {
            query?: never;
            header: {
                /** @description A new UUID for each new request, the same UUID for each retry. */
                "Idempotency-Key": string;
            };
            path: {
                /** @description Identifier of the order. */
                order_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["CancelOrderBody"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrderView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "claim-order": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the order. */
                order_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["ClaimOrderBody"];
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrderView"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "get-invoice": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identifier of the order. */
                order_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InvoiceView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "receive-payment-event": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the provider: `stripe`. */
                provider: components["schemas"]["Provider"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": unknown;
            };
        };
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReceivedView"];
                };
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "list-products": {
        parameters: {
            query?: {
                /** @description Name of a collection. */
                collection?: string | null;
                /** @description `next_cursor` of the previous page. */
                cursor?: string | null;
                /** @description Page size, 1 to 100; 24 by default. */
                limit?: string | null;
                /** @description `newest` (default), `price` or `-price`. */
                sort?: string | null;
                /** @description Tag, such as `men`. */
                tag?: string | null;
                /** @description Product type, such as `Mug`. */
                type?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProductPage"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "head-list-products": {
        parameters: {
            query?: {
                /** @description Name of a collection. */
                collection?: string | null;
                /** @description `next_cursor` of the previous page. */
                cursor?: string | null;
                /** @description Page size, 1 to 100; 24 by default. */
                limit?: string | null;
                /** @description `newest` (default), `price` or `-price`. */
                sort?: string | null;
                /** @description Tag, such as `men`. */
                tag?: string | null;
                /** @description Product type, such as `Mug`. */
                type?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success, without a body. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    "get-product": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug of the product; other spellings such as `Headliner TEE` find it too. */
                slug: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProductView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "head-get-product": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug of the product; other spellings such as `Headliner TEE` find it too. */
                slug: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success, without a body. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    "get-shop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShopView"];
                };
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            403: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            500: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
        };
    };
    "head-get-shop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Success, without a body. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The client has the current version: its `If-None-Match` names it. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The status of the problem, without its body. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
}
