//! Two tables about one value: how it is encoded, and how it is decoded.

use std::{cell::RefCell, fmt::Debug, hint::black_box, rc::Rc};

use larder::{Bytes, Codec, Entry, Format, Meta, Timestamp};
use larder_benches::{Python, Report, Table};
use serde::{Serialize, de::DeserializeOwned};

const ROUNDS: u32 = 31;
/// When the entries were created, in seconds.
pub const AT: i64 = 1_700_000_000;

/// What is encoded and decoded.
pub trait CodedValue: Clone + Debug + PartialEq + Serialize + DeserializeOwned + 'static {}
impl<T: Clone + Debug + PartialEq + Serialize + DeserializeOwned + 'static> CodedValue for T {}

pub struct Both<T> {
    value: T,
    encode: Table<'static>,
    decode: Table<'static>,
}

impl<T: CodedValue> Both<T> {
    pub fn new(what: &str, calls: u32, value: T) -> Self {
        let table = |doing: &str| Table::new(format!("{doing} {what}"), "ns", calls).rounds(ROUNDS);
        Self { value, encode: table("Encoding"), decode: table("Decoding") }
    }

    /// A row of a codec under a format, as a store uses them.
    pub fn row<F: Format + Default + 'static, C: Codec + Default + 'static>(&mut self, name: &str) {
        let write = |value: &T| {
            // The room that larder begins with.
            let mut out = Vec::with_capacity(128);
            let entry = Entry::new(value, Meta::new(Timestamp::from_secs(AT)));
            F::default().encode(&C::default(), &entry, &mut out).expect("it is encoded");
            out
        };
        let bytes = Bytes::from(write(&self.value));
        self.both(name, write, move || {
            let entry: Entry<T> =
                F::default().decode(&C::default(), black_box(&bytes)).expect("it is decoded");
            entry.value
        });
    }

    /// A row that is written without larder.
    pub fn by_hand(
        &mut self,
        name: &str,
        write: impl Fn(&T) -> Vec<u8> + 'static,
        read: impl Fn(&[u8]) -> T + 'static,
    ) {
        let bytes = write(&self.value);
        self.both(name, write, move || read(black_box(&bytes)));
    }

    fn both(
        &mut self,
        name: &str,
        write: impl Fn(&T) -> Vec<u8> + 'static,
        read: impl Fn() -> T + 'static,
    ) {
        assert_eq!(read(), self.value, "{name} gives back what it was given");
        let value = self.value.clone();
        let size = f64::from(u32::try_from(write(&value).len()).expect("a short value"));
        self.encode.row(name, move || write(black_box(&value)));
        self.decode.row(name, read);
        self.encode.figure("size", size);
        self.decode.figure("size", size);
    }

    /// Measures both, with dogpile.cache's own way as the last row.
    pub fn report(mut self, report: &mut Report, name: &str, python: Option<&Rc<RefCell<Python>>>) {
        if let Some(python) = python {
            let size = python.borrow_mut().ask(&format!("{name} size"));
            let size = size.parse().expect("a number of bytes");
            for (table, doing) in [(&mut self.encode, "encode"), (&mut self.decode, "decode")] {
                let (python, line) = (Rc::clone(python), format!("{name} {doing}"));
                let row = "dogpile.cache: json|pickle (Python)";
                table.batch(row, move || python.borrow_mut().sample(&line));
                table.figure("size", size);
            }
        }
        report.table(self.encode);
        report.table(self.decode);
    }
}
