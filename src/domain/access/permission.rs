//! Permissions: what a principal was allowed to do. The store's changing calls take a [`Grant`], so
//! that no change happens without a check.

use std::marker::PhantomData;

use super::{Actor, Principal, policy};
use crate::domain::{Result, UserId};

/// Everything that is allowed or refused by who acts. What further depends on a conversation, its
/// members and their roles is decided by `conversation_state` in the commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Create an account with any role.
    CreateAccount,
    /// Change an account's role, password, status or profile.
    ChangeAccount,
    /// Change the user's own picture.
    ChangeProfile,
    /// Change the user's own password, or end the user's own tokens.
    ChangeCredentials,
    /// End all tokens of another person.
    EndSessions,
    /// Search for people, or list them.
    ListPeople,
    /// See accounts that are not active.
    ListInactive,
    /// Read a person's own lists and counts.
    ReadLists,
    /// Read the statistics of everybody.
    ReadStatistics,
    /// Read the audit log.
    ReadAudit,
    /// Read what a message said before it was edited.
    ReadEdits,
    /// Create a conversation.
    OpenConversation,
    /// Add people to a conversation.
    AddMembers,
    /// Take part in a conversation: write, read, react.
    Converse,
    /// Delete another person's message, whatever the conversation.
    Moderate,
    /// Ask for a friendship, and answer a request.
    Befriend,
}

impl Action {
    /// All actions, for the table and its test.
    pub const ALL: [Action; 16] = [
        Action::CreateAccount,
        Action::ChangeAccount,
        Action::ChangeProfile,
        Action::ChangeCredentials,
        Action::EndSessions,
        Action::ListPeople,
        Action::ListInactive,
        Action::ReadLists,
        Action::ReadStatistics,
        Action::ReadAudit,
        Action::ReadEdits,
        Action::OpenConversation,
        Action::AddMembers,
        Action::Converse,
        Action::Moderate,
        Action::Befriend,
    ];
}

/// What an action is about, as far as the policy asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Facts {
    /// Nobody in particular.
    None,
    /// A person: their data, or they themselves as the author.
    Subject(UserId),
}

/// The type of a permission.
pub trait Permission {
    const ACTION: Action;
}

macro_rules! permissions {
    ($($name:ident),* $(,)?) => { $(
        #[doc = concat!("The permission of [`Action::", stringify!($name), "`].")]
        #[derive(Debug, Clone, Copy)]
        pub struct $name;
        impl Permission for $name {
            const ACTION: Action = Action::$name;
        }
    )* };
}

permissions!(
    CreateAccount,
    ChangeAccount,
    ChangeProfile,
    ChangeCredentials,
    EndSessions,
    OpenConversation,
    Converse,
);

/// The permissions that each allow to change an account.
pub trait ChangesAccount: Permission {}
impl ChangesAccount for ChangeAccount {}
impl ChangesAccount for ChangeProfile {}
impl ChangesAccount for ChangeCredentials {}
impl ChangesAccount for EndSessions {}

/// The proof that an action was allowed. Only [`authorize`] makes one.
#[derive(Debug)]
pub struct Grant<P: Permission>(PhantomData<P>);

/// Checks that a principal may do something, and returns the proof.
///
/// # Errors
/// `Forbidden`.
pub fn authorize<P: Permission>(principal: Principal<'_>, facts: Facts) -> Result<Grant<P>> {
    policy::decide(principal, P::ACTION, facts)?;
    Ok(Grant(PhantomData))
}

impl Actor {
    /// Checks that the caller may do something that needs no proof.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn require(&self, action: Action) -> Result<()> {
        policy::decide(self.principal(), action, Facts::None)
    }

    /// Checks that the caller may do something that is about this person.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn require_about(&self, action: Action, subject: UserId) -> Result<()> {
        policy::decide(self.principal(), action, Facts::Subject(subject))
    }

    /// Checks that the caller may change something, and returns the proof.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn authorize<P: Permission>(&self, facts: Facts) -> Result<Grant<P>> {
        authorize(self.principal(), facts)
    }
}
