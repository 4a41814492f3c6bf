//! What fuzzing found, and inputs that reach far, are replayed; without libFuzzer, by the same functions.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]
#![expect(unsafe_code, reason = "an allocator that counts")]

#[expect(unreachable_pub, reason = "it is a library of its own")]
#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::{
    collections::HashSet,
    fs,
    panic::{catch_unwind, resume_unwind},
    path::{Path, PathBuf},
};

use larder::{
    DogpileFormat, Format, FramedFormat, FullDictFormat, IntTimeFormat, NoMetaFormat, RawCodec,
};

use fuzz::{TARGETS, codecs, formats};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The names in a folder, without their extensions.
fn names(folder: &Path) -> HashSet<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn what_was_found_is_mended() {
    for (target, run) in TARGETS {
        for entry in fs::read_dir(folder().join("regressions").join(target)).unwrap() {
            let path = entry.unwrap().path();
            let input = fs::read(&path).unwrap();
            run(&[]);
            if let Err(panic) = catch_unwind(|| run(&input)) {
                eprintln!("by {}", path.display());
                resume_unwind(panic);
            }
        }
    }
}

#[test]
fn every_target_is_fuzzed_and_replayed() {
    let all: HashSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&folder().join("fuzz_targets")), all);
    assert_eq!(names(&folder().join("regressions")), all);
    let script = fs::read_to_string(folder().join("run.sh")).unwrap();
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    for name in all {
        assert!(script.lines().any(|line| line.starts_with(&format!("{name} "))), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
}

/// How many pairs of a codec and a type are reached.
fn pairs(format: &impl Format) -> usize {
    let chosen: HashSet<_> = (0..=u8::MAX).map(|n| formats::format(format, &[n])).collect();
    chosen.len()
}

#[test]
fn every_type_is_reached_and_under_each_format_with_every_codec() {
    let types: HashSet<&str> = (0..=u8::MAX).map(|n| codecs::codec(&RawCodec, &[n])).collect();
    assert_eq!(types.len(), usize::from(codecs::TYPES));
    let all = usize::from(formats::CHOICES.0) * usize::from(formats::CHOICES.1);
    assert_eq!(pairs(&DogpileFormat::<2>), all);
    assert_eq!(pairs(&FramedFormat), all);
    assert_eq!(pairs(&FullDictFormat::<1>), all);
    assert_eq!(pairs(&IntTimeFormat), all);
    assert_eq!(pairs(&NoMetaFormat), all);
}
