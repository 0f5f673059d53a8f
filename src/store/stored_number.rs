//! Decodes whole numbers of stored documents. Another program, a shell or a restore may have
//! written them in another of BSON's numeric types with the same meaning. A number that is not
//! whole is an error, never rounded.

use std::{collections::BTreeMap, fmt};

use mongodb::bson::Bson;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

/// A whole number from 0 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct NonNegative(u64);

/// Returns a whole number of any numeric type.
pub(super) fn whole(value: &Bson) -> Option<i64> {
    match value {
        Bson::Int32(number) => Some(i64::from(*number)),
        Bson::Int64(number) => Some(*number),
        Bson::Double(number) => whole_double(*number),
        // MongoDB writes `3`, `3.0` or `3E+2`.
        Bson::Decimal128(number) => whole_double(number.to_string().parse().ok()?),
        _ => None,
    }
}

/// Above this limit, a double skips whole numbers.
const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;

fn whole_double(number: f64) -> Option<i64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is whole, and within the range of i64"
    )]
    (number.fract() == 0.0 && number.abs() <= MAX_EXACT_INTEGER).then_some(number as i64)
}

impl<'de> Deserialize<'de> for NonNegative {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = NonNegative;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number from 0 on")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<NonNegative, E> {
        u64::try_from(number)
            .map(NonNegative)
            .map_err(|_| E::custom("a number below 0"))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<NonNegative, E> {
        Ok(NonNegative(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<NonNegative, E> {
        self.visit_i64(whole_double(number).ok_or_else(|| E::custom("a number that is not whole"))?)
    }

    // A decimal is decoded as a map.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<NonNegative, A::Error> {
        let value = Bson::deserialize(MapAccessDeserializer::new(map))?;
        self.visit_i64(whole(&value).ok_or_else(|| A::Error::custom("no whole number"))?)
    }
}

/// MongoDB's integers are signed; ours never come near the sign bit.
pub(super) fn as_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Decodes a required field.
pub(super) fn natural<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    NonNegative::deserialize(deserializer).map(|number| number.0)
}

/// Decodes a field that may be absent or null.
pub(super) fn perhaps<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(Option::<NonNegative>::deserialize(deserializer)?.map(|number| number.0))
}

/// Decodes numbers by name.
pub(super) fn by_name<'de, D, M>(deserializer: D) -> Result<M, D::Error>
where
    D: Deserializer<'de>,
    M: FromIterator<(String, u64)>,
{
    let numbers = BTreeMap::<String, NonNegative>::deserialize(deserializer)?;
    Ok(numbers
        .into_iter()
        .map(|(name, number)| (name, number.0))
        .collect())
}

/// Decodes pairs of numbers.
pub(super) fn pairs<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(u64, u64)>, D::Error> {
    let pairs = Vec::<(NonNegative, NonNegative)>::deserialize(deserializer)?;
    Ok(pairs.into_iter().map(|(from, to)| (from.0, to.0)).collect())
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{self, doc};

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Row {
        #[serde(deserialize_with = "natural")]
        seq: u64,
        #[serde(deserialize_with = "perhaps", default)]
        size: Option<u64>,
        #[serde(deserialize_with = "by_name")]
        unread: BTreeMap<String, u64>,
        #[serde(deserialize_with = "pairs")]
        runs: Vec<(u64, u64)>,
    }

    #[test]
    fn a_number_means_the_same_in_every_type() {
        let decimal = |text: &str| Bson::Decimal128(text.parse().unwrap());
        let all = [
            Bson::Int32(7),
            Bson::Int64(7),
            Bson::Double(7.0),
            decimal("7"),
            decimal("7.0"),
            decimal("70E-1"),
        ];
        for seven in all {
            assert_eq!(whole(&seven), Some(7), "{seven:?}");
            let row = doc! {
                "seq": seven.clone(), "size": seven.clone(), "unread": { "a": seven.clone() },
                "runs": [[seven.clone(), 9_i64]],
            };
            let bytes = bson::serialize_to_vec(&row).unwrap();
            let unread = [("a".to_owned(), 7)].into();
            let wanted = Row {
                seq: 7,
                size: Some(7),
                unread,
                runs: vec![(7, 9)],
            };
            assert_eq!(
                bson::deserialize_from_slice::<Row>(&bytes).unwrap(),
                wanted,
                "{seven:?}"
            );
        }
        let odd = [
            Bson::Double(7.5),
            Bson::Double(f64::NAN),
            Bson::Int32(-1),
            Bson::from("7"),
            decimal("7.5"),
            Bson::Null,
        ];
        for odd in odd {
            let row = doc! { "seq": odd.clone(), "unread": {}, "runs": [] };
            let bytes = bson::serialize_to_vec(&row).unwrap();
            assert!(
                bson::deserialize_from_slice::<Row>(&bytes).is_err(),
                "{odd:?}"
            );
        }
        let absent = bson::serialize_to_vec(&doc! { "seq": 1, "unread": {}, "runs": [] }).unwrap();
        assert_eq!(
            bson::deserialize_from_slice::<Row>(&absent).unwrap().size,
            None
        );
    }
}
