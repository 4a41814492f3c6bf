//! The panel in a real browser: loaded, filtered, sorted, a request chosen; the traffic is counted and
//! compared with what is seen.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{Path, State},
    routing::get,
};
use larder::{Panel, Recording, RequestLayer, RequestScope};
use serde_json::{Value, json};

use crate::{Bytes, chromium::Browser, recording, support::until, users};

/// Asks for users by their keys, one and then all: what the addresses of the shop say.
async fn answer(State((users, recording)): State<(Bytes, Arc<Recording>)>, Path(id): Path<u64>) {
    let scope = RequestScope::current().unwrap();
    users.get_or_create(&format!("user:{id}"), async || id).await.unwrap();
    let keys: Vec<_> = (0..4).map(|n| format!("friend:{n}")).collect();
    users.get_multi::<u64>(&keys).await.unwrap();
    users.get::<u64>(KEY).await.unwrap();
    recording.finish(&scope, Some(200));
}

const KEY: &str = "<script>document.title='broken';alert(1)</script><img src=x onerror=alert(2)>";

/// A site on a port of its own, with its panel at `/cache`.
async fn site(recording: &Arc<Recording>) -> String {
    let panel = Panel::new().recording(recording).title("Caches of the test");
    let app = Router::new()
        .route("/users/{id}", get(answer))
        .with_state((users(recording), Arc::clone(recording)))
        .nest("/cache", panel.router())
        .layer(RequestLayer::new());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    url
}

/// The texts of all that are seen of a selector.
async fn texts(browser: &Browser, selector: &str) -> Vec<String> {
    let script = format!(
        "return [...document.querySelectorAll({})].filter(e => e.checkVisibility({{ opacityProperty: true }})) \
         .map(e => e.textContent.trim())",
        json!(selector)
    );
    let found = browser.run(&script).await;
    found.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

async fn colour(browser: &Browser, selector: &str) -> Value {
    let script = format!(
        "return getComputedStyle(document.querySelector({})).backgroundColor",
        json!(selector)
    );
    browser.run(&script).await
}

/// Waits until a condition of the page is true.
async fn wait(browser: &Browser, condition: &str) {
    let script = format!("return Boolean({condition})");
    until(condition, async || (browser.run(&script).await == true).then_some(())).await;
}

const KEYS: &str = "#log tbody tr:not([hidden]) td.key";

#[tokio::test]
async fn a_person_looks_at_it() {
    let recording = recording();
    let url = site(&recording).await;
    let browser = Browser::start(1280, 900, false).await;
    // Three requests: two users, one of them twice.
    for id in [7, 8, 7] {
        browser.open(&format!("{url}/users/{id}")).await;
    }

    // The overview, with the totals of what was sent.
    browser.open(&format!("{url}/cache")).await;
    let title = browser.run("return document.title").await;
    assert_eq!(title, "Overview – Caches of the test");
    let row = async |call: &str| {
        let cells = format!("table.totals tr[data-call={call}] > *:not(:nth-child(2))");
        texts(&browser, &cells).await.join("|")
    };
    // Each request: get (user), get_multi of 4, get (script); and two sets.
    assert_eq!(row("get").await.split('|').collect::<Vec<_>>()[..4], ["get", "6", "1", "5"]);
    assert!(row("get_multi").await.starts_with("get_multi|3||||12|"));
    assert!(row("set").await.starts_with("set|2|"));
    assert_eq!(row("delete").await, "delete|||||||");
    let requests = texts(&browser, ".requests .name").await;
    assert_eq!(requests, ["GET /users/7", "GET /users/8", "GET /users/7"]);
    assert_eq!(browser.run("return document.querySelectorAll('svg.latency g').length").await, 3);

    // The figures go on by themselves.
    users(&recording).get::<u8>("while it is open").await.unwrap();
    wait(
        &browser,
        "document.querySelector('tr[data-call=get] td:nth-child(3)').textContent == '7'",
    )
    .await;

    // The first request: one hit in none, a creation.
    browser.click(".requests li:last-child a").await;
    wait(&browser, "document.querySelector('h2').textContent == 'GET /users/7'").await;
    let all = texts(&browser, KEYS).await;
    let script_key = all.last().unwrap().clone();
    assert_eq!(all[..3], ["user:7", "user:7", "user:7"], "get, created, set");
    assert_eq!(all[3..7], ["friend:0", "friend:1", "friend:2", "friend:3"]);
    assert_eq!((all.len(), script_key.as_str()), (8, KEY));
    let calls = texts(&browser, "#log td .chip").await;
    assert_eq!(calls, ["get", "created", "set", "get_multi", "get"], "a batch is named once");

    // A key is a text and nothing else.
    assert!(!browser.has_alert().await);
    assert_eq!(browser.run("return document.title").await, "GET /users/7 – Caches of the test");
    assert_eq!(
        browser.run("return document.querySelectorAll('main img, main script').length").await,
        0
    );

    // Colours are there, and differ.
    let mut colours = Vec::new();
    for chip in ["#log .chip.get", "#log .chip.set", "#log .chip.created", "#log .result .miss"] {
        let colour = colour(&browser, chip).await;
        assert!(colour != "rgba(0, 0, 0, 0)" && !colours.contains(&colour), "{chip}: {colour}");
        colours.push(colour);
    }

    // Filtered by words of which any will do, at once.
    browser.write("#q", "FRIEND:2 script").await;
    wait(&browser, "document.getElementById('found').textContent == '2'").await;
    assert_eq!(texts(&browser, KEYS).await, ["friend:2", KEY]);
    let address = browser.run("return location.search").await;
    assert!(address.as_str().unwrap().contains("&q=FRIEND%3A2+script"), "{address}");
    // The address is the same search without script.
    browser.run("location.reload()").await;
    wait(&browser, "document.readyState == 'complete' && document.getElementById('q').value").await;
    assert_eq!(texts(&browser, KEYS).await, ["friend:2", KEY]);
    browser.write("#q", "\u{e003}").await;
    browser.run("document.getElementById('q').value = ''; document.getElementById('q').dispatchEvent(new Event('input'))").await;
    assert_eq!(texts(&browser, KEYS).await, all);

    // Sorted by a column, and back.
    browser.click("#log th:nth-child(3) a").await;
    let mut sorted = all.clone();
    sorted.sort();
    assert_eq!(texts(&browser, KEYS).await, sorted);
    assert_eq!(texts(&browser, "#log td .chip").await.len(), 8, "each key has its call now");
    browser.click("#log th:nth-child(3) a").await;
    sorted.reverse();
    assert_eq!(texts(&browser, KEYS).await.first(), sorted.first());
    browser.click("#log th:nth-child(1) a").await;
    assert_eq!(texts(&browser, KEYS).await, all);
    let times = "return [...document.querySelectorAll('#log tbody tr td:nth-child(6)')].map(td => +td.dataset.by)";
    browser.click("#log th:nth-child(6) a").await;
    let times = browser.run(times).await;
    let times: Vec<_> =
        times.as_array().unwrap().iter().map(|time| time.as_u64().unwrap()).collect();
    assert!(times.is_sorted() && times.last() > Some(&0), "{times:?}");

    // Another request to choose from, at the side.
    browser.click(".requests li:first-child a").await;
    wait(&browser, "document.querySelector('.result .hit')").await;
    assert_eq!(texts(&browser, "#log .result .hit").await.len(), 1);

    // Buttons.
    browser.click("form[action='./stop'] button").await;
    wait(&browser, "document.querySelector('.off')").await;
    assert!(!recording.is_on());
    browser.click("form[action='./start'] button").await;
    wait(&browser, "document.querySelector('.on')").await;
    assert!(recording.is_on());
    browser.click("form[action='./clear'] button").await;
    wait(&browser, "document.querySelector('.empty')").await;
    assert!(recording.requests().is_empty());
}

/// A page elsewhere cannot start it by a form, whatever the form says.
#[tokio::test]
async fn a_form_elsewhere_does_nothing() {
    let recording = Recording::builder().build();
    let url = site(&recording).await;
    let form =
        format!("<form id=f method=post action='{url}/cache/start'><button>x</button></form>");
    let elsewhere = Router::new().route("/", get(async move || axum::response::Html(form)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, elsewhere).await });
    let browser = Browser::start(800, 600, false).await;
    for host in ["127.0.0.1", "localhost"] {
        browser.open(&format!("http://{host}:{port}/")).await;
        browser.click("#f button").await;
        wait(
            &browser,
            "document.body && document.body.textContent.includes('not one of this panel')",
        )
        .await;
        assert!(!recording.is_on());
    }
}

/// One column, nothing wider than the screen, and dark where that is wanted.
#[tokio::test]
async fn it_fits_a_phone_and_the_dark() {
    let recording = recording();
    let url = site(&recording).await;
    let mut papers = Vec::new();
    for dark in [false, true] {
        let browser = Browser::start(390, 844, dark).await;
        browser.open(&format!("{url}/users/7")).await;
        let id = recording.requests()[0].id().unwrap();
        for page in ["overview".to_owned(), format!("calls?request={id}")] {
            browser.open(&format!("{url}/cache/{page}")).await;
            let width = browser.run("return document.documentElement.scrollWidth").await;
            assert_eq!(width, 390, "{page}");
            let low = browser.run(CONTRAST).await;
            assert_eq!(low, json!([]), "{page}, dark: {dark}");
        }
        papers.push(colour(&browser, "body").await);
    }
    assert_ne!(papers[0], papers[1]);
}

/// The texts whose contrast is below that of WCAG AA, 4.5 to 1.
const CONTRAST: &str = "
  const parse = (c) => c.match(/[\\d.]+/g).map(Number);
  const light = (c) => parse(c).slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (parse(c)[3] !== 0) return c;
    }
    return 'rgb(255, 255, 255)';
  };
  const low = [];
  for (const e of document.querySelectorAll('body *:not(svg *)')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility({ opacityProperty: true })) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) low.push(e.className + ': ' + e.textContent.slice(0, 40));
  }
  return low;";
