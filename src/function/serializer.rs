//! A serde serializer that writes one value as a part of a key.

use std::fmt::{self, Display, Write as _};

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::KeyText;

/// As deep as the codecs go.
const DEEPEST: u32 = 127;

/// Writes `value`; see [`CallKey`](super::CallKey) for the form.
pub(super) fn write<T: Serialize + ?Sized>(
    value: &T,
    text: &mut KeyText,
) -> Result<(), Unwritable> {
    value.serialize(Part { text, depth: DEEPEST })
}

/// Why a value cannot be part of a key, in the words of its `Serialize`.
#[derive(Debug)]
pub(super) struct Unwritable(pub(super) String);

impl Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unwritable {}

impl serde::ser::Error for Unwritable {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

type Done = Result<(), Unwritable>;

/// A place for one value.
struct Part<'t> {
    text: &'t mut KeyText,
    /// How many levels may still be inside.
    depth: u32,
}

impl<'t> Part<'t> {
    /// What has no shorter way. It never fails: a text takes everything.
    fn show(self, value: impl Display) -> Done {
        write!(self.text, "{value}").map_err(Unwritable::custom)
    }

    fn name(&mut self, name: &str) {
        if name.is_empty() {
            self.text.push_str("%_"); // else it would be a tuple
        }
        self.text.push_escaped(name, |c| !(c.is_alphanumeric() || c == '_'));
    }

    fn variant(&mut self, name: &str, variant: &str) {
        self.name(name);
        self.text.push_str("::");
        self.name(variant);
    }

    /// Opens a group that ends with `close`.
    fn open(self, open: &str, close: &'static str) -> Result<Group<'t>, Unwritable> {
        self.text.push_str(open);
        let depth = self.inside()?;
        Ok(Group { text: self.text, depth, first: true, close, entries: Vec::new() })
    }

    fn inside(&self) -> Result<u32, Unwritable> {
        self.depth.checked_sub(1).ok_or_else(|| {
            Unwritable::custom(format_args!("it nests deeper than {DEEPEST} levels"))
        })
    }
}

impl<'t> Serializer for Part<'t> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Group<'t>;
    type SerializeTuple = Group<'t>;
    type SerializeTupleStruct = Group<'t>;
    type SerializeTupleVariant = Group<'t>;
    type SerializeMap = Group<'t>;
    type SerializeStruct = Group<'t>;
    type SerializeStructVariant = Group<'t>;

    fn serialize_bool(self, v: bool) -> Done {
        self.text.push_str(if v { "true" } else { "false" });
        Ok(())
    }

    fn serialize_i8(self, v: i8) -> Done {
        self.text.push_signed(v.into());
        Ok(())
    }

    fn serialize_i16(self, v: i16) -> Done {
        self.text.push_signed(v.into());
        Ok(())
    }

    fn serialize_i32(self, v: i32) -> Done {
        self.text.push_signed(v.into());
        Ok(())
    }

    fn serialize_i64(self, v: i64) -> Done {
        self.text.push_signed(v);
        Ok(())
    }

    fn serialize_i128(self, v: i128) -> Done {
        self.show(v)
    }

    fn serialize_u8(self, v: u8) -> Done {
        self.text.push_number(v.into());
        Ok(())
    }

    fn serialize_u16(self, v: u16) -> Done {
        self.text.push_number(v.into());
        Ok(())
    }

    fn serialize_u32(self, v: u32) -> Done {
        self.text.push_number(v.into());
        Ok(())
    }

    fn serialize_u64(self, v: u64) -> Done {
        self.text.push_number(v);
        Ok(())
    }

    fn serialize_u128(self, v: u128) -> Done {
        self.show(v)
    }

    // As `{:?}`, which always has a point or an exponent and comes back as the same number.
    fn serialize_f32(self, v: f32) -> Done {
        self.show(format_args!("{v:?}"))
    }

    fn serialize_f64(self, v: f64) -> Done {
        self.show(format_args!("{v:?}"))
    }

    fn serialize_char(self, v: char) -> Done {
        self.text.push_str("'");
        self.text.push_escaped(v.encode_utf8(&mut [0; 4]), |c| c == '\'');
        self.text.push_str("'");
        Ok(())
    }

    fn serialize_str(self, v: &str) -> Done {
        self.text.push_str("\"");
        self.text.push_escaped(v, |c| c == '"');
        self.text.push_str("\"");
        Ok(())
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Done {
        self.text.push_str("\"");
        write!(Quoted(self.text), "{value}").map_err(Unwritable::custom)?;
        self.text.push_str("\"");
        Ok(())
    }

    fn serialize_bytes(self, v: &[u8]) -> Done {
        self.text.push_str("#");
        for byte in v {
            write!(self.text, "{byte:02x}").map_err(Unwritable::custom)?;
        }
        Ok(())
    }

    fn serialize_none(self) -> Done {
        self.text.push_str("?");
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        self.text.push_str("?");
        let depth = self.inside()?;
        value.serialize(Part { text: self.text, depth })
    }

    fn serialize_unit(self) -> Done {
        self.text.push_str("_");
        Ok(())
    }

    fn serialize_unit_struct(mut self, name: &'static str) -> Done {
        self.name(name);
        self.text.push_str("[]");
        Ok(())
    }

    fn serialize_unit_variant(mut self, name: &'static str, _: u32, variant: &'static str) -> Done {
        self.variant(name, variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        mut self,
        name: &'static str,
        value: &T,
    ) -> Done {
        self.name(name);
        let mut group = self.open("[", "]")?;
        group.part(value)?;
        group.close();
        Ok(())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        self.variant(name, variant);
        let mut group = self.open("[", "]")?;
        group.part(value)?;
        group.close();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Group<'t>, Unwritable> {
        self.open("[", "]")
    }

    fn serialize_tuple(self, _: usize) -> Result<Group<'t>, Unwritable> {
        self.open("(", ")")
    }

    fn serialize_tuple_struct(
        mut self,
        name: &'static str,
        _: usize,
    ) -> Result<Group<'t>, Unwritable> {
        self.name(name);
        self.open("(", ")")
    }

    fn serialize_tuple_variant(
        mut self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Group<'t>, Unwritable> {
        self.variant(name, variant);
        self.open("(", ")")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Group<'t>, Unwritable> {
        self.open("{", "}")
    }

    fn serialize_struct(mut self, name: &'static str, _: usize) -> Result<Group<'t>, Unwritable> {
        self.name(name);
        self.open("{", "}")
    }

    fn serialize_struct_variant(
        mut self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Group<'t>, Unwritable> {
        self.variant(name, variant);
        self.open("{", "}")
    }
}

/// Displayed text, escaped as it comes.
struct Quoted<'t>(&'t mut KeyText);

impl fmt::Write for Quoted<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_escaped(text, |c| c == '"');
        Ok(())
    }
}

/// A group of values, opened already.
struct Group<'t> {
    text: &'t mut KeyText,
    depth: u32,
    first: bool,
    close: &'static str,
    /// Where the entries of a map begin: they are sorted at the end.
    entries: Vec<usize>,
}

impl Group<'_> {
    fn comma(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.text.push_str(",");
        }
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        value.serialize(Part { text: self.text, depth: self.depth })
    }

    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.comma();
        self.value(value)
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Done {
        self.comma();
        Part { text: self.text, depth: self.depth }.name(name);
        self.text.push_str(":");
        self.value(value)
    }

    fn close(self) {
        self.text.push_str(self.close);
    }
}

/// The kinds of groups whose parts have no names.
macro_rules! parts {
    ($($kind:ident: $part:ident,)*) => {$(
        impl $kind for Group<'_> {
            type Ok = ();
            type Error = Unwritable;

            fn $part<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
                self.part(value)
            }

            fn end(self) -> Done {
                self.close();
                Ok(())
            }
        }
    )*};
}

parts! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
}

/// The kinds whose parts have names.
macro_rules! fields {
    ($($kind:ident)*) => {$(
        impl $kind for Group<'_> {
            type Ok = ();
            type Error = Unwritable;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Done {
                self.field(name, value)
            }

            fn end(self) -> Done {
                self.close();
                Ok(())
            }
        }
    )*};
}

fields!(SerializeStruct SerializeStructVariant);

impl SerializeMap for Group<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        self.entries.push(self.text.len());
        self.value(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.text.push_str("=");
        self.value(value)
    }

    /// Hash tables have no order, equal ones must have one key.
    fn end(mut self) -> Done {
        let begin = self.entries.first().copied().unwrap_or(self.text.len());
        let written = self.text.as_str()[begin..].to_owned();
        self.text.truncate(begin);
        let ends = self.entries.iter().skip(1).map(|end| end - begin).chain([written.len()]);
        let mut start = 0;
        let mut entries: Vec<&str> =
            ends.map(|end| &written[std::mem::replace(&mut start, end)..end]).collect();
        entries.sort_unstable();
        for entry in entries {
            self.comma();
            self.text.push_str(entry);
        }
        self.close();
        Ok(())
    }
}
