//! The collection `users`: the users, their password hashes, their roles.

mod row;

use std::collections::{BTreeSet, HashMap};

use mongodb::{
    Database,
    bson::{Bson, Document, doc},
};
use serde::Deserialize;

use super::{
    Store, batch_loader::BatchLoader, collect, failure, revocations::Revoked, run, run_updates,
    stored_number, write,
};
use crate::domain::{
    Error, Result, Timestamp, UserId,
    access::{ChangesAccount, CreateAccount, Credentials, Grant},
    avatar::Avatar,
    cursors::{NameCursor, PageRequest},
    paging::Page,
    presence::{Presence, Status},
    search_keys,
    user::{AccountKind, AccountStatus, Role, User, username_key},
};

pub use row::{FailedSignIns, UserAccount};
use row::{UserRow, person_texts};

pub(super) const COLLECTION: &str = "users";

/// The number of users whose search keys one command renews.
const KEY_RENEWAL_BATCH_SIZE: usize = 500;

/// The kinds of accounts that no list of people names.
const OTHERS_THAN_STAFF: [&str; 2] = [AccountKind::Guest.as_str(), AccountKind::Customer.as_str()];

/// The number of lookups that one command answers.
const LOOKUP_BATCH_SIZE: usize = 64;

#[derive(Deserialize)]
struct IdRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    id: UserId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccountStatusRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    id: UserId,
    role: String,
    #[serde(default = "row::staff")]
    kind: String,
    #[serde(default)]
    is_agent: bool,
    is_active: bool,
    #[serde(with = "crate::store::bson_form")]
    tokens_valid_from: Timestamp,
    #[serde(default, deserialize_with = "stored_number::natural")]
    credential_version: u64,
}

/// Returns the regular expression that matches exactly `text` at the start of a key: no character
/// of it is an operator.
fn prefix_regex(text: &str) -> String {
    let mut pattern = String::from("^");
    for character in text.to_lowercase().chars() {
        if !character.is_alphanumeric() && character.is_ascii() {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

/// Returns the value that matches this stored version; accounts from before versions existed have
/// none.
fn version_filter(version: u64) -> Bson {
    let stored = i64::try_from(version).unwrap_or(i64::MAX);
    if version == 0 {
        Bson::Document(doc! { "$in": [0_i64, Bson::Null] })
    } else {
        Bson::Int64(stored)
    }
}

/// The filter of a user list.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    pub role: Option<Role>,
    /// Parts of a name, username, department or title, in any order; Chinese ones also by pinyin.
    pub search: Option<String>,
    pub account_status: AccountStatus,
    /// Only these users.
    pub only_users: Option<BTreeSet<UserId>>,
}

/// An admin's change of an account; `None` leaves a field unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    pub role: Option<Role>,
    /// Whether they answer at the service desk; only for staff.
    pub is_agent: Option<bool>,
    pub is_active: Option<bool>,
    pub self_registered: Option<bool>,
    pub contacts_shared: Option<bool>,
    pub real_name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub avatar: Option<Avatar>,
    pub department: Option<String>,
    pub title: Option<String>,
    pub password_hash: Option<String>,
    pub must_change_password: Option<bool>,
    /// Ends every token. A new password and a new account status do so by themselves.
    pub end_tokens: bool,
    /// Changes nothing unless the credentials still have this version.
    pub expected_version: Option<u64>,
}

/// Loads accounts by id, for several callers at once; missing ones are omitted.
pub(super) fn new_loader(database: Database) -> BatchLoader<Vec<UserId>, Vec<UserAccount>> {
    BatchLoader::new(LOOKUP_BATCH_SIZE, move |wanted: Vec<Vec<UserId>>| {
        let users = database.collection::<UserRow>(COLLECTION);
        async move {
            let ids: BTreeSet<UserId> = wanted.iter().flatten().copied().collect();
            let ids: Vec<Bson> = ids.into_iter().map(Bson::from).collect();
            let rows = run(async move {
                collect(
                    users
                        .find(doc! { "_id": { "$in": ids } })
                        .batch_size(10_000)
                        .await?,
                )
                .await
            })
            .await?;
            let accounts: HashMap<UserId, UserAccount> = rows
                .into_iter()
                .map(|row| UserAccount::try_from(row).map(|account| (account.user.id, account)))
                .collect::<Result<_>>()?;
            let of = |ids: Vec<UserId>| {
                ids.iter()
                    .filter_map(|id| accounts.get(id).cloned())
                    .collect()
            };
            Ok(wanted.into_iter().map(of).collect())
        }
    })
}

impl Store {
    /// Stores a new account.
    ///
    /// # Errors
    /// `Conflict` when the username is taken, in any case.
    pub async fn insert_user(&self, _: &Grant<CreateAccount>, account: &UserAccount) -> Result<()> {
        let users = self.collection::<UserRow>(COLLECTION);
        let row = UserRow::from(account);
        let inserted = write(async move {
            match users.insert_one(row).await {
                Ok(_) => Ok(true),
                Err(error) if failure::is_duplicate_key(&error) => Ok(false),
                Err(error) => Err(error),
            }
        })
        .await?;
        if inserted {
            Ok(())
        } else {
            Err(Error::Conflict("the username is taken"))
        }
    }

    /// Stores many new accounts at once (synthetic data); those whose username exists are left
    /// unchanged.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn insert_users(
        &self,
        _: &Grant<CreateAccount>,
        accounts: &[UserAccount],
    ) -> Result<()> {
        let users = self.collection::<UserRow>(COLLECTION);
        let rows: Vec<UserRow> = accounts.iter().map(UserRow::from).collect();
        run(async move {
            match users.insert_many(rows).ordered(false).await {
                Err(error) if !failure::is_duplicate_key(&error) => Err(error),
                _ => Ok(()),
            }
        })
        .await
    }

    /// Returns an account by id.
    ///
    /// # Errors
    /// When MongoDB does not answer or the row cannot be understood.
    pub async fn user(&self, id: UserId) -> Result<Option<UserAccount>> {
        Ok(self.lookups.accounts.get(vec![id]).await?.pop())
    }

    /// Returns an account by username, in any case.
    ///
    /// # Errors
    /// As [`Store::user`].
    pub async fn user_by_username(&self, username: &str) -> Result<Option<UserAccount>> {
        self.one_user(doc! { "usernameKey": username_key(username) })
            .await
    }

    async fn one_user(&self, filter: Document) -> Result<Option<UserAccount>> {
        let users = self.collection::<UserRow>(COLLECTION);
        let row = run(async move { users.find_one(filter).await }).await?;
        row.map(UserAccount::try_from).transpose()
    }

    /// Returns these users, in no order; missing ones are omitted.
    ///
    /// # Errors
    /// As [`Store::user`].
    pub async fn users_by_id(&self, ids: impl IntoIterator<Item = UserId>) -> Result<Vec<User>> {
        let ids: Vec<UserId> = ids.into_iter().collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let accounts = self.lookups.accounts.get(ids).await?;
        Ok(accounts.into_iter().map(|account| account.user).collect())
    }

    /// Returns a page of users, by username, or those behind a cursor and one more; and their total
    /// number.
    ///
    /// # Errors
    /// As [`Store::user`].
    pub async fn list_users(
        &self,
        filter: &UserFilter,
        request: &PageRequest<NameCursor>,
    ) -> Result<(Vec<User>, u64)> {
        // Always a condition on `isActive`: the indexes begin with it.
        let mut query = match filter.account_status {
            AccountStatus::Active => doc! { "isActive": true },
            AccountStatus::Inactive => doc! { "isActive": false },
            AccountStatus::Any => doc! { "isActive": { "$in": [true, false] } },
        };
        // Guests and customers appear only among the members of a conversation.
        if filter.only_users.is_none() {
            query.insert("kind", doc! { "$nin": OTHERS_THAN_STAFF.as_slice() });
        }
        if let Some(role) = filter.role {
            query.insert("role", role.as_str());
        }
        if let Some(search) = filter
            .search
            .as_deref()
            .filter(|text| !text.trim().is_empty())
        {
            let parts = search_keys::parts(search);
            let each = parts
                .iter()
                .map(|part| doc! { "searchKeys": { "$regex": prefix_regex(part) } });
            let each: Vec<Document> = each.collect();
            // A search of marks alone matches no user.
            let nobody = doc! { "searchKeys": { "$in": Vec::<Bson>::new() } };
            query.insert("$and", if each.is_empty() { vec![nobody] } else { each });
        }
        if let Some(only_users) = &filter.only_users {
            query.insert(
                "_id",
                doc! { "$in": only_users.iter().copied().map(Bson::from).collect::<Vec<_>>() },
            );
        }
        let users = self.collection::<UserRow>(COLLECTION);
        let count_query = query.clone();
        let total = run(async move { users.count_documents(count_query).await });
        if let Some(NameCursor(name)) = &request.cursor {
            query.insert("usernameKey", doc! { "$gt": name });
        }
        let rows = self.find_users(query, doc! { "usernameKey": 1 }, Some(request.window()));
        let (total, rows) = tokio::join!(total, rows);
        Ok((rows?, total?))
    }

    /// Returns the active users who are stored as online or away.
    ///
    /// # Errors
    /// As [`Store::user`].
    pub async fn find_present_users(&self) -> Result<Vec<User>> {
        let present = [Status::Online, Status::Away].map(Status::as_str);
        self.find_users(
            doc! { "status": { "$in": present.as_slice() }, "isActive": true },
            doc! {},
            None,
        )
        .await
    }

    /// Returns all accounts, active or not.
    ///
    /// # Errors
    /// As [`Store::user`].
    pub async fn all_users(&self) -> Result<Vec<User>> {
        // Both values are named so that the directory's index is used.
        self.find_users(doc! { "isActive": { "$in": [true, false] } }, doc! {}, None)
            .await
    }

    /// Returns the ids of the active users who are stored as online or away.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn find_present_user_ids(&self) -> Result<Vec<UserId>> {
        let present = [Status::Online, Status::Away].map(Status::as_str);
        let users = self.collection::<IdRow>(COLLECTION);
        let filter = doc! { "status": { "$in": present.as_slice() }, "isActive": true };
        let rows = run(async move {
            collect(
                users
                    .find(filter)
                    .projection(doc! { "_id": 1 })
                    .batch_size(10_000)
                    .await?,
            )
            .await
        })
        .await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    async fn find_users(
        &self,
        query: Document,
        sort: Document,
        page: Option<Page>,
    ) -> Result<Vec<User>> {
        let accounts = self.find_accounts(query, sort, page).await?;
        Ok(accounts.into_iter().map(|account| account.user).collect())
    }

    async fn find_accounts(
        &self,
        query: Document,
        sort: Document,
        page: Option<Page>,
    ) -> Result<Vec<UserAccount>> {
        let users = self.collection::<UserRow>(COLLECTION);
        let rows = run(async move {
            let mut find = users.find(query).sort(sort);
            if let Some(page) = page {
                find = find
                    .skip(page.skip())
                    .limit(i64::try_from(page.limit).unwrap_or(i64::MAX));
            }
            collect(find.await?).await
        })
        .await?;
        rows.into_iter().map(UserAccount::try_from).collect()
    }

    /// Changes an account and returns its new state; `None` when there is no such account, or none
    /// with the given version. A change that ends tokens raises the credential version in the same
    /// write.
    ///
    /// # Errors
    /// As [`Store::user`].
    pub async fn update_user<P: ChangesAccount>(
        &self,
        _: &Grant<P>,
        id: UserId,
        change: &UserChange,
        now: Timestamp,
    ) -> Result<Option<UserAccount>> {
        let Some(current) = self.user(id).await? else {
            return Ok(None);
        };
        let ends_tokens = change.end_tokens
            || change.password_hash.is_some()
            || change
                .is_active
                .is_some_and(|active| !active || !current.user.is_active);
        let changes_rights = change.role.is_some() || change.is_agent.is_some();
        if changes_rights || change.is_active.is_some() || ends_tokens {
            self.insert_revocation(&Revoked::User(id)).await?;
        }
        let mut set = doc! { "updatedAt": now };
        if let Some(role) = change.role {
            set.insert("role", role.as_str());
        }
        if let Some(active) = change.is_active {
            set.insert("isActive", active);
        }
        let flags = [
            ("isAgent", change.is_agent),
            ("selfRegistered", change.self_registered),
            ("contactsShared", change.contacts_shared),
        ];
        for (field, value) in flags {
            if let Some(value) = value {
                set.insert(field, value);
            }
        }
        let avatar = change.avatar.as_ref().map(Avatar::to_string);
        let texts = [
            ("realName", &change.real_name),
            ("email", &change.email),
            ("phone", &change.phone),
            ("avatar", &avatar),
            ("department", &change.department),
            ("title", &change.title),
            ("password", &change.password_hash),
        ];
        for (field, value) in texts {
            if let Some(value) = value {
                set.insert(field, value);
            }
        }
        if let Some(must_change) = change.must_change_password {
            set.insert("mustChangePassword", must_change);
        }
        let mut user = current.user;
        let names = [
            (&mut user.real_name, &change.real_name),
            (&mut user.department, &change.department),
            (&mut user.title, &change.title),
        ];
        if names.iter().any(|(_, new)| new.is_some()) {
            for (name, new) in names {
                if let Some(new) = new {
                    name.clone_from(new);
                }
            }
            set.insert("searchKeys", person_texts(&user).keys());
        }
        let mut update = doc! { "$set": set };
        if ends_tokens {
            update.insert("$inc", doc! { "credentialVersion": 1_i64 });
            update.insert("$max", doc! { "tokensValidFrom": now });
        }
        let mut filter = doc! { "_id": id };
        if let Some(version) = change.expected_version {
            filter.insert("credentialVersion", version_filter(version));
        }
        let users = self.collection::<UserRow>(COLLECTION);
        let row = write(async move {
            users
                .find_one_and_update(filter, update)
                .return_document(mongodb::options::ReturnDocument::After)
                .await
        })
        .await?;
        let account = row.map(UserAccount::try_from).transpose()?;
        if let Some(account) = &account {
            self.inactive.set(id, account.user.is_active);
        }
        Ok(account)
    }

    /// Returns the data that decides which tokens of these users are valid.
    ///
    /// # Errors
    /// As [`Store::user`].
    pub async fn credentials(
        &self,
        ids: impl IntoIterator<Item = UserId>,
    ) -> Result<HashMap<UserId, Credentials>> {
        let ids: Vec<Bson> = ids.into_iter().map(Bson::from).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let users = self.collection::<AccountStatusRow>(COLLECTION);
        let fields = doc! {
            "role": 1, "kind": 1, "isAgent": 1, "isActive": 1, "tokensValidFrom": 1,
            "credentialVersion": 1,
        };
        let rows = run(async move {
            let find = users.find(doc! { "_id": { "$in": ids } });
            collect(find.projection(fields).batch_size(10_000).await?).await
        })
        .await?;
        let credentials = rows.into_iter().filter_map(|row| {
            // An unreadable role or kind gives no rights.
            let role = row.role.parse().ok()?;
            let account = AccountKind::stored(&row.kind, row.is_agent)?;
            let (version, changed_at) = (row.credential_version, row.tokens_valid_from);
            Some((
                row.id,
                Credentials {
                    role,
                    account,
                    is_active: row.is_active,
                    version,
                    changed_at,
                },
            ))
        });
        Ok(credentials.collect())
    }

    /// Records a failed sign-in under a name. Where there is no such account nothing is written,
    /// and the call takes as long.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn record_sign_in_failure(&self, username: &str, now: Timestamp) -> Result<()> {
        let users = self.collection::<Document>(COLLECTION);
        let failed = doc! { "$inc": { "failedSignIns.count": 1_i64 }, "$min": { "failedSignIns.since": now } };
        let filter = doc! { "usernameKey": username_key(username) };
        write(async move { users.update_one(filter, failed).await.map(drop) }).await
    }

    /// Signs a user in: returns the account as it is now, if its credentials have the version that
    /// was checked. The account contains the failures recorded until now, which are reset by this
    /// call.
    ///
    /// # Errors
    /// As [`Store::user`].
    pub async fn sign_in(&self, checked: &UserAccount) -> Result<Option<UserAccount>> {
        let version = version_filter(checked.credential_version);
        let filter =
            doc! { "_id": checked.user.id, "isActive": true, "credentialVersion": version };
        if checked.failed_sign_ins.is_none() {
            return self.one_user(filter).await;
        }
        let users = self.collection::<UserRow>(COLLECTION);
        let forget = doc! { "$unset": { "failedSignIns": "" } };
        let row = write(async move { users.find_one_and_update(filter, forget).await }).await?;
        row.map(UserAccount::try_from).transpose()
    }

    /// Rewrites the search keys of all users, after the rules for them have changed.
    ///
    /// # Errors
    /// As [`Store::user`].
    pub(super) async fn rebuild_search_keys(&self) -> Result<()> {
        for some in self.all_users().await?.chunks(KEY_RENEWAL_BATCH_SIZE) {
            let updates = some.iter().map(|user| {
                let set = doc! { "searchKeys": person_texts(user).keys() };
                doc! { "q": { "_id": user.id }, "u": { "$set": set } }
            });
            run_updates(&self.database, COLLECTION, updates.collect()).await?;
        }
        Ok(())
    }

    /// Returns whether there is an active admin.
    ///
    /// # Errors
    /// As [`Store::user`].
    pub async fn has_admin(&self) -> Result<bool> {
        let admin = doc! { "role": Role::Admin.as_str(), "isActive": true };
        Ok(self.one_user(admin).await?.is_some())
    }

    /// Returns accounts whose usernames begin with `prefix`, ascending (synthetic staff).
    ///
    /// # Errors
    /// As [`Store::user`].
    pub async fn accounts_with_prefix(&self, prefix: &str, limit: u64) -> Result<Vec<UserAccount>> {
        let query = doc! { "usernameKey": { "$regex": prefix_regex(prefix) } };
        self.find_accounts(
            query,
            doc! { "usernameKey": 1 },
            Some(Page { page: 1, limit }),
        )
        .await
    }

    /// Writes users' statuses, all in one call.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn write_statuses(&self, presences: &[Presence]) -> Result<()> {
        if presences.is_empty() {
            return Ok(());
        }
        // One update for each status: for a thousand users it costs mongod half of as many single
        // updates.
        let updates = [Status::Online, Status::Away, Status::Offline]
            .into_iter()
            .filter_map(|status| {
                let of_it = || {
                    presences
                        .iter()
                        .filter(move |presence| presence.status == status)
                };
                let last_seen = of_it().map(|presence| presence.last_seen).max()?;
                let users: Vec<Bson> = of_it().map(|presence| Bson::from(presence.user)).collect();
                let set = doc! { "status": status.as_str(), "lastSeen": last_seen };
                Some(doc! { "q": { "_id": { "$in": users } }, "u": { "$set": set }, "multi": true })
            });
        run_updates(&self.database, COLLECTION, updates.collect()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_for_operators_is_a_search_for_their_letters() {
        assert_eq!(prefix_regex("a.*"), r"^a\.\*");
        assert_eq!(prefix_regex("^(a+)+$"), r"^\^\(a\+\)\+\$");
        assert_eq!(prefix_regex("李 N"), r"^李\ n");
    }
}
