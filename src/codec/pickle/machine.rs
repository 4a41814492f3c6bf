//! The machine that a pickle is a program for, as far as it builds data. The opcodes and what they do are
//! those of `pickletools.opcodes` in Python.

use std::{borrow::Cow, str};

use serde::de::{Error as _, value::Error};

use super::{
    budget::Budget,
    calls::cannot,
    graph::{Graph, Id, Node},
    int::{self, PyInt},
    protocol_0,
};

const NEWEST_PROTOCOL: u8 = 5;

/// Runs all of `bytes`. Takes time and memory in proportion to them, and to what is spent of `budget`.
pub(super) fn run<'a>(bytes: &'a [u8], budget: &Budget) -> Result<Graph<'a>, Error> {
    let machine = Machine {
        bytes,
        rest: bytes,
        // Room for what is usual: a part is some eight bytes, and half of them are remembered.
        nodes: Vec::with_capacity(bytes.len().min(8192) / 8 + 4),
        stack: Vec::with_capacity(16),
        marks: Vec::with_capacity(4),
        memo: Vec::with_capacity(bytes.len().min(8192) / 16 + 4),
        budget,
    };
    machine.run().map_err(|(error, at)| Error::custom(format_args!("{error} (at byte {at})")))
}

pub(super) struct Machine<'a, 'b> {
    bytes: &'a [u8],
    rest: &'a [u8],
    nodes: Vec<Node<'a>>,
    stack: Vec<Id>,
    /// How high the stack was.
    marks: Vec<usize>,
    memo: Vec<Option<Id>>,
    pub(super) budget: &'b Budget,
}

impl<'a> Machine<'a, '_> {
    fn run(mut self) -> Result<Graph<'a>, (Error, usize)> {
        loop {
            let at = self.bytes.len() - self.rest.len();
            match self.step() {
                Ok(None) => {}
                Ok(Some(root)) if self.rest.is_empty() => {
                    return Ok(Graph { nodes: self.nodes, root });
                }
                Ok(Some(_)) => return Err((Error::custom("bytes are left over"), at)),
                Err(error) => return Err((error, at)),
            }
        }
    }

    /// Does what the next opcode says. Has the result if it was the last.
    fn step(&mut self) -> Result<Option<Id>, Error> {
        match self.byte()? {
            0x80 => self.protocol()?,
            // A frame says how much to read ahead; everything is here.
            0x95 => self.take(8).map(drop)?,
            b'.' => return self.pop().map(Some),

            b'(' => self.marks.push(self.stack.len()),
            b'0' => self.drop_top()?,
            b'1' => drop(self.pop_mark()?),
            b'2' => self.stack.push(self.top()?),

            b'N' => self.push(Node::None)?,
            0x88 => self.push(Node::Bool(true))?,
            0x89 => self.push(Node::Bool(false))?,
            b'J' => self.array().and_then(|bytes| self.int(i32::from_le_bytes(bytes)))?,
            b'K' => self.array().and_then(|bytes| self.int(u8::from_le_bytes(bytes)))?,
            b'M' => self.array().and_then(|bytes| self.int(u16::from_le_bytes(bytes)))?,
            0x8a => self.long(Self::length_1)?,
            0x8b => self.long(Self::length_4)?,
            b'G' => {
                self.array().and_then(|bytes| self.push(Node::Float(f64::from_be_bytes(bytes))))?;
            }

            0x8c => self.text(Self::length_1)?,
            b'X' => self.text(Self::length_4)?,
            0x8d => self.text(Self::length_8)?,
            b'C' => self.bytes(Self::length_1)?,
            b'B' => self.bytes(Self::length_4)?,
            0x8e | 0x96 => self.bytes(Self::length_8)?,
            b'U' => self.old_text(Self::length_1)?,
            b'T' => self.old_text(Self::length_4)?,

            b'I' | b'L' | b'F' | b'S' | b'V' => self.printed()?,

            b']' => self.push(Node::List(Vec::new()))?,
            b')' => self.push(Node::Tuple(Box::default()))?,
            b'}' => self.push(Node::Dict(Vec::new()))?,
            0x8f => self.push(Node::Set(Vec::new()))?,
            b'l' => self.pop_mark().and_then(|items| self.push(Node::List(items)))?,
            b't' => self.pop_mark().and_then(|items| self.push(Node::Tuple(items.into())))?,
            length @ 0x85..=0x87 => self.short_tuple(usize::from(length - 0x84))?,
            b'd' => self.pop_mark().and_then(|items| self.push(Node::Dict(pairs(&items)?)))?,
            0x91 => self.pop_mark().and_then(|items| self.push(Node::FrozenSet(items.into())))?,
            b'a' => self.pop().and_then(|item| self.add(&[item]))?,
            b'e' => self.pop_mark().and_then(|items| self.add(&items))?,
            0x90 => self.pop_mark().and_then(|items| self.add_to_set(&items))?,
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.add_to_dict(&[key, value])?;
            }
            b'u' => self.pop_mark().and_then(|items| self.add_to_dict(&items))?,

            b'p' => self.number().and_then(|number| self.remember(number))?,
            b'q' => self.length_1().and_then(|number| self.remember(number))?,
            b'r' => self.length_4().and_then(|number| self.remember(number))?,
            0x94 => self.remember(self.memo.len())?,
            b'g' => self.number().and_then(|number| self.recall(number))?,
            b'h' => self.length_1().and_then(|number| self.recall(number))?,
            b'j' => self.length_4().and_then(|number| self.recall(number))?,

            b'c' => {
                let module = utf8(self.line()?)?;
                let name = utf8(self.line()?)?;
                self.class(module, name)?;
            }
            0x93 => self.class_from_stack()?,
            b'R' | 0x81 => self.call()?,

            opcode => return Err(refused(opcode)),
        }
        Ok(None)
    }

    // Reading.

    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| Error::custom("the pickle ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn byte(&mut self) -> Result<u8, Error> {
        self.array().map(|[byte]| byte)
    }

    fn length_1(&mut self) -> Result<usize, Error> {
        self.byte().map(usize::from)
    }

    fn length_4(&mut self) -> Result<usize, Error> {
        let length = u32::from_le_bytes(self.array()?);
        usize::try_from(length).map_err(Error::custom)
    }

    fn length_8(&mut self) -> Result<usize, Error> {
        let length = u64::from_le_bytes(self.array()?);
        usize::try_from(length).map_err(Error::custom)
    }

    /// Up to the end of the line, and past it.
    fn line(&mut self) -> Result<&'a [u8], Error> {
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let line = self.take(end.unwrap_or(self.rest.len()))?;
        self.take(1)?;
        Ok(line)
    }

    fn number(&mut self) -> Result<usize, Error> {
        utf8(self.line()?)?.parse().map_err(Error::custom)
    }

    // The stack.

    pub(super) fn push(&mut self, node: Node<'a>) -> Result<(), Error> {
        let id = Id::try_from(self.nodes.len()).map_err(Error::custom)?;
        self.nodes.push(node);
        self.stack.push(id);
        Ok(())
    }

    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Id, Error> {
        let above = self.stack.get(self.floor()..).and_then(<[Id]>::last);
        above.copied().ok_or_else(|| Error::custom("the stack is empty"))
    }

    pub(super) fn pop(&mut self) -> Result<Id, Error> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    /// What is above the last mark.
    fn pop_mark(&mut self) -> Result<Vec<Id>, Error> {
        let mark = self.marks.pop().ok_or_else(|| Error::custom("there is no mark"))?;
        Ok(self.stack.split_off(mark))
    }

    /// A part or, where there is none above it, the mark.
    fn drop_top(&mut self) -> Result<(), Error> {
        if self.stack.len() > self.floor() {
            self.stack.pop();
            return Ok(());
        }
        self.pop_mark().map(drop)
    }

    // The memo.

    fn remember(&mut self, number: usize) -> Result<(), Error> {
        let top = self.top()?;
        // Whoever writes pickles counts up, with at least a byte for each.
        if number > self.bytes.len() {
            return Err(Error::custom(format_args!("{number} is too high for the memo")));
        }
        if number >= self.memo.len() {
            self.memo.resize(number + 1, None);
        }
        self.memo[number] = Some(top);
        Ok(())
    }

    fn recall(&mut self, number: usize) -> Result<(), Error> {
        let id = self.memo.get(number).copied().flatten();
        self.stack.push(id.ok_or_else(|| Error::custom(format_args!("no {number} in the memo")))?);
        Ok(())
    }

    // Building.

    fn protocol(&mut self) -> Result<(), Error> {
        match self.byte()? {
            0..=NEWEST_PROTOCOL => Ok(()),
            newer => Err(Error::custom(format_args!("protocol {newer} of pickle is not known"))),
        }
    }

    fn int(&mut self, int: impl Into<i64>) -> Result<(), Error> {
        self.push(Node::Int(int.into()))
    }

    fn long(&mut self, length: fn(&mut Self) -> Result<usize, Error>) -> Result<(), Error> {
        let length = length(self)?;
        let bytes = int::shortest(self.take(length)?);
        self.push(match bytes.len() {
            0..=8 => number(&PyInt::from_le_bytes(bytes)),
            _ => Node::Long(Cow::Borrowed(bytes)),
        })
    }

    fn text(&mut self, length: fn(&mut Self) -> Result<usize, Error>) -> Result<(), Error> {
        let length = length(self)?;
        let text = utf8(self.take(length)?)?;
        self.push(Node::Text(Cow::Borrowed(text)))
    }

    fn bytes(&mut self, length: fn(&mut Self) -> Result<usize, Error>) -> Result<(), Error> {
        let length = length(self)?;
        let bytes = self.take(length)?;
        self.push(Node::Bytes(Cow::Borrowed(bytes)))
    }

    fn old_text(&mut self, length: fn(&mut Self) -> Result<usize, Error>) -> Result<(), Error> {
        let length = length(self)?;
        let text = self.take(length)?;
        self.push(Node::OldText(Cow::Borrowed(text)))
    }

    /// One of the texts of protocol 0, whose opcode was just read.
    fn printed(&mut self) -> Result<(), Error> {
        let opcode = self.bytes[self.bytes.len() - self.rest.len() - 1];
        let line = self.line()?;
        let node = match opcode {
            b'S' => Node::OldText(protocol_0::string(line)?),
            b'V' => Node::Text(protocol_0::unicode(line)?),
            b'F' => Node::Float(protocol_0::float(utf8(line)?)?),
            b'L' => number(&protocol_0::long(utf8(line)?)?),
            _ => match protocol_0::int(utf8(line)?)? {
                protocol_0::Int::Bool(bool) => Node::Bool(bool),
                protocol_0::Int::Int(int) => number(&int),
            },
        };
        self.push(node)
    }

    fn short_tuple(&mut self, length: usize) -> Result<(), Error> {
        let start = self.stack.len().checked_sub(length).filter(|start| *start >= self.floor());
        let start = start.ok_or_else(|| Error::custom("the stack is empty"))?;
        let items = self.stack.split_off(start);
        self.push(Node::Tuple(items.into()))
    }

    fn add(&mut self, items: &[Id]) -> Result<(), Error> {
        match self.top_node()? {
            Node::List(list) => list.extend_from_slice(items),
            other => return Err(cannot("append to", other)),
        }
        Ok(())
    }

    fn add_to_set(&mut self, items: &[Id]) -> Result<(), Error> {
        match self.top_node()? {
            Node::Set(set) => set.extend_from_slice(items),
            other => return Err(cannot("add to", other)),
        }
        Ok(())
    }

    fn add_to_dict(&mut self, items: &[Id]) -> Result<(), Error> {
        match self.top_node()? {
            Node::Dict(dict) => dict.extend(pairs(items)?),
            other => return Err(cannot("set items of", other)),
        }
        Ok(())
    }

    fn top_node(&mut self) -> Result<&mut Node<'a>, Error> {
        let top = self.top()?;
        Ok(&mut self.nodes[top as usize])
    }

    pub(super) fn node(&self, id: Id) -> &Node<'a> {
        &self.nodes[id as usize]
    }
}

fn number<'a>(number: &PyInt) -> Node<'a> {
    match i64::try_from(number) {
        Ok(small) => Node::Int(small),
        Err(_) => Node::Long(Cow::Owned(number.to_le_bytes())),
    }
}

fn pairs(items: &[Id]) -> Result<Vec<(Id, Id)>, Error> {
    let (pairs, rest) = items.as_chunks();
    if !rest.is_empty() {
        return Err(Error::custom("a dict has a key without a value"));
    }
    Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
}

fn utf8(bytes: &[u8]) -> Result<&str, Error> {
    str::from_utf8(bytes).map_err(Error::custom)
}

#[cold]
fn refused(opcode: u8) -> Error {
    let what = match opcode {
        b'P' | b'Q' => "a persistent id, which only the writer understands",
        b'b' => "the state of an object, which is not data",
        b'i' | b'o' | 0x92 => "an object of a class, which is not data",
        0x82..=0x84 => "a class by its number in a registry, which is not data",
        0x97 | 0x98 => "a buffer outside of the pickle",
        _ => return Error::custom(format_args!("{opcode:#04x} is no opcode of a pickle")),
    };
    Error::custom(format_args!("the pickle has {what}"))
}
