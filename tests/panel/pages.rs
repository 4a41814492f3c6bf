//! What the pages say of the traffic sent.

use larder::{LayerExt, Memo, Observed, Recorder, RequestScope, Result};

use crate::{from_here, page, panel, recording, rows, send, users};

/// One of each kind of call.
async fn traffic(recording: &std::sync::Arc<larder::Recording>) -> Result<u64> {
    let users = users(recording);
    let scope = RequestScope::new("GET /users");
    scope
        .run(async {
            users.get::<String>("user:1").await?;
            users.set("user:1", "ann".to_owned()).await?;
            users.get::<String>("user:1").await?;
            users.set_multi([("user:2", "bob".to_owned()), ("user:3", "cleo".to_owned())]).await?;
            users.get_multi::<String>(["user:1", "user:2", "user:9"]).await?;
            users.delete("user:1").await?;
            users.delete_multi(["user:2", "user:3"]).await
        })
        .await?;
    recording.finish(&scope, Some(200));
    Ok(scope.id())
}

/// Cells of the totals: call, calls, hits, misses, fractional hits, fractional misses, size, errors.
fn totals(html: &str) -> Vec<String> {
    let rows = rows(html, "class=\"totals\"");
    rows.into_iter()
        .map(|mut row| {
            assert_eq!(row.remove(1).is_empty(), row[1].is_empty(), "a time where there are calls");
            row.join("|")
        })
        .collect()
}

#[tokio::test]
async fn totals_are_those_of_the_traffic_with_zero_rows() -> Result<()> {
    let recording = recording();
    let id = traffic(&recording).await?;
    let wanted = [
        "Total|7|1|1|2|1|55 B|",
        "delete|1||||||",
        "delete_multi|1||||||",
        "get|2|1|1|||9 B|",
        "get_multi|1|||2|1|18 B|",
        "set|1|||||9 B|",
        "set_multi|1|||||19 B|",
    ];
    assert_eq!(totals(&page(&recording, &format!("/cache/calls?request={id}")).await), wanted);
    assert_eq!(totals(&page(&recording, "/cache/overview").await), wanted);
    assert_eq!(totals(&page(&recording, "/cache/live").await), wanted);
    Ok(())
}

#[tokio::test]
async fn the_list_has_a_row_for_each_key_in_order() -> Result<()> {
    let recording = recording();
    let id = traffic(&recording).await?;
    let html = page(&recording, &format!("/cache/calls?request={id}")).await;
    let list: Vec<_> = rows(&html, "id=\"log\"")
        .into_iter()
        .map(|row| {
            [&row[6], &row[8], &row[1], &row[2], &row[3], &row[4]].map(String::as_str).join("|")
        })
        .collect();
    assert_eq!(
        list,
        [
            "users|memory|get|user:1|miss|",
            "users|memory|set|user:1|stored|9 B",
            "users|memory|get|user:1|hit|9 B",
            "users|memory|set_multi|user:2|stored|9 B",
            "users|memory|set_multi|user:3|stored|10 B",
            "users|memory|get_multi|user:1|hit|9 B",
            "users|memory|get_multi|user:2|hit|9 B",
            "users|memory|get_multi|user:9|miss|",
            "users|memory|delete|user:1|removed|",
            "users|memory|delete_multi|user:2|removed|",
            "users|memory|delete_multi|user:3|removed|",
        ]
    );
    // Name and time of a batch stand once, until it is sorted by something else.
    assert_eq!(html.matches("chip get again").count(), 2);
    assert_eq!(html.matches("class=\"again\"").count(), 4);
    assert!(html.contains("id=\"log\" class=\"ordered\""));
    Ok(())
}

#[tokio::test]
async fn it_is_filtered_by_any_of_the_words_and_sorted_without_script() -> Result<()> {
    let recording = recording();
    let id = traffic(&recording).await?;
    let keys = async |query: &str| {
        let html = page(&recording, &format!("/cache/calls?request={id}&{query}")).await;
        let rows = rows(&html, "id=\"log\"");
        (rows.iter().map(|row| format!("{} {}", row[1], row[2])).collect::<Vec<_>>(), html)
    };
    let (found, html) = keys("q=USER:9+user:3").await;
    assert_eq!(found, ["set_multi user:3", "get_multi user:9", "delete_multi user:3"]);
    assert!(html.contains("<span id=\"found\">3</span> of 11 keys"), "{html}");
    assert!(html.contains("value=\"USER:9 user:3\""), "the words stay in the form");
    assert_eq!(keys("q=miss").await.0, ["get user:1", "get_multi user:9"]);
    assert_eq!(keys("q=nothing").await.0, [""; 0]);
    let (sorted, html) = keys("q=user:3+user:9&sort=key&desc").await;
    assert_eq!(sorted, ["get_multi user:9", "set_multi user:3", "delete_multi user:3"]);
    assert!(html.contains("aria-sort=\"descending\"") && !html.contains("class=\"ordered\""));
    // The link on the column turns it round, and keeps the words.
    assert!(html.contains("&amp;q=user%3A3%20user%3A9&amp;sort=key\">Key</a>"), "{html}");
    let (by_bytes, _) = keys("sort=bytes&desc").await;
    assert_eq!(by_bytes[0], "set_multi user:3");
    let (unknown, _) = keys("sort=sideways&q=user:9").await;
    assert_eq!(unknown, ["get_multi user:9"]);
    Ok(())
}

#[tokio::test]
async fn requests_are_to_be_chosen_from_and_others_are_named() -> Result<()> {
    let recording = recording();
    let id = traffic(&recording).await?;
    users(&recording).get::<u8>("alone").await?;
    let idle = RequestScope::new("GET /idle");
    recording.finish(&idle, Some(404));
    let overview = page(&recording, "/cache/overview").await;
    assert!(overview.contains(&format!("href=\"./calls?request={id}\"")));
    assert!(overview.contains("status-2\">200<") && overview.contains("status-4\">404<"));
    let nothing = page(&recording, &format!("/cache/calls?request={}", idle.id())).await;
    assert!(nothing.contains("No cache was asked.") && !nothing.contains("id=\"log\""));
    let outside = page(&recording, "/cache/calls?request=outside").await;
    assert_eq!(rows(&outside, "id=\"log\"").len(), 1);
    let all = page(&recording, "/cache/calls").await;
    assert_eq!(rows(&all, "id=\"log\"").len(), 12);
    let gone = send(&panel(&recording), from_here("/cache/calls?request=999999999")).await;
    assert_eq!(gone.status, 404);
    Ok(())
}

#[tokio::test]
async fn tiers_have_rows_of_their_own_and_are_not_added() -> Result<()> {
    let recording = recording();
    let memo = |label| Observed::with(Recorder::new(label).to(&recording), Memo::<u8>::new());
    let tier = |name: &str| larder::Label::new("users").tier(name);
    let both = memo(tier("far")).behind(memo(tier("near")));
    let users = Observed::with(Recorder::new("users").to(&recording), both).region();
    users.get_or_create("a", async || 1).await?;
    users.get_or_create("a", async || 1).await?;
    let html = page(&recording, "/cache/overview").await;
    let parts: Vec<_> = rows(&html, "class=\"parts\"")
        .into_iter()
        .map(|row| row[..5].join("|") + "|" + &row[5..7].join("|"))
        .collect();
    assert_eq!(
        parts,
        ["users||tiers|3|50.0 %|1|1", "users|far|memo|2|0 %||1", "users|near|memo|3|50.0 %|1|1",]
    );
    assert_eq!(totals(&html)[0], "Total|3|1|1||||");
    Ok(())
}

#[tokio::test]
async fn links_work_wherever_it_is_nested() {
    let recording = recording();
    let folder = |to: &str, path: &str, app: &axum::Router| {
        let (app, path, to) = (app.clone(), path.to_owned(), to.to_owned());
        async move {
            let answer = send(&app, from_here(&path)).await;
            assert_eq!(
                (answer.status.as_u16(), answer.headers["location"].to_str().unwrap()),
                (303, &*to)
            );
        }
    };
    folder("./cache/overview", "/cache", &panel(&recording)).await;
    let router = || -> axum::Router { larder::Panel::new().recording(&recording).router() };
    let service = axum::Router::new().nest_service("/in/here", router());
    folder("./here/overview", "/in/here", &service).await;
    folder("./overview", "/in/here/", &service).await;
    folder("./overview", "/", &router()).await;
    assert_eq!(send(&router(), from_here("/overview")).await.status, 200);
    assert_eq!(send(&service, from_here("/in/here/panel.css")).await.status, 200);
    assert_eq!(send(&service, from_here("/in/here/other")).await.status, 404);
    for path in ["/cache/overview", "/cache/calls"] {
        let html = page(&recording, path).await;
        for link in ["href=\"", "src=\"", "action=\""] {
            for to in html.split(link).skip(1) {
                assert!(to.starts_with("./"), "{path}: {}", &to[..30]);
            }
        }
    }
}

#[tokio::test]
async fn a_page_has_so_many_rows_and_search_looks_at_all() -> Result<()> {
    let recording = larder::Recording::builder().max_lines(2_000).build();
    recording.start();
    let users = users(&recording);
    let keys: Vec<_> = (0..1_500).map(|n| format!("user:{n:04}")).collect();
    for name in ["GET /first", "GET /second"] {
        RequestScope::new(name).run(users.get_multi::<u8>(&keys)).await?;
    }
    let all = page(&recording, "/cache/calls?request=all").await;
    assert_eq!(rows(&all, "id=\"log\"").len(), 2_000);
    assert!(crate::text(&all).contains("3 000 of 3 000 keys; the newest 2 000 are here"));
    let found = page(&recording, "/cache/calls?request=all&q=0007").await;
    assert_eq!(rows(&found, "id=\"log\"").len(), 2);
    Ok(())
}

#[tokio::test]
async fn buttons_start_stop_and_clear() -> Result<()> {
    let recording = larder::Recording::builder().build();
    let app = panel(&recording);
    let press = async |button: &str| {
        let mut request = from_here(&format!("/cache/{button}"));
        *request.method_mut() = axum::http::Method::POST;
        request.headers_mut().insert("origin", "http://localhost:3000".parse().unwrap());
        let answer = send(&app, request).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.headers["location"]),
            (303, &"./overview".parse().unwrap())
        );
    };
    let users = users(&recording);
    users.get::<u8>("a").await?;
    assert!(
        page(&recording, "/cache/overview")
            .await
            .contains("Nothing is recorded until you start it")
    );
    press("start").await;
    users.get::<u8>("a").await?;
    press("stop").await;
    users.get::<u8>("a").await?;
    assert_eq!(recording.outside().calls(), 1);
    press("clear").await;
    assert_eq!(recording.outside().calls(), 0);
    Ok(())
}
