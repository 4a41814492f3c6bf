//! What a machine makes of a class and its arguments.

use std::borrow::Cow;

use serde::de::{Error as _, value::Error};

use super::{
    class::Class,
    graph::{Id, Node},
    machine::Machine,
};

impl<'a> Machine<'a, '_> {
    pub(super) fn class(&mut self, module: &str, name: &str) -> Result<(), Error> {
        match Class::named(module, name) {
            Some(class) => self.push(Node::Class(class)),
            None => Err(unknown_class(module, name)),
        }
    }

    pub(super) fn class_from_stack(&mut self) -> Result<(), Error> {
        let (name, module) = (self.pop()?, self.pop()?);
        let class = match (self.node(module), self.node(name)) {
            (Node::Text(module), Node::Text(name)) => {
                Class::named(module, name).ok_or_else(|| unknown_class(module, name))?
            }
            _ => return Err(Error::custom("the name of a class is not text")),
        };
        self.push(Node::Class(class))
    }

    /// Makes what the class on the stack makes of the tuple above it.
    pub(super) fn call(&mut self) -> Result<(), Error> {
        let (arguments, class) = (self.pop()?, self.pop()?);
        let Node::Class(class) = *self.node(class) else {
            return Err(cannot("call", self.node(class)));
        };
        let Node::Tuple(arguments) = self.node(arguments) else {
            return Err(cannot("call something with", self.node(arguments)));
        };
        let made = match (class, &**arguments) {
            (Class::CachedValue, [payload, metadata]) => Node::CachedValue([*payload, *metadata]),
            (Class::Reconstructor, [class, base, content]) => {
                self.reconstruct(*class, *base, *content)?
            }
            (Class::Bytes | Class::ByteArray, []) => Node::Bytes(Cow::Borrowed(&[])),
            (Class::Bytes | Class::ByteArray, [bytes]) => self.to_bytes(*bytes)?,
            (Class::Encode | Class::ByteArray, [text, encoding]) => {
                self.encode(*text, *encoding)?
            }
            (Class::Set, []) => Node::Set(Vec::new()),
            (Class::Set, [items]) => Node::Set(self.items(*items)?),
            (Class::FrozenSet, []) => Node::FrozenSet(Box::default()),
            (Class::FrozenSet, [items]) => Node::FrozenSet(self.items(*items)?.into()),
            (class, arguments) => {
                let count = arguments.len();
                return Err(Error::custom(format_args!(
                    "{class:?} does not take {count} arguments"
                )));
            }
        };
        self.push(made)
    }

    fn reconstruct(&self, class: Id, base: Id, content: Id) -> Result<Node<'a>, Error> {
        match (self.node(class), self.node(base), self.node(content)) {
            (Node::Class(Class::CachedValue), Node::Class(Class::Tuple), Node::Tuple(content))
                if let [payload, metadata] = **content =>
            {
                Ok(Node::CachedValue([payload, metadata]))
            }
            _ => Err(Error::custom("only a `CachedValue` can be reconstructed")),
        }
    }

    fn to_bytes(&self, bytes: Id) -> Result<Node<'a>, Error> {
        match self.node(bytes) {
            Node::Bytes(bytes) | Node::OldText(bytes) => {
                self.budget.spend(bytes.len())?;
                Ok(Node::Bytes(bytes.clone()))
            }
            other => Err(cannot("make bytes of", other)),
        }
    }

    fn encode(&self, text: Id, encoding: Id) -> Result<Node<'a>, Error> {
        let Node::Text(text) = self.node(text) else {
            return Err(cannot("encode", self.node(text)));
        };
        let encoding = match self.node(encoding) {
            Node::Text(encoding) => encoding.as_bytes(),
            Node::OldText(encoding) => encoding,
            other => return Err(cannot("encode by", other)),
        };
        if !matches!(encoding, b"latin1" | b"latin-1") {
            return Err(Error::custom("no other encoding than latin1 stands for bytes"));
        }
        self.budget.spend(text.len())?;
        let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
        Ok(Node::Bytes(Cow::Owned(bytes.map_err(Error::custom)?)))
    }

    /// The items of a list or tuple that a set is made of.
    fn items(&self, items: Id) -> Result<Vec<Id>, Error> {
        let items: &[Id] = match self.node(items) {
            Node::List(items) => items,
            Node::Tuple(items) => items,
            other => return Err(cannot("make a set of", other)),
        };
        self.budget.spend(size_of_val(items))?;
        Ok(items.to_vec())
    }
}

#[cold]
pub(super) fn cannot(what: &str, node: &Node<'_>) -> Error {
    Error::custom(format_args!("cannot {what} {}", node.describe()))
}

#[cold]
fn unknown_class(module: &str, name: &str) -> Error {
    let name: String = format!("{module}.{name}").chars().take(100).collect();
    Error::custom(format_args!(
        "the class {name:?} is not data, and is not loaded; let Python store dicts, lists, texts and \
         numbers, or share the cache by another codec"
    ))
}
