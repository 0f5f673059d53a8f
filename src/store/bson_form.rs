//! The form of domain values in documents: an id is an `ObjectId`, a time is a date.
//!
//! Each such field of a row is marked `#[serde(with = "crate::store::bson_form")]`. Without the mark
//! serde would write the text form; an architecture test finds such fields.

use mongodb::bson::{self, Bson, doc, oid::ObjectId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};

use crate::domain::{
    AuditEntryId, ConversationId, EntryId, FileId, MessageId, OnlineSocketId, Timestamp, UserId,
    paging::Cursor,
};

/// A value with a form of its own in documents.
pub(super) trait BsonForm: Sized {
    type Form: Serialize + DeserializeOwned;

    fn to_form(&self) -> Self::Form;
    fn from_form(form: Self::Form) -> Self;
}

/// Writes a field.
pub(super) fn serialize<T: BsonForm, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    value.to_form().serialize(serializer)
}

/// Reads a field.
pub(super) fn deserialize<'de, T: BsonForm, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    T::Form::deserialize(deserializer).map(T::from_form)
}

macro_rules! object_id {
    ($($name:ident)*) => {$(
        impl BsonForm for $name {
            type Form = ObjectId;

            fn to_form(&self) -> ObjectId {
                ObjectId::from_bytes(self.bytes())
            }

            fn from_form(form: ObjectId) -> Self {
                Self::from_bytes(form.bytes())
            }
        }

        impl From<$name> for Bson {
            fn from(id: $name) -> Self {
                Bson::ObjectId(id.to_form())
            }
        }
    )*};
}
object_id! { AuditEntryId ConversationId EntryId FileId MessageId OnlineSocketId UserId }

impl BsonForm for Timestamp {
    type Form = bson::DateTime;

    fn to_form(&self) -> bson::DateTime {
        bson::DateTime::from_millis(self.0)
    }

    fn from_form(form: bson::DateTime) -> Self {
        Self(form.timestamp_millis())
    }
}

impl From<Timestamp> for Bson {
    fn from(time: Timestamp) -> Self {
        Bson::DateTime(time.to_form())
    }
}

impl<T: BsonForm> BsonForm for Option<T> {
    type Form = Option<T::Form>;

    fn to_form(&self) -> Self::Form {
        self.as_ref().map(T::to_form)
    }

    fn from_form(form: Self::Form) -> Self {
        form.map(T::from_form)
    }
}

impl<T: BsonForm> BsonForm for Vec<T> {
    type Form = Vec<T::Form>;

    fn to_form(&self) -> Self::Form {
        self.iter().map(T::to_form).collect()
    }

    fn from_form(form: Self::Form) -> Self {
        form.into_iter().map(T::from_form).collect()
    }
}

/// Returns the conditions, one of which holds for every entry behind a position in a list that is
/// ordered by the fields `at` and `id`, both descending.
pub(super) fn behind(cursor: &Cursor, at: &str, id: &str) -> Vec<Bson> {
    vec![
        doc! { at: { "$lt": cursor.at } }.into(),
        doc! { at: cursor.at, id: { "$lt": cursor.id } }.into(),
    ]
}

#[cfg(test)]
mod tests {
    use mongodb::bson::Document;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Row {
        #[serde(with = "crate::store::bson_form")]
        id: UserId,
        #[serde(with = "crate::store::bson_form")]
        at: Timestamp,
        #[serde(with = "crate::store::bson_form")]
        others: Vec<UserId>,
        #[serde(default, with = "crate::store::bson_form")]
        absent: Option<UserId>,
    }

    #[test]
    fn ids_are_object_ids_and_times_are_dates() {
        let row = Row {
            id: "64b7f0c2a1b2c3d4e5f60718".parse().unwrap(),
            at: Timestamp(1_704_067_200_007),
            others: vec![UserId::generate()],
            absent: None,
        };
        let bytes = bson::serialize_to_vec(&row).unwrap();
        let document: Document = bson::deserialize_from_slice(&bytes).unwrap();
        assert_eq!(
            document.get_object_id("id").unwrap().to_hex(),
            "64b7f0c2a1b2c3d4e5f60718"
        );
        let at = document.get_datetime("at").unwrap();
        assert_eq!(at.timestamp_millis(), 1_704_067_200_007);
        let others = document.get_array("others").unwrap();
        assert_eq!(others[..], [Bson::from(row.others[0])]);
        assert_eq!(bson::deserialize_from_slice::<Row>(&bytes).unwrap(), row);
        let old = doc! { "id": row.id, "at": row.at, "others": [row.others[0]] };
        assert_eq!(bson::deserialize_from_document::<Row>(old).unwrap(), row);
    }
}
