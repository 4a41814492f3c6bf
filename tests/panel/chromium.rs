//! A Chromium without a window, driven by `WebDriver`: the few words of the protocol that are needed, over one
//! connection for each. The crates that speak it all bring about 130 others.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{redis_server::free_port, until};

/// A browser with one page, gone when dropped.
pub(super) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    /// What it keeps on disk.
    folder: tempfile::TempDir,
}

impl Browser {
    /// Starts one whose page has this size; `dark` if it prefers dark colours.
    ///
    /// # Panics
    ///
    /// Without `chromium` and `chromedriver`, which `tests/run.sh` installs.
    pub(super) async fn start(width: u32, height: u32, dark: bool) -> Self {
        let port = free_port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver, which tests/run.sh installs");
        let folder = tempfile::tempdir().unwrap();
        let mut browser = Self { driver, port, session: String::new(), folder };
        until("chromedriver", async || TcpStream::connect(("127.0.0.1", port)).await.ok()).await;
        let data = format!("--user-data-dir={}", browser.folder.path().display());
        // The sandbox needs a user that is not root, the shared memory of a container is small.
        let mut arguments = vec![
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--force-device-scale-factor=1",
            &data,
        ];
        if dark {
            arguments.push("--blink-settings=preferredColorScheme=0");
        }
        let metrics =
            json!({ "width": width, "height": height, "pixelRatio": 1.0, "touch": false });
        let options = json!({
            "args": arguments,
            "mobileEmulation": { "deviceMetrics": metrics },
        });
        let wanted = json!({ "alwaysMatch": { "goog:chromeOptions": options } });
        let session = browser.send("POST", "/session", &json!({ "capabilities": wanted })).await;
        session["sessionId"].as_str().expect("a session").clone_into(&mut browser.session);
        browser
    }

    /// Loads a page.
    pub(super) async fn open(&self, url: &str) {
        self.ask("POST", "/url", &json!({ "url": url })).await;
    }

    /// What `return ..` gives in the page.
    pub(super) async fn run(&self, script: &str) -> Value {
        self.ask("POST", "/execute/sync", &json!({ "script": script, "args": [] })).await
    }

    /// Clicks on the first element of this selector, as a mouse does.
    pub(super) async fn click(&self, selector: &str) {
        let element = self.find(selector).await;
        self.ask("POST", &format!("/element/{element}/click"), &json!({})).await;
    }

    /// Types into it, in place of what is there.
    pub(super) async fn write(&self, selector: &str, text: &str) {
        let element = self.find(selector).await;
        self.ask("POST", &format!("/element/{element}/clear"), &json!({})).await;
        self.ask("POST", &format!("/element/{element}/value"), &json!({ "text": text })).await;
    }

    /// Whether the page asks something in a box of its own, as `alert` does.
    pub(super) async fn has_alert(&self) -> bool {
        let path = format!("/session/{}/alert/text", self.session);
        self.send("GET", &path, &Value::Null).await["error"] != "no such alert"
    }

    async fn find(&self, selector: &str) -> String {
        let by = json!({ "using": "css selector", "value": selector });
        let found = self.ask("POST", "/element", &by).await;
        let (_, id) = found.as_object().and_then(|found| found.iter().next()).expect("an element");
        id.as_str().unwrap().to_owned()
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let value = self.send(method, &format!("/session/{}{path}", self.session), body).await;
        assert!(value.get("error").is_none(), "{method} {path} {body}: {value}");
        value
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let exchange = async {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
            let body = if body.is_null() { String::new() } else { body.to_string() };
            let head = format!(
                "{method} {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                self.port,
                body.len(),
            );
            stream.write_all((head + &body).as_bytes()).await?;
            read(&mut stream).await
        };
        let answer = tokio::time::timeout(Duration::from_secs(60), exchange).await;
        let body = answer.expect("an answer within a minute").expect("an answer of chromedriver");
        let mut answer: Value = serde_json::from_slice(&body).unwrap();
        answer["value"].take()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium ends with the session; the driver is asked without a runtime.
        if let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", self.port)) {
            use std::io::{Read, Write};
            let path = format!("/session/{}", self.session);
            let end =
                format!("DELETE {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
            let _ = stream.write_all(end.as_bytes()).and_then(|()| stream.read(&mut [0; 1]));
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// The body of an answer that says how long it is.
async fn read(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    loop {
        let head = answer.windows(4).position(|end| end == b"\r\n\r\n");
        if let Some(head) = head {
            let text = String::from_utf8_lossy(&answer[..head]).to_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
            if answer.len() >= head + 4 + length {
                return Ok(answer.split_off(head + 4));
            }
        }
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}
