use std::fmt;

use serde::{
    Deserializer,
    de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor},
};

use super::{EXT_STRUCT, Limits, NO_EXT, TOO_DEEP, TOO_MANY};

/// Anything that takes part in reading a value, held to its limits: a seed, a deserializer, or the
/// access to the parts of a container.
pub(in super::super) struct Bounded<'l, D> {
    inner: D,
    limits: &'l Limits,
}

impl<'l, D> Bounded<'l, D> {
    pub(super) const fn new(inner: D, limits: &'l Limits) -> Self {
        Self { inner, limits }
    }

    /// What this is held to.
    #[cfg(any(feature = "codec-msgpack", feature = "codec-postcard"))]
    pub(in super::super) const fn limits(&self) -> &'l Limits {
        self.limits
    }

    #[inline]
    const fn wrap<T>(&self, inner: T) -> Bounded<'l, T> {
        Bounded { inner, limits: self.limits }
    }

    #[inline]
    const fn watch<V>(&self, visitor: V, size: Size) -> Watched<'l, V> {
        Watched { visitor, limits: self.limits, size }
    }
}

/// Whether the length of a container comes from the bytes or from the type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Size {
    Announced,
    Known,
}

/// A visitor that is held to the limits of its deserializer.
struct Watched<'l, V> {
    visitor: V,
    limits: &'l Limits,
    size: Size,
}

impl<'l, V> Watched<'l, V> {
    /// Visits what is one level down.
    #[inline]
    fn below<A, T, E: serde::de::Error>(
        self,
        inner: A,
        visit: impl FnOnce(V, Bounded<'l, A>) -> Result<T, E>,
    ) -> Result<T, E> {
        let depth = &self.limits.depth;
        let Some(left) = depth.get().checked_sub(1) else {
            return Err(self.limits.refuse_read(TOO_DEEP));
        };
        depth.set(left);
        let result = visit(self.visitor, Bounded { inner, limits: self.limits });
        depth.set(left + 1);
        result
    }

    /// Takes `announced` elements off what the bytes can still hold, and says for how many of them
    /// memory may be reserved.
    ///
    /// A container that is complete has at least one byte for each element, and no byte is the
    /// first of two. So the sum over all containers is bounded, not only each of them.
    #[inline]
    fn charge<E: serde::de::Error>(&self, announced: Option<usize>) -> Result<Option<usize>, E> {
        let Some(n) = announced.filter(|_| self.size == Size::Announced) else { return Ok(None) };
        let left = self.limits.elements.get();
        if n > left {
            return Err(self.limits.refuse_read(TOO_MANY));
        }
        self.limits.elements.set(left - n);
        Ok(Some(n.min(left.saturating_sub(self.limits.empty))))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Bounded<'_, S> {
    type Value = S::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        let bounded = self.wrap(deserializer);
        self.inner.deserialize(bounded)
    }
}

// Numbers have no parts: their visitors need no watching.
macro_rules! numbers {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method(visitor)
        }
    )*};
}

macro_rules! announced {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            let watched = self.watch(visitor, Size::Announced);
            self.inner.$method(watched)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Bounded<'_, D> {
    type Error = D::Error;

    numbers! {
        deserialize_bool
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }

    announced! {
        deserialize_any deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_option deserialize_unit deserialize_seq deserialize_map
        deserialize_identifier deserialize_ignored_any
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let watched = self.watch(visitor, Size::Known);
        self.inner.deserialize_unit_struct(name, watched)
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        if name == EXT_STRUCT && !self.limits.ext {
            return Err(self.limits.refuse_read(NO_EXT));
        }
        let watched = self.watch(visitor, Size::Known);
        self.inner.deserialize_newtype_struct(name, watched)
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let watched = self.watch(visitor, Size::Known);
        self.inner.deserialize_tuple(len, watched)
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let watched = self.watch(visitor, Size::Known);
        self.inner.deserialize_tuple_struct(name, len, watched)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let watched = self.watch(visitor, Size::Known);
        self.inner.deserialize_struct(name, fields, watched)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let watched = self.watch(visitor, Size::Known);
        self.inner.deserialize_enum(name, variants, watched)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! leaves {
    ($($method:ident($ty:ty))*) => {$(
        #[inline]
        fn $method<E: serde::de::Error>(self, value: $ty) -> Result<V::Value, E> {
            self.visitor.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Watched<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    leaves! {
        visit_bool(bool)
        visit_i8(i8) visit_i16(i16) visit_i32(i32) visit_i64(i64) visit_i128(i128)
        visit_u8(u8) visit_u16(u16) visit_u32(u32) visit_u64(u64) visit_u128(u128)
        visit_f32(f32) visit_f64(f64)
        visit_char(char) visit_str(&str) visit_borrowed_str(&'de str) visit_string(String)
        visit_bytes(&[u8]) visit_borrowed_bytes(&'de [u8]) visit_byte_buf(Vec<u8>)
    }

    #[inline]
    fn visit_none<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    #[inline]
    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_unit()
    }

    #[inline]
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.below(deserializer, V::visit_some)
    }

    #[inline]
    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<V::Value, D::Error> {
        self.below(deserializer, V::visit_newtype_struct)
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, parts: A) -> Result<V::Value, A::Error> {
        let size = self.charge(parts.size_hint())?;
        self.below(Sized { parts, size }, V::visit_seq)
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, parts: A) -> Result<V::Value, A::Error> {
        let size = self.charge(parts.size_hint())?;
        self.below(Sized { parts, size }, V::visit_map)
    }

    #[inline]
    fn visit_enum<A: EnumAccess<'de>>(self, parts: A) -> Result<V::Value, A::Error> {
        self.below(parts, V::visit_enum)
    }
}

/// The parts of a sequence or map, and how many of them were charged for.
struct Sized<A> {
    parts: A,
    size: Option<usize>,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Bounded<'_, Sized<A>> {
    type Error = A::Error;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let seed = self.wrap(seed);
        self.inner.parts.next_element_seed(seed)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        // As it was at the start, which is when it is asked for.
        self.inner.size
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Bounded<'_, Sized<A>> {
    type Error = A::Error;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let seed = self.wrap(seed);
        self.inner.parts.next_key_seed(seed)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.wrap(seed);
        self.inner.parts.next_value_seed(seed)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.inner.size
    }
}

impl<'de, 'l, A: EnumAccess<'de>> EnumAccess<'de> for Bounded<'l, A> {
    type Error = A::Error;
    type Variant = Bounded<'l, A::Variant>;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let Self { inner, limits } = self;
        let (value, variant) = inner.variant_seed(Bounded { inner: seed, limits })?;
        Ok((value, Bounded { inner: variant, limits }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Bounded<'_, A> {
    type Error = A::Error;

    #[inline]
    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.wrap(seed);
        self.inner.newtype_variant_seed(seed)
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        let watched = self.watch(visitor, Size::Known);
        self.inner.tuple_variant(len, watched)
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let watched = self.watch(visitor, Size::Known);
        self.inner.struct_variant(fields, watched)
    }
}
