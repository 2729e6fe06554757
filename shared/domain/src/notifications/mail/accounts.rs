//! Emails about accounts: links to confirm, and what the owner should know.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    Email, RenderError,
    letter::{Letter, Part},
};
use crate::text::line;

/// Where and when something happened.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// What the browser or app says about itself.
    pub device: Option<&'a str>,
    /// Time of the event.
    pub at: Timestamp,
}

/// An email about an account. Links lead to pages of the shop.
#[derive(Clone, Copy, Debug)]
pub enum AccountMail<'a> {
    /// Completes a registration.
    Verify {
        /// The link.
        link: &'a str,
    },
    /// Somebody registers with an address that has an account.
    AlreadyRegistered {
        /// The page to sign in.
        link: &'a str,
    },
    /// Sets a new password.
    Reset {
        /// The link.
        link: &'a str,
    },
    /// Confirms a new address, to that address.
    ConfirmEmail {
        /// The link.
        link: &'a str,
    },
    /// The address was replaced, to the old one.
    EmailChanged(Place<'a>),
    /// The password was changed or set anew.
    PasswordChanged(Place<'a>),
    /// Somebody has signed in on a device that was not seen before.
    NewDevice(Place<'a>),
    /// A refresh token was used twice.
    TokenReused(Place<'a>),
    /// A passkey was added.
    PasskeyAdded(Place<'a>),
    /// A passkey was removed.
    PasskeyRemoved(Place<'a>),
    /// A passkey was refused, as there may be a copy of it.
    PasskeyCloned(Place<'a>),
    /// Codes of an authenticator app are asked for.
    TotpEnabled(Place<'a>),
    /// No codes are asked for any more.
    TotpDisabled(Place<'a>),
    /// Somebody has signed in by a recovery code.
    RecoveryCodeUsed(Place<'a>),
    /// Somebody has the password, and has sent too many wrong codes of an authenticator app.
    CodesSuspended(Place<'a>),
    /// The data that the owner has asked for can be downloaded.
    ExportReady {
        /// The page of the account, not the file.
        link: &'a str,
    },
    /// An invitation to the staff.
    Invited {
        /// The link.
        link: &'a str,
        /// Name of the role.
        role: &'a str,
    },
}

impl AccountMail<'_> {
    /// Renders the email to `to` in the name of `shop`.
    pub fn render(&self, to: &str, shop: &str) -> Result<Email, RenderError> {
        let shop = &*line(shop);
        let why = match self {
            Self::Verify { .. } | Self::ConfirmEmail { .. } => {
                format!("You get this e-mail because somebody gave this address at {shop}.")
            }
            Self::Invited { .. } => {
                format!("You get this e-mail because {shop} invites this address.")
            }
            _ => format!("You get this e-mail because this address has an account at {shop}."),
        };
        self.letter(shop).render(to, &why, shop)
    }

    fn letter(&self, shop: &str) -> Letter {
        match self {
            Self::Verify { link } => Letter {
                subject: format!("Confirm your address at {shop}"),
                title: "Confirm your address".to_owned(),
                lead: "One more step and your account is ready. The link works for 24 hours."
                    .to_owned(),
                parts: vec![
                    Part::own_link("Confirm the address", link),
                    Part::text(NOT_YOU),
                ],
            },
            Self::AlreadyRegistered { link } => Letter {
                subject: format!("You already have an account at {shop}"),
                title: "You already have an account".to_owned(),
                lead: "Somebody, probably you, wanted to register with this address. It has an \
                       account already, which has not changed."
                    .to_owned(),
                parts: vec![
                    Part::own_link("Sign in", link),
                    Part::text("If you do not know the password, ask for a new one on that page."),
                ],
            },
            Self::Reset { link } => Letter {
                subject: format!("Set a new password at {shop}"),
                title: "Set a new password".to_owned(),
                lead: "Somebody, probably you, has asked for a new password. The link works for \
                       one hour, and once."
                    .to_owned(),
                parts: vec![
                    Part::own_link("Set a new password", link),
                    Part::text(NOT_YOU),
                ],
            },
            Self::ConfirmEmail { link } => Letter {
                subject: format!("Confirm your new address at {shop}"),
                title: "Confirm your new address".to_owned(),
                lead: "Your account takes this address once you have followed the link, which \
                       works for 24 hours."
                    .to_owned(),
                parts: vec![
                    Part::own_link("Confirm the address", link),
                    Part::text(NOT_YOU),
                ],
            },
            Self::EmailChanged(place) => notice(
                format!("The address of your account at {shop} has changed"),
                "Your address has changed",
                "Your account has another address now, and this is the last e-mail to the old one.",
                place,
            ),
            Self::PasswordChanged(place) => notice(
                format!("Your password at {shop} has changed"),
                "Your password has changed",
                "Your account has a new password. Other devices have been signed out.",
                place,
            ),
            Self::NewDevice(place) => notice(
                format!("A new sign-in at {shop}"),
                "A new device has signed in",
                "Somebody has signed in to your account on a device that was not seen before.",
                place,
            ),
            Self::TokenReused(place) => notice(
                format!("A device was signed out at {shop}"),
                "A device was signed out",
                "A copy of a device's key to your account was used, so the device has been \
                 signed out. Sign in again; if you do not recognize this, change the password.",
                place,
            ),
            Self::PasskeyAdded(place) => notice(
                format!("A passkey was added at {shop}"),
                "A passkey was added",
                "Your account can be signed in to with a new passkey.",
                place,
            ),
            Self::PasskeyRemoved(place) => notice(
                format!("A passkey was removed at {shop}"),
                "A passkey was removed",
                "Your account can no longer be signed in to with one of its passkeys.",
                place,
            ),
            Self::PasskeyCloned(place) => notice(
                format!("A passkey was refused at {shop}"),
                "A passkey was refused",
                "Somebody wanted to sign in to your account with what may be a copy of one of \
                 your passkeys, and was refused. Delete that passkey, and add a new one.",
                place,
            ),
            Self::TotpEnabled(place) => notice(
                format!("An authenticator app was added at {shop}"),
                "An authenticator app was added",
                "Signing in by the password takes a code of your authenticator app from now on, \
                 or one of your recovery codes. Older codes are void.",
                place,
            ),
            Self::TotpDisabled(place) => notice(
                format!("The authenticator app was removed at {shop}"),
                "The authenticator app was removed",
                "Signing in takes the password alone from now on, and no code.",
                place,
            ),
            Self::RecoveryCodeUsed(place) => notice(
                format!("A recovery code was used at {shop}"),
                "A recovery code was used",
                "Somebody has signed in to your account with its password and one of your \
                 recovery codes, which is void now.",
                place,
            ),
            Self::CodesSuspended(place) => notice(
                format!("Many wrong codes at {shop}"),
                "Somebody has tried many codes",
                "Somebody has given the right password of your account, and many wrong codes. For a \
                 while, no code of your authenticator app is accepted; your recovery codes and \
                 passkeys are.",
                place,
            ),
            Self::ExportReady { link } => Letter {
                subject: format!("Your data at {shop} are ready"),
                title: "Your data are ready".to_owned(),
                lead:
                    "The copy of your data that you asked for is ready. You can download it from \
                       your account for 7 days."
                        .to_owned(),
                parts: vec![
                    Part::own_link("Open your account", link),
                    Part::text(
                        "If you did not ask for it, somebody else has signed in to your account: \
                         set a new password at once.",
                    ),
                ],
            },
            Self::Invited { link, role } => Letter {
                subject: format!("{shop} invites you"),
                title: format!("{shop} invites you"),
                lead: format!("You are invited to work at {shop} as {}.", line(role)),
                parts: vec![
                    Part::own_link("Accept the invitation", link),
                    Part::text(
                        "The link works for 7 days. You choose a new password there; if this address has an account, its passkeys and its authenticator app are removed.",
                    ),
                ],
            },
        }
    }
}

fn notice(subject: String, title: &str, lead: &str, place: &Place<'_>) -> Letter {
    let at = place.at.to_zoned(TimeZone::UTC);
    let facts = [
        (
            "Time",
            Some(at.strftime("%-d %B %Y, %H:%M UTC").to_string()),
        ),
        ("Device", place.device.map(str::to_owned)),
    ];
    let mut parts: Vec<Part> = Part::facts("When and where", facts).into_iter().collect();
    parts.push(Part::text(
        "If that was you, there is nothing to do. If not, set a new password at once: the page to \
         sign in has a link for that.",
    ));
    Letter {
        subject,
        title: title.to_owned(),
        lead: lead.to_owned(),
        parts,
    }
}

const NOT_YOU: &str = "If that was not you, ignore this e-mail: nothing happens without the link.";

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = "Longmeadow & Co";

    fn mails() -> Vec<Email> {
        let link = "https://shop.example/#/account/verify?token=0123456789ABCDEFGHJKMNPQRS.x-_y";
        let place = Place {
            device: Some("Mozilla/5.0 <script>\r\nBcc: all@example.com"),
            at: "2026-11-26T12:00:00Z".parse().unwrap(),
        };
        [
            AccountMail::Verify { link },
            AccountMail::AlreadyRegistered { link },
            AccountMail::Reset { link },
            AccountMail::ConfirmEmail { link },
            AccountMail::EmailChanged(place),
            AccountMail::PasswordChanged(place),
            AccountMail::NewDevice(place),
            AccountMail::TokenReused(place),
            AccountMail::PasskeyAdded(place),
            AccountMail::PasskeyRemoved(place),
            AccountMail::PasskeyCloned(place),
            AccountMail::TotpEnabled(place),
            AccountMail::TotpDisabled(place),
            AccountMail::RecoveryCodeUsed(place),
            AccountMail::CodesSuspended(place),
            AccountMail::ExportReady { link },
            AccountMail::Invited {
                link,
                role: "manager",
            },
        ]
        .map(|mail| mail.render("ada@example.com", SHOP).unwrap())
        .into()
    }

    #[test]
    fn texts() {
        let texts = mails().into_iter();
        let texts: Vec<String> = texts
            .map(|mail| format!("Subject: {}\n\n{}", mail.subject, mail.text))
            .collect();
        insta::assert_snapshot!(texts.join("\n=====\n\n"));
    }

    #[test]
    fn links_stay_whole_and_texts_are_escaped() {
        for mail in mails() {
            assert!(!mail.html.contains("<script>"), "{}", mail.subject);
            assert!(!mail.subject.contains(['\r', '\n']));
            assert!(!mail.text.contains("\nBcc:"), "{}", mail.text);
            if mail.text.contains("token=") {
                let link = mail.text.lines().find(|line| line.contains("token="));
                assert!(link.unwrap().ends_with(".x-_y"), "{link:?}");
                assert!(mail.html.contains("token=0123456789ABCDEFGHJKMNPQRS.x-_y"));
            }
        }
    }
}
