//! The policy: one row for each action, one column for each kind of principal.

use super::{
    super::{Error, Result, user::Role},
    Facts, Principal, Scope,
    permission::Action,
};

/// How far a principal may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Never,
    /// Only where the action is about themselves; nobody acts for others.
    Own,
    /// Where the action is about themselves; admins for everybody.
    OwnOrAdmin,
    /// Admins only.
    Admin,
    Always,
}

/// One row: what each kind of principal may do.
struct Row {
    staff: Rule,
    guest: Rule,
    customer: Rule,
    /// A program of a tenant with this scope.
    client: Option<Scope>,
    /// A back end that names nobody.
    backend: bool,
}

/// Returns the row of an action. The operator may do everything.
const fn row(action: Action) -> Row {
    use Rule::{Admin, Always, Never, Own, OwnOrAdmin};
    let (staff, guest, customer, client, backend) = match action {
        Action::CreateAccount
        | Action::ChangeAccount
        | Action::EndSessions
        | Action::ListInactive
        | Action::ReadStatistics
        | Action::ReadAudit
        | Action::ReadEdits
        | Action::Moderate => (Admin, Never, Never, None, false),
        Action::ChangeProfile => (OwnOrAdmin, Never, Never, None, false),
        Action::ChangeCredentials => (Own, Own, Own, None, false),
        Action::ListPeople => (Always, Never, Never, None, true),
        Action::ReadLists => (OwnOrAdmin, Own, Own, Some(Scope::Read), true),
        Action::AddMembers => (Always, Never, Never, None, false),
        Action::OpenConversation | Action::Befriend => (Own, Never, Never, None, false),
        Action::Converse => (Own, Own, Own, Some(Scope::Send), false),
    };
    Row {
        staff,
        guest,
        customer,
        client,
        backend,
    }
}

/// Decides whether a principal may do something.
///
/// # Errors
/// `Forbidden`, with the reason.
pub(super) fn decide(principal: Principal<'_>, action: Action, facts: Facts) -> Result<()> {
    let row = row(action);
    let (rule, refusal) = match principal {
        Principal::Operator => return Ok(()),
        Principal::ApiClient { scopes, .. } => {
            let allowed = row.client.is_some_and(|scope| scopes.contains(&scope));
            return allowed.then_some(()).ok_or(Error::Forbidden(
                "the key of this program does not allow it",
            ));
        }
        Principal::Backend { on_behalf_of: None } => {
            return row
                .backend
                .then_some(())
                .ok_or(Error::Forbidden("name the person on whose behalf it is"));
        }
        Principal::Backend {
            on_behalf_of: Some(person),
        } => return decide(person.principal(), action, facts),
        Principal::User(_) | Principal::Agent(_) => (row.staff, "this is for admins"),
        Principal::Guest(_) => (row.guest, "guests may not do this"),
        Principal::Customer(_) => (row.customer, "customers may not do this"),
    };
    let person = principal.person();
    let is_own = match (facts, person) {
        (Facts::None, _) => true,
        (Facts::Subject(subject), Some(person)) => person.user == subject,
        (Facts::Subject(_), None) => false,
    };
    let is_admin = person.is_some_and(|person| person.role == Role::Admin);
    match rule {
        Rule::Always => Ok(()),
        Rule::Own if is_own => Ok(()),
        Rule::OwnOrAdmin if is_own || is_admin => Ok(()),
        Rule::Admin if is_admin => Ok(()),
        Rule::Own => Err(Error::Forbidden("a person acts only as themselves")),
        Rule::OwnOrAdmin => Err(Error::Forbidden("this belongs to another person")),
        Rule::Never | Rule::Admin => Err(Error::Forbidden(refusal)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{UserId, access::Actor, ids::TokenId, user::AccountKind};

    fn person(account: AccountKind, role: Role) -> Actor {
        Actor {
            user: UserId::generate(),
            role,
            account,
            token: TokenId::generate(),
        }
    }

    /// What each principal may do: `o` about themselves, `a` about everybody, `-` never. In the
    /// order: user, admin, agent, guest, customer, a program with both scopes, a back end that names
    /// nobody, the operator.
    const TABLE: [(Action, &str); 16] = [
        (Action::CreateAccount, "-a-----a"),
        (Action::ChangeAccount, "-a-----a"),
        (Action::ChangeProfile, "oao----a"),
        (Action::ChangeCredentials, "ooooo--a"),
        (Action::EndSessions, "-a-----a"),
        (Action::ListPeople, "aaa---aa"),
        (Action::ListInactive, "-a-----a"),
        (Action::ReadLists, "oaoooaaa"),
        (Action::ReadStatistics, "-a-----a"),
        (Action::ReadAudit, "-a-----a"),
        (Action::ReadEdits, "-a-----a"),
        (Action::OpenConversation, "ooo----a"),
        (Action::AddMembers, "aaa----a"),
        (Action::Converse, "oooooa-a"),
        (Action::Moderate, "-a-----a"),
        (Action::Befriend, "ooo----a"),
    ];

    #[test]
    fn every_principal_may_do_what_the_table_says() {
        let staff = |is_agent| AccountKind::Staff { is_agent };
        let people = [
            person(staff(false), Role::Nurse),
            person(staff(false), Role::Admin),
            person(staff(true), Role::User),
            person(AccountKind::Guest, Role::User),
            person(AccountKind::Customer, Role::User),
        ];
        let scopes = [Scope::Send, Scope::Read];
        let others = [
            Principal::ApiClient {
                tenant: "hospital",
                scopes: &scopes,
            },
            Principal::Backend { on_behalf_of: None },
            Principal::Operator,
        ];
        assert_eq!(TABLE.map(|(action, _)| action), Action::ALL);
        for (action, rights) in TABLE {
            let principals = people.iter().map(Actor::principal).chain(others);
            for (principal, right) in principals.zip(rights.chars()) {
                let own = principal.person().map(|person| person.user);
                let about = |subject| decide(principal, action, Facts::Subject(subject)).is_ok();
                let everybody = about(UserId::generate());
                let oneself = own.map_or(everybody, about);
                let expected = match right {
                    'a' => (true, true),
                    'o' => (true, false),
                    _ => (false, false),
                };
                assert_eq!((oneself, everybody), expected, "{action:?} {principal:?}");
            }
        }
    }

    #[test]
    fn a_back_end_has_the_rights_of_the_person_it_acts_for() {
        let nurse = person(AccountKind::Staff { is_agent: false }, Role::Nurse);
        let for_her = Principal::Backend {
            on_behalf_of: Some(&nurse),
        };
        for action in Action::ALL {
            for subject in [nurse.user, UserId::generate()] {
                let facts = Facts::Subject(subject);
                assert_eq!(
                    decide(for_her, action, facts).is_ok(),
                    decide(nurse.principal(), action, facts).is_ok(),
                    "{action:?}"
                );
            }
        }
    }

    #[test]
    fn a_program_needs_the_scope() {
        let reads = Principal::ApiClient {
            tenant: "hospital",
            scopes: &[Scope::Read],
        };
        assert!(decide(reads, Action::ReadLists, Facts::None).is_ok());
        assert!(decide(reads, Action::Converse, Facts::None).is_err());
    }
}
