//! The page and the dashboard speak of metrics that there are, and of all of them.

use std::{collections::BTreeSet, fs, path::Path};

use larder::{BackendExt, Label, Memory, PayloadExt};

use super::{remote::Remote, scrape::Scrape, *};

fn doc(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    fs::read_to_string(path).unwrap()
}

/// All words that begin as our metrics do.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("larder_")).collect()
}

/// Everything that a service under load has in its `/metrics`.
async fn rendered() -> String {
    let scrape = Scrape::new();
    let bytes = Remote(Memory::new()).metered(Label::new("all").tier("far"));
    let region = bytes.json().int_time().metered("all").region();
    region.get_or_create("k", async || 1).await.unwrap();
    region.get::<u8>("k").await.unwrap();
    scrape.handle.render()
}

#[tokio::test]
async fn every_metric_of_the_dashboard_is_rendered() {
    let dashboard = doc("grafana.json");
    let parsed: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    let text = rendered().await;
    let series: BTreeSet<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    let targets: Vec<_> = parsed["panels"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .collect();
    for target in &targets {
        let query = target["expr"].as_str().unwrap();
        let asked = names(query);
        assert!(!asked.is_empty() && asked.is_subset(&series), "{query}\n{series:?}");
        assert_eq!(target["datasource"]["uid"], "${datasource}");
    }
    assert!(targets.len() > 10);
    let variables = parsed["templating"]["list"].as_array().unwrap();
    assert_eq!(
        (&variables[0]["name"], &variables[0]["type"]),
        (&"datasource".into(), &"datasource".into())
    );
    // And none is left out.
    let base = |name: &str| {
        let histogram = ["_bucket", "_sum", "_count"];
        histogram.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name).to_owned()
    };
    let shown: BTreeSet<String> = names(&dashboard).into_iter().map(base).collect();
    let there: BTreeSet<String> =
        series.into_iter().filter(|name| !name.is_empty()).map(base).collect();
    assert_eq!(shown, there);
}

#[tokio::test]
async fn the_page_has_every_metric_with_its_type_and_labels() {
    let (page, text) = (doc("metrics.md"), rendered().await);
    let mut types = 0;
    for line in text.lines() {
        let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|line| line.split_once(' '))
        else {
            continue;
        };
        let row = page.lines().find(|row| row.starts_with(&format!("| `{name}` | {kind} |")));
        let row = row.unwrap_or_else(|| panic!("no row for {name}, a {kind}"));
        let told: BTreeSet<&str> =
            row.split('|').nth(3).unwrap().split('`').skip(1).step_by(2).collect();
        let series = text.lines().filter(|line| line.starts_with(name));
        let seen: BTreeSet<&str> = series
            .filter_map(|line| Some(line.split_once('{')?.1.split_once('}')?.0))
            .flat_map(|labels| labels.split(',').filter_map(|label| Some(label.split_once('=')?.0)))
            .filter(|label| *label != "le")
            .collect();
        assert_eq!(told, seen, "{row}");
        assert!(text.contains(&format!("# HELP {name} ")), "{name} is not described");
        types += 1;
    }
    let rows = page.lines().filter(|line| line.starts_with("| `larder_")).count();
    assert_eq!((types, types), (rows, 17));
    // The queries, too.
    let ends = ["", "_bucket", "_count"];
    for name in names(&page) {
        assert!(
            ends.iter().any(|end| {
                let base = name.strip_suffix(end).unwrap_or(name);
                text.contains(&format!("# TYPE {base} "))
            }),
            "{name}"
        );
    }
}
