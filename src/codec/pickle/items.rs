use serde::{
    Serialize,
    de::value::Error,
    ser::{
        Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
        SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
    },
};

use super::ser::{Pickle, Place, Writer};

/// What writes the items of something.
pub(super) struct Items<'p, 'o> {
    pub(super) pickle: &'p mut Pickle<'o>,
    /// What the items may be; of a dict the values.
    pub(super) inside: Place,
    pub(super) end: End,
    pub(super) length: usize,
    pub(super) in_variant: bool,
}

#[derive(Clone, Copy)]
pub(super) enum End {
    /// The items after a mark are added to what is below it.
    Added(u8),
    /// What is after a mark becomes one.
    Closed(u8),
    /// Up to three items become a tuple, without a mark.
    Counted,
    /// Two items are what a class is called with.
    Called,
}

impl Items<'_, '_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.length += 1;
        value.serialize(Writer::to(self.pickle, self.inside))
    }

    fn close(self) -> Result<(), Error> {
        let Self { pickle, end, length, in_variant, .. } = self;
        match (end, length) {
            // The mark was not needed.
            (End::Added(_), 0) => drop(pickle.out.pop()),
            (End::Added(close) | End::Closed(close), _) => pickle.out.push(close),
            (End::Called, 2) => pickle.out.extend_from_slice(&[0x86, b'R']),
            (End::Counted, 0) => pickle.out.push(b')'),
            (End::Counted, 1) => pickle.out.push(0x85),
            (End::Counted, 2) => pickle.out.push(0x86),
            (End::Counted, 3) => pickle.out.push(0x87),
            (End::Called | End::Counted, _) => {
                return Err(Error::custom("a tuple is longer than it said"));
            }
        }
        if in_variant {
            pickle.out.push(b's');
        }
        Ok(())
    }
}

macro_rules! elements {
    ($($serialize:ident::$method:ident)*) => {$(
        impl $serialize for Items<'_, '_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.item(value)
            }

            fn end(self) -> Result<(), Error> {
                self.close()
            }
        }
    )*};
}

elements! {
    SerializeSeq::serialize_element
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

macro_rules! fields {
    ($($serialize:ident)*) => {$(
        impl $serialize for Items<'_, '_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.pickle.name(name);
                self.item(value)
            }

            fn end(self) -> Result<(), Error> {
                self.close()
            }
        }
    )*};
}

fields! { SerializeStruct SerializeStructVariant }

impl SerializeMap for Items<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        key.serialize(Writer::to(self.pickle, Place::Hashed))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}
