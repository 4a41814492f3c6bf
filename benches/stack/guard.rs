//! Instructions beside those of a stored run: what grew?

use std::{fs, path::PathBuf, process::ExitCode};

use larder_benches::said;
use serde_json::{Map, Value, json};

use crate::{case::Section, instructions};

/// How much a case may grow: with the compiler that the stored numbers are from, and with any other.
const SAME: f64 = 1.05;
const OTHER: f64 = 1.25;

fn stored() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("stack/instructions.json")
}

/// Writes the instructions of all cases down.
pub fn bless(sections: &[Section]) -> ExitCode {
    if !instructions::available() {
        return ExitCode::FAILURE;
    }
    let mut all = Map::new();
    for (section, counts) in sections.iter().zip(counted(sections)) {
        let cases = section.cases.iter().zip(counts);
        let cases: Map<String, Value> =
            cases.map(|(case, count)| (case.name.to_owned(), json!(count.round()))).collect();
        all.insert(section.title.to_owned(), Value::Object(cases));
    }
    let file = json!({ "rustc": said("rustc", "-V"), "instructions": all });
    let text = serde_json::to_string_pretty(&file).expect("numbers are JSON");
    fs::write(stored(), text + "\n").expect("the file can be written");
    println!("written to {}", stored().display());
    ExitCode::SUCCESS
}

/// Fails when a case takes more than 5 % more instructions than are written down, is not written down, or is
/// written down and no case any more.
pub fn check(sections: &[Section]) -> ExitCode {
    if !instructions::available() {
        return ExitCode::FAILURE;
    }
    let text = fs::read_to_string(stored()).expect("stack/instructions.json");
    let file: Value = serde_json::from_str(&text).expect("stack/instructions.json is JSON");
    let (then, today) = (file["rustc"].as_str(), said("rustc", "-V"));
    let growth = if then == today.as_deref() { SAME } else { OTHER };
    let percent = (growth - 1.0) * 100.0;
    if then != today.as_deref() {
        println!(
            "the numbers are those of {then:?}, this is {today:?}: {percent:.0} % are allowed"
        );
    }
    println!(
        "{:<24} {:<64} {:>8} {:>8} {:>8}",
        "instructions of a call", "", "before", "now", "ratio"
    );
    let mut grown = 0;
    for (section, counts) in sections.iter().zip(counted(sections)) {
        for (case, count) in section.cases.iter().zip(counts) {
            let before = file["instructions"][section.title][case.name].as_f64();
            let ratio = before.map(|before| count / before);
            let (word, bad) = match ratio {
                None => ("new", true),
                Some(ratio) if ratio > growth => ("GREW", true),
                Some(ratio) if ratio < 1.0 / growth => ("shrank", false),
                Some(_) => ("", false),
            };
            grown += usize::from(bad);
            let (before, ratio) = (before.unwrap_or(0.0), ratio.unwrap_or(f64::NAN));
            println!(
                "{:<24.24} {:<64} {before:>8.0} {count:>8.0} {ratio:>8.3} {word}",
                section.title, case.name
            );
        }
    }
    for (section, case) in gone(&file["instructions"], sections) {
        println!("{section:<24.24} {case:<64} GONE");
        grown += 1;
    }
    if grown == 0 {
        println!("none grew by more than {percent:.0} %");
        return ExitCode::SUCCESS;
    }
    println!(
        "{grown} of them grew by more than {percent:.0} %, are new or gone. Meant so: cargo bench --bench stack -- --bless"
    );
    ExitCode::FAILURE
}

/// What is written down and is not among `sections`.
fn gone<'a>(stored: &'a Value, sections: &[Section]) -> Vec<(&'a str, &'a str)> {
    let sections_of = stored.as_object().into_iter().flatten();
    let all = sections_of.flat_map(|(section, cases)| {
        cases
            .as_object()
            .into_iter()
            .flatten()
            .map(move |(case, _)| (section.as_str(), case.as_str()))
    });
    let is_there = |section: &str, case: &str| {
        sections.iter().any(|s| s.title == section && s.cases.iter().any(|c| c.name == case))
    };
    all.filter(|(section, case)| !is_there(section, case)).collect()
}

/// The counts of all cases, section by section.
pub fn counted(sections: &[Section]) -> Vec<Vec<f64>> {
    let arguments = |section: &Section| -> Vec<Vec<String>> {
        section.cases.iter().map(|case| arguments(section.title, case.name)).collect()
    };
    let all: Vec<_> = sections.iter().flat_map(arguments).collect();
    let mut counts = instructions::of(&all).into_iter();
    sections.iter().map(|section| counts.by_ref().take(section.cases.len()).collect()).collect()
}

/// How this program is told to run one case.
fn arguments(section: &str, case: &str) -> Vec<String> {
    vec!["--run".to_owned(), section.to_owned(), case.to_owned()]
}
