use std::{fs, path::Path};

use toml::de::{DeTable, DeValue};

use super::{
    Config, Value,
    node::Node,
    table::{LAYER, wrong},
};
use crate::{Error, ErrorKind, Result};

impl Config {
    /// The TOML file at `path`. Messages about its settings tell the line.
    ///
    /// # Errors
    ///
    /// Of kind [`Config`](ErrorKind::Config), when the file cannot be read or is not TOML. The message
    /// shows nothing of what is in it.
    pub fn from_toml_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(|error| {
            let message = format!("{}: the file cannot be read: {error}", path.display());
            Error::new(ErrorKind::Config, LAYER).with_message(message).with_source(error)
        })?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        read(&text, &format!("{name}, "))
    }

    /// TOML text.
    ///
    /// # Errors
    ///
    /// As [`from_toml_file`](Self::from_toml_file).
    pub fn from_toml(text: &str) -> Result<Self> {
        read(text, "")
    }
}

fn read(text: &str, file: &str) -> Result<Config> {
    let lines = Lines::of(text);
    match DeTable::parse(text) {
        Ok(table) => Ok(Config::new(table_node(table.get_ref(), &lines, file))),
        // Not as the source: it would show the line, password included.
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            let message = error.message().replace('\n', ", ");
            Err(wrong(format!("{file}line {}: not TOML: {message}", lines.at(at))))
        }
    }
}

fn table_node(table: &DeTable<'_>, lines: &Lines, file: &str) -> Node {
    let mut node = Node::default();
    for (name, value) in table {
        let place = format!("{file}line {}", lines.at(name.span().start)).into_boxed_str();
        let below = match value.get_ref() {
            DeValue::Table(table) => Node { place: Some(place), ..table_node(table, lines, file) },
            value => Node::value(leaf(value), Some(place)),
        };
        node.below.insert(name.get_ref().to_string(), below);
    }
    node
}

fn leaf(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other("a huge number"), Value::Integer),
        DeValue::Float(number) => {
            number.as_str().parse().map_or(Value::Other("a number"), Value::Float)
        }
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(all) => Value::List(all.iter().map(|one| leaf(one.get_ref())).collect()),
        DeValue::Table(_) => Value::Other("a table"),
    }
}

/// Where lines begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    /// The number of the line in which byte `at` is, from 1.
    fn at(&self, at: usize) -> usize {
        self.0.partition_point(|end| *end < at) + 1
    }
}
