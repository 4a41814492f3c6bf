//! The example `shop`, visited as its visitors do.
//!
//! `cargo test` and `cargo nextest run` build the examples too; `cargo test --test shop_example` alone does
//! not, and would run the one that was built last.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

#[cfg(test)]
mod support;

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, ChildStdout, Command, Stdio},
};

use support::redis_server::RedisServer;

/// A shop that is open.
struct Shop {
    program: Child,
    address: String,
    // Read no further, but open: a program whose output nobody takes ends.
    _output: BufReader<ChildStdout>,
}

impl Shop {
    fn open(arguments: &[&str]) -> Self {
        let mut program = env::current_exe().unwrap();
        program.pop();
        program.pop();
        let mut program = Command::new(program.join("examples/shop"))
            .args(["--port", "0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(program.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let (_, at) = line.split_once("http://").unwrap_or_else(|| panic!("no address: {line:?}"));
        let address = at[..at.find('/').unwrap()].to_owned();
        Self { program, address, _output: output }
    }

    fn ask(&self, request: &str) -> Answer {
        let (request, body) = request.split_once('\n').unwrap_or((request, ""));
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let host = &self.address;
        let length = body.len();
        write!(
            stream,
            "{request} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n\
             content-type: application/x-www-form-urlencoded\r\n\r\n{body}"
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        Answer(text)
    }

    fn get(&self, path: &str) -> Answer {
        let answer = self.ask(&format!("GET {path}"));
        assert!(answer.0.starts_with("HTTP/1.1 200"), "{path}: {}", answer.0);
        answer
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.program.kill().ok();
        self.program.wait().ok();
    }
}

struct Answer(String);

impl Answer {
    /// How many statements the page took.
    fn sql(&self) -> u64 {
        let line = self.0.lines().find_map(|line| line.strip_prefix("x-sql: "));
        line.unwrap_or_else(|| panic!("no count: {}", self.0)).parse().unwrap()
    }

    fn count(&self, what: &str) -> usize {
        self.0.matches(what).count()
    }
}

fn visit(shop: &Shop) {
    let cold = shop.get("/c/1");
    assert_eq!(cold.count("<li><span class=\"price\">"), 50);
    assert_eq!(cold.count("<small>by "), 50);
    assert!(cold.count(" stars from ") > 40);
    assert!((1..=3).contains(&cold.sql()), "{}", cold.sql());
    let warm = shop.get("/c/1");
    assert_eq!(warm.sql(), 0);
    let page = |answer: &Answer| {
        answer.0[answer.0.find("<h1>").unwrap()..answer.0.find("<footer>").unwrap()].to_owned()
    };
    assert_eq!(page(&warm), page(&cold));

    // Its maker and its rating are known, the product and the best of its category are not; then they are.
    assert_eq!(shop.get("/p/9").sql(), 2);
    assert_eq!(shop.get("/p/9").sql(), 0);
    assert_eq!(shop.get("/p/17").sql(), 1);

    // A change is seen at once.
    assert!(shop.get("/p/9").count("<b>77.77</b>") == 0);
    let changed = shop.ask("POST /p/9/price\ncents=7777");
    assert!(changed.0.starts_with("HTTP/1.1 303"), "{}", changed.0);
    let again = shop.get("/p/9");
    assert_eq!((again.sql(), again.count("<b>77.77</b>")), (1, 1));
    let page = shop.get("/c/1");
    assert_eq!((page.sql(), page.count(">77.77<")), (1, 1));
    for refused in ["cents=5000000000", "cents=-1", "dollars=1"] {
        let answer = shop.ask(&format!("POST /p/9/price\n{refused}"));
        assert!(answer.0.starts_with("HTTP/1.1 422"), "{}", answer.0);
    }
    assert!(shop.ask("GET /p/18446744073709551615").0.starts_with("HTTP/1.1 400"));

    assert!(shop.ask("GET /p/999999").0.starts_with("HTTP/1.1 404"));
    // That there is no such product is known now.
    assert!(shop.ask("GET /p/999999").0.starts_with("HTTP/1.1 404"));
}

#[test]
fn a_page_of_fifty_products_takes_three_statements_and_then_none() {
    let shop = Shop::open(&[]);
    visit(&shop);
    let metrics = shop.get("/metrics");
    for name in ["larder_hits_total", "larder_misses_total", "larder_creations_total"] {
        assert!(metrics.count(&format!("{name}{{")) > 0, "{name}: {}", metrics.0);
    }

    // The panel says the same of the first and the second visit.
    let panel = shop.get("/cache/overview");
    let visits: Vec<&str> =
        panel.0.split("<li>").filter(|visit| visit.contains(">GET /c/1<")).collect();
    let [.., warm, cold] = visits[..] else { panic!("{}", panel.0) };
    assert!(cold.contains(" calls, 3\u{a0}sql<"), "{cold}");
    assert!(!warm.contains("sql"), "{warm}");
}

#[test]
fn a_shop_over_redis_stays_open_without_it() {
    let server = RedisServer::start();
    let shop = Shop::open(&["--redis", &server.tcp_url()]);
    visit(&shop);
    drop(server);
    assert_eq!(shop.get("/c/1").sql(), 0, "in memory");
    let cold = shop.get("/c/2");
    assert!((1..=3).contains(&cold.sql()), "{}", cold.sql());
    assert_eq!(cold.count("<small>by "), 50);
}

#[test]
fn a_bare_shop_sells_the_same() {
    visit(&Shop::open(&["--bare"]));
}
