use std::{fmt::Display, marker::PhantomData};

use serde::{
    Serialize, Serializer,
    ser::{
        SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct, SerializeTupleVariant,
    },
};

use super::{
    EXT_STRUCT, LOST_NONE, Limits, MAX_DEPTH, NO_EXT, NOT_FINITE, Rules, SKIPPED_FIELD, TOO_DEEP,
};

/// A value whose serializer, or a serializer whose values, are held to the rules of a format.
pub(in super::super) struct Checked<'a, T: ?Sized, R> {
    limits: &'a Limits,
    depth: u8,
    /// Directly inside a `Some` that leaves no trace.
    in_some: bool,
    rules: PhantomData<R>,
    inner: &'a T,
}

impl<'a, T: ?Sized, R> Checked<'a, T, R> {
    pub(super) const fn new(inner: &'a T, limits: &'a Limits) -> Self {
        Self::below(inner, limits, MAX_DEPTH)
    }

    const fn below(inner: &'a T, limits: &'a Limits, depth: u8) -> Self {
        Self { limits, depth, in_some: false, rules: PhantomData, inner }
    }
}

impl<T: Serialize + ?Sized, R: Rules> Serialize for Checked<'_, T, R> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let &Self { limits, depth, in_some, rules, inner } = self;
        inner.serialize(Checker { inner: serializer, limits, depth, in_some, rules })
    }
}

/// A serializer that refuses what would not be read back.
struct Checker<'a, S, R> {
    inner: S,
    limits: &'a Limits,
    depth: u8,
    in_some: bool,
    rules: PhantomData<R>,
}

impl<'a, S: Serializer, R: Rules> Checker<'a, S, R> {
    #[inline]
    fn deeper(&self, levels: u8) -> Result<u8, S::Error> {
        match self.depth.checked_sub(levels) {
            Some(depth) => Ok(depth),
            None => Err(self.limits.refuse_write(TOO_DEEP)),
        }
    }

    /// Counts elements as the decoder will.
    #[inline]
    fn count(&self, len: Option<usize>) {
        if R::EMPTY_ELEMENTS > 0 {
            let elements = self.limits.elements.get().saturating_add(len.unwrap_or(0));
            self.limits.elements.set(elements);
        }
    }

    /// Before something is written as `None` is.
    #[inline]
    fn leaves_a_trace(&self, traceless: bool) -> Result<(), S::Error> {
        if traceless && self.in_some { Err(self.limits.refuse_write(LOST_NONE)) } else { Ok(()) }
    }

    #[inline]
    fn part<'v, T: ?Sized>(&self, value: &'v T, depth: u8, in_some: bool) -> Checked<'v, T, R>
    where
        'a: 'v,
    {
        Checked { limits: self.limits, depth, in_some, rules: PhantomData, inner: value }
    }

    #[inline]
    fn compound<C>(
        self,
        levels: u8,
        open: impl FnOnce(S) -> Result<C, S::Error>,
    ) -> Result<Compound<'a, C, R>, S::Error> {
        let depth = self.deeper(levels)?;
        let inner = open(self.inner)?;
        Ok(Compound { inner, limits: self.limits, depth, skipped: false, rules: PhantomData })
    }
}

macro_rules! plain {
    ($($method:ident($ty:ty))*) => {$(
        #[inline]
        fn $method(self, value: $ty) -> Result<S::Ok, S::Error> {
            self.inner.$method(value)
        }
    )*};
}

impl<'a, S: Serializer, R: Rules> Serializer for Checker<'a, S, R> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Compound<'a, S::SerializeSeq, R>;
    type SerializeTuple = Compound<'a, S::SerializeTuple, R>;
    type SerializeTupleStruct = Compound<'a, S::SerializeTupleStruct, R>;
    type SerializeTupleVariant = Compound<'a, S::SerializeTupleVariant, R>;
    type SerializeMap = Compound<'a, S::SerializeMap, R>;
    type SerializeStruct = Compound<'a, S::SerializeStruct, R>;
    type SerializeStructVariant = Compound<'a, S::SerializeStructVariant, R>;

    plain! {
        serialize_bool(bool)
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64)
        serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64)
        serialize_u128(u128)
        serialize_char(char) serialize_str(&str) serialize_bytes(&[u8])
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        if R::FINITE && !value.is_finite() {
            return Err(self.limits.refuse_write(NOT_FINITE));
        }
        self.inner.serialize_f32(value)
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        if R::FINITE && !value.is_finite() {
            return Err(self.limits.refuse_write(NOT_FINITE));
        }
        self.inner.serialize_f64(value)
    }

    #[inline]
    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.leaves_a_trace(R::BARE_SOME)?;
        self.inner.serialize_none()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let part = self.part(value, self.deeper(1)?, true);
        self.inner.serialize_some(&part)
    }

    #[inline]
    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.leaves_a_trace(R::BARE_SOME)?;
        self.inner.serialize_unit()
    }

    #[inline]
    fn serialize_unit_struct(self, name: &'static str) -> Result<S::Ok, S::Error> {
        self.leaves_a_trace(R::BARE_UNIT_STRUCT)?;
        self.inner.serialize_unit_struct(name)
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.deeper(1)?;
        self.inner.serialize_unit_variant(name, index, variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        if name == EXT_STRUCT && !R::EXT {
            return Err(self.limits.refuse_write(NO_EXT));
        }
        let part = self.part(value, self.deeper(1)?, self.in_some);
        self.inner.serialize_newtype_struct(name, &part)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let part = self.part(value, self.deeper(1)?, false);
        self.inner.serialize_newtype_variant(name, index, variant, &part)
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        self.count(len);
        self.compound(1, |s| s.serialize_seq(len))
    }

    #[inline]
    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        self.compound(1, |s| s.serialize_tuple(len))
    }

    #[inline]
    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        self.compound(1, |s| s.serialize_tuple_struct(name, len))
    }

    // Variants with several fields are two levels when they are read: the enum and its fields.

    #[inline]
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.compound(2, |s| s.serialize_tuple_variant(name, index, variant, len))
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        self.count(len);
        self.compound(1, |s| s.serialize_map(len))
    }

    #[inline]
    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        self.compound(1, |s| s.serialize_struct(name, len))
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.compound(2, |s| s.serialize_struct_variant(name, index, variant, len))
    }

    #[inline]
    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// What writes the parts of a container.
struct Compound<'a, C, R> {
    inner: C,
    limits: &'a Limits,
    depth: u8,
    skipped: bool,
    rules: PhantomData<R>,
}

impl<C, R: Rules> Compound<'_, C, R> {
    /// Before a field is left out.
    #[inline]
    fn skip<E: serde::ser::Error>(&mut self) -> Result<(), E> {
        self.skipped = true;
        if R::MISSING_LAST { Ok(()) } else { self.keep() }
    }

    /// Before a field is written.
    #[inline]
    fn keep<E: serde::ser::Error>(&self) -> Result<(), E> {
        if self.skipped && !R::MISSING_ANY {
            return Err(self.limits.refuse_write(SKIPPED_FIELD));
        }
        Ok(())
    }
}

macro_rules! elements {
    ($($serialize:ident::$method:ident)*) => {$(
        impl<C: $serialize, R: Rules> $serialize for Compound<'_, C, R> {
            type Ok = C::Ok;
            type Error = C::Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                let part = Checked::<T, R>::below(value, self.limits, self.depth);
                self.inner.$method(&part)
            }

            #[inline]
            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
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
        impl<C: $serialize, R: Rules> $serialize for Compound<'_, C, R> {
            type Ok = C::Ok;
            type Error = C::Error;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), C::Error> {
                self.keep()?;
                let part = Checked::<T, R>::below(value, self.limits, self.depth);
                self.inner.serialize_field(name, &part)
            }

            #[inline]
            fn skip_field(&mut self, name: &'static str) -> Result<(), C::Error> {
                self.skip()?;
                self.inner.skip_field(name)
            }

            #[inline]
            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        }
    )*};
}

fields! { SerializeStruct SerializeStructVariant }

impl<C: SerializeMap, R: Rules> SerializeMap for Compound<'_, C, R> {
    type Ok = C::Ok;
    type Error = C::Error;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        let part = Checked::<T, R>::below(key, self.limits, self.depth);
        self.inner.serialize_key(&part)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        let part = Checked::<T, R>::below(value, self.limits, self.depth);
        self.inner.serialize_value(&part)
    }

    #[inline]
    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}
