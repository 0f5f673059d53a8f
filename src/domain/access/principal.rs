//! Principals: who acts, and in which capacity.

use super::Actor;
use crate::domain::user::AccountKind;

/// What an API client of a tenant may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Write messages for the tenant.
    Send,
    /// Read what the tenant wrote.
    Read,
}

/// Who acts. The capacity decides what is allowed (`policy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal<'a> {
    /// A member of staff.
    User(&'a Actor),
    /// A member of staff who also answers at the service desk.
    Agent(&'a Actor),
    /// A visitor without an account of their own. They reach only the conversations they were added
    /// to.
    Guest(&'a Actor),
    /// A customer of the service desk. They reach only their own case.
    Customer(&'a Actor),
    /// A program of a tenant, known by its key.
    ApiClient {
        tenant: &'a str,
        scopes: &'a [Scope],
    },
    /// A back end that is trusted in full. On behalf of a person it has exactly that person's
    /// rights.
    Backend { on_behalf_of: Option<&'a Actor> },
    /// The operator on the command line, and the service's own work.
    Operator,
}

impl<'a> Principal<'a> {
    /// Returns the person who acts, or who is acted for.
    #[must_use]
    pub fn person(self) -> Option<&'a Actor> {
        match self {
            Principal::User(actor)
            | Principal::Agent(actor)
            | Principal::Guest(actor)
            | Principal::Customer(actor) => Some(actor),
            Principal::Backend { on_behalf_of } => on_behalf_of,
            Principal::ApiClient { .. } | Principal::Operator => None,
        }
    }

    /// Returns the name in the audit log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Principal::User(_) => "user",
            Principal::Agent(_) => "agent",
            Principal::Guest(_) => "guest",
            Principal::Customer(_) => "customer",
            Principal::ApiClient { .. } => "apiClient",
            Principal::Backend { .. } => "backend",
            Principal::Operator => "operator",
        }
    }
}

impl Actor {
    /// Returns the caller as a principal.
    #[must_use]
    pub fn principal(&self) -> Principal<'_> {
        match self.account {
            AccountKind::Staff { is_agent: false } => Principal::User(self),
            AccountKind::Staff { is_agent: true } => Principal::Agent(self),
            AccountKind::Guest => Principal::Guest(self),
            AccountKind::Customer => Principal::Customer(self),
        }
    }
}
