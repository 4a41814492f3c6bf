//! The example `responses`, run as its users run it.
//!
//! `cargo test` and `cargo nextest run` build the examples too; `cargo test --test responses_example`
//! alone does not, and would run the one that was built last.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]
#![cfg(all(feature = "backend-memory", feature = "codec-postcard"))]

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, ChildStdout, Command, Stdio},
    thread,
};

fn program() -> Command {
    let mut program = env::current_exe().unwrap();
    program.pop();
    program.pop();
    Command::new(program.join("examples/responses"))
}

#[test]
fn the_demo_counts_what_it_promises() {
    let output = program().arg("--demo").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed, include_str!("responses_example.txt"));
}

/// The example as it serves; ends with the test.
struct Server {
    child: Child,
    /// Whoever prints needs somebody to read.
    _printed: BufReader<ChildStdout>,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Response {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

impl Server {
    fn start() -> Self {
        let mut child = program().stdout(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        let mut printed = BufReader::new(child.stdout.take().unwrap());
        printed.read_line(&mut first).unwrap();
        let address = first.strip_prefix("listening on http://").unwrap();
        let address = address.split(',').next().unwrap().to_owned();
        Self { child, _printed: printed, address }
    }

    fn ask(&self, line: &str, header: &str) -> Response {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n").unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Response { status, headers, body: body.to_owned() }
    }

    fn get(&self, path: &str) -> Response {
        self.ask(&format!("GET {path}"), "")
    }
}

#[test]
fn a_kept_response_is_the_same_and_tells_its_age() {
    let server = Server::start();
    let first = server.get("/report?b=2&a=1&b=1");
    assert_eq!(
        (first.status, first.header("x-cache"), first.header("age")),
        (200, Some("miss"), None)
    );
    assert_eq!(first.body, "report 1 for /report?b=2&a=1&b=1\n");
    for path in ["/report?b=2&a=1&b=1", "/report?a=1&b=2&b=1"] {
        let again = server.get(path);
        assert_eq!((again.status, again.header("x-cache")), (200, Some("hit")));
        assert!(again.header("age").unwrap().parse::<u64>().unwrap() < 10);
        assert_eq!(again.body, first.body);
        for name in ["content-type", "etag", "content-length"] {
            assert!(first.header(name).is_some(), "{name}");
            assert_eq!(again.header(name), first.header(name), "{name}");
        }
    }
    // Other parameters, or the same name twice in another order, are something else.
    let others = ["/report?b=1&a=1&b=2", "/report?a=1", "/report", "/report?a=1%26b=2&b=1"];
    for (at, path) in others.iter().enumerate() {
        let other = server.get(path);
        assert_eq!(other.header("x-cache"), Some("miss"), "{path}");
        assert_eq!(other.body, format!("report {} for {path}\n", at + 2));
    }
}

#[test]
fn what_may_be_personal_goes_past_the_cache() {
    let server = Server::start();
    server.get("/report");
    for (calls, header) in [(2, "Cookie: id=7\r\n"), (3, "Authorization: Basic eDp5\r\n")] {
        let own = server.ask("GET /report", header);
        assert_eq!(own.header("x-cache"), None, "{header}");
        assert_eq!(own.body, format!("report {calls} for /report\n"));
    }
    // Nor has it changed what others get.
    assert_eq!(server.get("/report").body, "report 1 for /report\n");
    let baskets = [server.get("/basket"), server.get("/basket")];
    let cookies = baskets.each_ref().map(|basket| basket.header("set-cookie").unwrap());
    assert_eq!(cookies, ["basket=4", "basket=5"]);
    let account = server.get("/account");
    assert_eq!(account.header("cache-control"), Some("private, max-age=60"));
    assert_eq!((account.header("x-cache"), account.body.as_str()), (None, "your account\n"));
    for line in ["HEAD /report", "POST /report"] {
        assert_eq!(server.ask(line, "").header("x-cache"), None, "{line}");
    }
}

#[test]
fn what_is_not_kept_arrives_whole() {
    let server = Server::start();
    for _ in 0..2 {
        let export = server.get("/export");
        assert_eq!((export.status, export.header("x-cache")), (200, None));
        assert_eq!(export.body, "0123456789abcdef".repeat(10_000));
        let broken = server.get("/broken");
        assert_eq!((broken.status, broken.header("x-cache")), (500, None));
        assert_eq!(broken.body, "out of order\n");
        assert_eq!(server.get("/nowhere").status, 404);
    }
}

/// Those who waited for a response that is for somebody else get one of their own.
#[test]
fn a_response_for_one_is_not_handed_to_those_who_waited() {
    let server = Server::start();
    let cookies: Vec<_> = thread::scope(|scope| {
        let asked: Vec<_> = (0..8).map(|_| scope.spawn(|| server.get("/basket"))).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    let mut cookies: Vec<_> = cookies.iter().map(|basket| basket.header("set-cookie")).collect();
    cookies.sort_unstable();
    cookies.dedup();
    assert_eq!(cookies.len(), 8);
}
