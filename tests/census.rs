//! The example `census`, run as its users run it.
//!
//! `cargo test` and `cargo nextest run` build the examples too; `cargo test --test census` alone does
//! not, and would run the one that was built last.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]
#![cfg(all(
    unix,
    feature = "backend-memory",
    feature = "backend-file",
    feature = "codec-json",
    feature = "codec-msgpack",
    feature = "codec-postcard"
))]

#[cfg(test)]
mod support;

use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::{
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant, SystemTime},
};

use serde_json::Value;
use tempfile::TempDir;

/// A tree, and a cache file outside of it.
struct Place {
    home: TempDir,
}

struct Answer {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Place {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("tree")).unwrap();
        Self { home }
    }

    /// Three files of text, 6 lines and 11 words in all.
    fn filled() -> Self {
        let place = Self::new();
        place.write("poem.txt", "so much depends\nupon\na red wheel\nbarrow");
        place.write("src/lib.rs", "//! One.\n\n");
        place.write("a b/c\nd.md", "#");
        place.write(".git/config", "not counted");
        place.write("src/target/debug", "not counted");
        place
    }

    fn tree(&self) -> PathBuf {
        self.home.path().join("tree")
    }

    fn write(&self, name: impl AsRef<Path>, text: &str) -> PathBuf {
        let path = self.tree().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn run(&self, args: &[&str]) -> Answer {
        let mut command = Command::new(program());
        command.env("XDG_CACHE_HOME", self.home.path()).args(args).arg(self.tree());
        finish(command)
    }

    /// A run that ends well, and its numbers.
    fn json(&self, args: &[&str]) -> Value {
        let answer = self.run(&[args, &["--json"]].concat());
        assert_eq!((answer.code, answer.err.as_str()), (Some(0), ""));
        serde_json::from_str(&answer.out).unwrap()
    }
}

/// `target/<profile>/examples/census`, beside the `deps` that hold this test.
fn program() -> PathBuf {
    let here = env::current_exe().unwrap();
    let program = here.ancestors().nth(2).unwrap().join("examples/census");
    assert!(program.exists(), "{} is missing: cargo build --example census", program.display());
    program
}

fn finish(mut command: Command) -> Answer {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("census hangs");
        }
        sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Answer { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// The number under `name`.
fn number(report: &Value, name: &str) -> u64 {
    report[name].as_u64().unwrap_or_else(|| panic!("no number {name} in {report}"))
}

fn numbers<const N: usize>(report: &Value, names: [&str; N]) -> [u64; N] {
    names.map(|name| number(report, name))
}

#[test]
fn the_second_run_reads_no_file() {
    let place = Place::filled();
    let first = place.json(&["--callers", "5"]);
    let names = ["files", "calls", "creations", "bytes_read", "errors"];
    assert_eq!(numbers(&first, names), [3, 15, 3, 50, 0], "{first}");
    assert_eq!(number(&first, "hits") + number(&first, "shared"), 12);
    assert_eq!(first["kinds"]["text"]["lines"], 4);
    assert_eq!(first["kinds"]["text"]["words"], 8);
    assert_eq!(first["kinds"]["rust"]["lines"], 2);
    assert_eq!(first["kinds"]["markdown"]["words"], 1);

    let second = place.json(&["--callers", "5"]);
    assert_eq!(numbers(&second, names), [3, 15, 0, 0, 0], "{second}");
    assert_eq!(number(&second, "hits"), 15);
    assert_eq!(second["kinds"], first["kinds"]);
    assert!(place.home.path().join("larder/census.larder").exists());
}

#[test]
fn a_changed_file_is_read_again_and_no_other() {
    let place = Place::filled();
    place.json(&["--no-plain"]);
    place.write("src/lib.rs", "//! Two.\n");
    let report = place.json(&["--no-plain"]);
    assert_eq!(numbers(&report, ["creations", "bytes_read"]), [1, 9]);
    // The same size: the time tells.
    let path = place.write("src/lib.rs", "//! Six.\n");
    fs::File::open(path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    let report = place.json(&["--no-plain"]);
    assert_eq!(numbers(&report, ["creations", "bytes_read", "files"]), [1, 9, 3]);
}

#[test]
fn fresh_forgets_this_tree() {
    let place = Place::filled();
    place.json(&["--no-plain"]);
    assert_eq!(number(&place.json(&["--no-plain", "--fresh"]), "creations"), 3);
    assert_eq!(number(&place.json(&["--no-plain"]), "creations"), 0);
}

#[test]
fn what_cannot_be_read_is_counted_and_stops_nothing() {
    let place = Place::filled();
    symlink("nowhere", place.tree().join("broken")).unwrap();
    symlink("..", place.tree().join("src/loop")).unwrap();
    let closed = place.write("closed", "secret");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let is_closed = fs::File::open(&closed).is_err(); // not to root
    // Never read: their ends would never come.
    let _socket = UnixListener::bind(place.tree().join("socket")).unwrap();
    let pipe = Command::new("mkfifo").arg(place.tree().join("pipe")).status().unwrap();
    assert!(pipe.success());

    let mut errors = 2 + u64::from(is_closed);
    if cfg!(target_os = "linux") {
        // A regular file whose first byte cannot be read, not even by root.
        symlink("/proc/self/mem", place.tree().join("memory")).unwrap();
        errors += 1;
    }
    let report = place.json(&[]);
    assert_eq!(number(&report, "errors"), errors, "{report}");
    assert_eq!(number(&report, "creations"), 3 + u64::from(!is_closed));
    assert_eq!(report["first_errors"].as_array().unwrap().len() as u64, errors);

    for link in 0..9 {
        symlink("nowhere", place.tree().join(format!("broken{link}"))).unwrap();
    }
    let report = place.json(&["--no-plain"]);
    assert_eq!(number(&report, "errors"), errors + 9);
    assert_eq!(report["first_errors"].as_array().unwrap().len(), 5, "not all are listed");
    let table = place.run(&["--no-plain"]);
    assert_eq!(table.code, Some(0));
    assert!(table.out.contains("broken"), "{}", table.out);
}

#[cfg(target_os = "linux")]
#[test]
fn any_name_will_do_and_none_is_taken_for_another() {
    use std::os::unix::ffi::OsStrExt;

    let place = Place::new();
    let names: [&[u8]; 6] = [b"\xff", b"\xfe", b"\\xff", b"two\nlines", b" ", "\u{fc}".as_bytes()];
    for (name, text) in names.iter().zip('a'..) {
        for folder in [OsStr::from_bytes(b"."), OsStr::from_bytes(b"f\xff/g\xfe")] {
            let folder = Path::new(folder);
            let text = format!("{text}{}", folder.as_os_str().len());
            let path = place.write(folder.join(OsStr::from_bytes(name)), &text);
            fs::File::open(path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        }
    }
    let first = place.json(&[]);
    assert_eq!(numbers(&first, ["files", "distinct", "creations", "errors"]), [12, 12, 12, 0]);
    let second = place.json(&[]);
    assert_eq!(numbers(&second, ["files", "distinct", "creations", "errors"]), [12, 12, 0, 0]);
    assert!(place.run(&["--no-plain"]).out.contains("12 of them distinct"));
}

#[test]
fn an_empty_folder_is_counted_too() {
    let place = Place::new();
    for _ in 0..2 {
        let report = place.json(&[]);
        assert_eq!(numbers(&report, ["files", "calls", "hits", "creations"]), [0; 4]);
        assert_eq!(report["entry_bytes"], Value::Null);
        assert!(place.run(&[]).out.contains("wall time"));
    }
    place.write("empty", "");
    let report = place.json(&[]);
    assert_eq!(report["kinds"]["empty"]["files"], 1);
    assert_eq!(report["kinds"]["empty"]["lines"], 0);
}

#[test]
fn each_stack_without_a_server_works() {
    let place = Place::filled();
    for (stack, encoded) in [("embedded", true), ("in-process", false), ("in-process-bytes", true)]
    {
        let report = place.json(&["--stack", stack, "--callers", "3", "--workers", "1"]);
        let names = ["files", "calls", "creations", "stale", "bypassed", "errors"];
        assert_eq!(numbers(&report, names), [3, 9, 3, 0, 0, 0], "{report}");
        assert_eq!(report["stack"], stack);
        assert_eq!(report["entry_bytes"].is_f64(), encoded);
        assert_eq!(report["file_bytes_per_entry"].is_f64(), stack == "embedded");
        assert!(report["ratio"].as_f64().unwrap() > 0.0);
    }
}

#[test]
fn the_cache_file_may_be_in_the_tree_and_is_not_counted() {
    let place = Place::filled();
    let file = place.tree().join("cache");
    for creations in [3, 0] {
        let report = place.json(&["--no-plain", "--file", file.to_str().unwrap()]);
        assert_eq!(numbers(&report, ["files", "creations", "errors"]), [3, creations, 0]);
    }
    assert!(file.exists());
}

#[test]
fn a_file_of_something_else_is_not_overwritten() {
    let place = Place::filled();
    let file = place.home.path().join("letter");
    fs::write(&file, "Dear Ann, ".repeat(1000)).unwrap();
    let args = ["--file", file.to_str().unwrap()];
    let answer = place.run(&args);
    assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
    assert!(answer.err.contains("letter"), "{}", answer.err);
    assert!(fs::read_to_string(&file).unwrap().starts_with("Dear Ann"));
}

#[test]
fn processes_share_one_file() {
    let place = &Place::filled();
    let created: u64 = std::thread::scope(|scope| {
        let runs =
            [(); 4].map(|()| scope.spawn(|| number(&place.json(&["--no-plain"]), "creations")));
        runs.into_iter().map(|run| run.join().unwrap()).sum()
    });
    assert!((3..=12).contains(&created), "{created}");
    assert_eq!(number(&place.json(&["--no-plain"]), "creations"), 0);
}

#[test]
fn wrong_arguments_are_explained() {
    let place = Place::new();
    for (args, why) in [
        (&["--stack", "attic"][..], "embedded, in-process, in-process-bytes, redis-smallest"),
        (&["--callers", "0"], "at least one"),
        (&["--workers", "many"], "many"),
        (&["--tide"], "--tide"),
        (&["/etc"], "tree"),
    ] {
        let answer = place.run(args);
        assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""), "{args:?}");
        assert!(answer.err.contains(why), "{args:?}: {}", answer.err);
    }
    let mut command = Command::new(program());
    command.arg(place.tree().join("missing"));
    let answer = finish(command);
    assert_eq!(answer.code, Some(2));
    assert!(answer.err.contains("missing: No such file"), "{}", answer.err);
}

#[test]
fn help_names_every_stack_and_what_is_left_out() {
    let mut command = Command::new(program());
    command.arg("--help");
    let answer = finish(command);
    assert_eq!(answer.code, Some(0));
    for word in ["embedded", "redis-portable", "FullDict<Json<Redis>>", "`.git`", "--fresh"] {
        assert!(answer.out.contains(word), "{word} is not in {}", answer.out);
    }
}

mod redis {
    use super::*;
    use support::redis_server::{RedisServer, free_port};

    #[test]
    fn each_stack_on_a_server_serves_the_second_run() {
        let (place, server) = (Place::filled(), RedisServer::start());
        for stack in ["redis-smallest", "redis-shared", "redis-portable"] {
            let args = ["--stack", stack, "--redis", &server.tcp_url(), "--fresh"];
            let first = place.json(&args);
            let names = ["files", "creations", "bypassed", "errors"];
            assert_eq!(numbers(&first, names), [3, 3, 0, 0], "{first}");
            assert!(first["entry_bytes"].is_f64());
            let second = place.json(&args[..4]);
            assert_eq!(numbers(&second, names), [3, 0, 0, 0], "{second}");
            assert_eq!(second["kinds"], first["kinds"]);
        }
    }

    #[test]
    fn a_server_that_is_down_is_done_without() {
        let place = Place::filled();
        let url = format!("redis://127.0.0.1:{}", free_port());
        let answer = place.run(&["--redis", &url, "--json"]);
        assert_eq!(answer.code, Some(0));
        assert!(answer.err.contains("without Redis"), "{}", answer.err);
        let report = serde_json::from_str(&answer.out).unwrap();
        assert_eq!(numbers(&report, ["files", "errors", "hits"]), [3, 0, 0], "{report}");
        assert!(number(&report, "bypassed") >= 6, "{report}");
    }

    #[test]
    fn a_stack_and_its_server_belong_together() {
        let place = Place::new();
        for (args, why) in [
            (&["--stack", "redis-shared"][..], "--redis URL"),
            (&["--stack", "embedded", "--redis", "redis://127.0.0.1/"], "no use"),
            (&["--redis", "http://127.0.0.1/"], "redis://"),
        ] {
            let answer = place.run(args);
            assert_eq!(answer.code, Some(2), "{args:?}");
            assert!(answer.err.contains(why), "{args:?}: {}", answer.err);
        }
    }
}
