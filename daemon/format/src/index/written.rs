//! An object whose values stay the JSON text that they are written as.
//!
//! A value that is read and written again is not always what it was: `1.10` becomes `1.1`, and an integer of more
//! than 64 bits a float. What passes through from one place to another is therefore never read as a value.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::document::Container;

#[cfg(test)]
mod tests;

/// The members of an object, in order; no key twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Written(Vec<(String, String)>);

impl Written {
    /// Reads an object. Of equal keys the last counts, as readers have it.
    ///
    /// # Errors
    /// The JSON error; a list has no members.
    pub(super) fn parse(text: &str) -> serde_json::Result<Self> {
        let object = Container::parse(text, 0..text.len())?;
        let mut written = Self::default();
        for item in &object.items {
            if let Some(key) = &item.key {
                written.set(&key.text, &text[item.value.clone()]);
            }
        }
        Ok(written)
    }

    /// The value of a member.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let (_, json) = self.0.iter().find(|(known, _)| known == key)?;
        Some(json)
    }

    /// Sets a member: where it is, or at the end.
    pub(super) fn set(&mut self, key: &str, json: &str) {
        match self.0.iter_mut().find(|(known, _)| known == key) {
            Some((_, known)) => json.clone_into(known),
            None => self.0.push((key.to_owned(), json.to_owned())),
        }
    }

    /// Adds a member that is not there yet, before another one or else at the end.
    pub(super) fn add_before(&mut self, other: &str, key: &str, json: &str) {
        if self.get(key).is_none() {
            let at = self.0.iter().position(|(known, _)| known == other);
            let member = (key.to_owned(), json.to_owned());
            self.0.insert(at.unwrap_or(self.0.len()), member);
        }
    }

    /// The members.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, json)| (key.as_str(), json.as_str()))
    }

    /// The object, in no layout of its own.
    pub(super) fn to_json(&self) -> String {
        let members = self
            .iter()
            .map(|(key, json)| format!("{}:{json}", Value::from(key)));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }
}

/// Whether two JSON texts say the same. Numbers do when they are written alike: `1.10` is not `1.1` to everybody.
pub(super) fn says_the_same(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let read = |json| serde_json::from_str::<Value>(json);
    // what is equal as values has a bounded depth, and differs at most in its numbers
    match (read(one), read(other)) {
        (Ok(one_value), Ok(other_value)) if one_value == other_value => {
            has_same_numbers(one, other)
        }
        (Ok(_) | Err(_), _) => false,
    }
}

/// Whether the numbers of two texts that are equal as values are written alike.
fn has_same_numbers(one: &str, other: &str) -> bool {
    fn read<'t, T: serde::Deserialize<'t>>(one: &'t str, other: &'t str) -> Option<(T, T)> {
        let one = serde_json::from_str(one).ok()?;
        Some((one, serde_json::from_str(other).ok()?))
    }
    let pair = |(one, other): (&RawValue, &RawValue)| has_same_numbers(one.get(), other.get());
    match one.as_bytes().first() {
        Some(b'[') => read::<Vec<&RawValue>>(one, other)
            .is_some_and(|(one, other)| one.into_iter().zip(other).all(pair)),
        Some(b'{') => read::<BTreeMap<String, &RawValue>>(one, other)
            .is_some_and(|(one, other)| one.into_values().zip(other.into_values()).all(pair)),
        Some(b'-' | b'0'..=b'9') => one == other,
        _ => true,
    }
}
