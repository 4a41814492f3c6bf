//! The figures of one benchmark, as JSON for who makes pictures of them.

use std::{fs, path::Path, process::Command, thread::available_parallelism};

use serde_json::{Map, Value, json};

use crate::Table;

/// The tables and other figures of one benchmark, written to `target/figures/NAME.json` by [`Report::save`].
pub struct Report {
    name: &'static str,
    tables: Vec<Value>,
    figures: Map<String, Value>,
}

impl Report {
    pub fn new(name: &'static str) -> Self {
        Self { name, tables: Vec::new(), figures: Map::new() }
    }

    /// Measures `table`, prints it and keeps its figures.
    pub fn table(&mut self, table: Table<'_>) {
        self.tables.push(table.measure());
    }

    /// Keeps a row of what was measured otherwise, in the table `title`; `row` is an object, whose names are
    /// the columns. Who measures prints.
    pub fn row(&mut self, title: &str, name: &str, row: &Value) {
        let empty = || json!({ "title": title, "rows": [] });
        let table = self.figures.entry(title).or_insert_with(empty);
        let mut whole = json!({ "name": name });
        let columns = row.as_object().expect("a row is an object");
        whole.as_object_mut().expect("so is this").extend(columns.clone());
        table["rows"].as_array_mut().expect("rows").push(whole);
    }

    /// Writes everything down.
    ///
    /// # Panics
    ///
    /// If the file can't be written.
    pub fn save(self) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/figures");
        fs::create_dir_all(&folder).expect("a folder for the figures");
        let path = folder.join(self.name).with_extension("json");
        let cores = available_parallelism().map_or(1, usize::from);
        let report = json!({
            "benchmark": self.name, "date": said("date", "-I"), "rustc": said("rustc", "-V"), "cores": cores,
            "processor": processor(), "tables": self.tables, "figures": self.figures,
        });
        let text = serde_json::to_string_pretty(&report).expect("figures are JSON");
        fs::write(&path, text + "\n").expect("the figures can be written");
    }
}

/// What a program says, without its line end; `None` where it is not there.
pub fn said(program: &str, arg: &str) -> Option<String> {
    let output = Command::new(program).arg(arg).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The model of the processor, where Linux tells it.
fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
