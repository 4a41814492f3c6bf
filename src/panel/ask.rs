//! What a page is asked for, and the links that ask for it.

use axum::extract::Query;

use super::html::Html;

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    Overview,
    All,
    Outside,
    Request(u64),
}

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Number,
    At,
    Region,
    Tier,
    Place,
    Call,
    Key,
    Result,
    Bytes,
    Time,
}

impl By {
    /// In the order of the columns: what matters most is first, where there is little room.
    pub(super) const ALL: [Self; 10] = [
        Self::Number,
        Self::Call,
        Self::Key,
        Self::Result,
        Self::Bytes,
        Self::Time,
        Self::Region,
        Self::Tier,
        Self::Place,
        Self::At,
    ];

    /// In links.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::At => "at",
            Self::Region => "region",
            Self::Tier => "tier",
            Self::Place => "place",
            Self::Call => "call",
            Self::Key => "key",
            Self::Result => "result",
            Self::Bytes => "bytes",
            Self::Time => "time",
        }
    }

    /// Over its column.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Number => "#",
            Self::At => "At",
            Self::Region => "Region",
            Self::Tier => "Tier",
            Self::Place => "Place",
            Self::Call => "Call",
            Self::Key => "Key",
            Self::Result => "Result",
            Self::Bytes => "Bytes",
            Self::Time => "Time",
        }
    }

    pub(super) const fn is_number(self) -> bool {
        matches!(self, Self::Number | Self::At | Self::Bytes | Self::Time)
    }
}

/// A page, as its address says.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) show: Show,
    pub(super) words: String,
    pub(super) by: By,
    pub(super) descending: bool,
}

impl Ask {
    /// What the query says, of a page that shows `show` unless it says something else. What is not
    /// understood counts as not said.
    pub(super) fn of(show: Show, uri: &axum::http::Uri) -> Self {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri);
        let mut ask = Self { show, words: String::new(), by: By::Number, descending: false };
        for (name, value) in pairs.map(|Query(pairs)| pairs).unwrap_or_default() {
            match name.as_str() {
                "request" => {
                    ask.show = match value.as_str() {
                        "all" => Show::All,
                        "outside" => Show::Outside,
                        id => id.parse().map_or(show, Show::Request),
                    }
                }
                "q" => ask.words = value.chars().take(200).collect(),
                "sort" => {
                    let by = By::ALL.into_iter().find(|by| by.name() == value);
                    ask.by = by.unwrap_or(By::Number);
                }
                "desc" => ask.descending = true,
                _ => {}
            }
        }
        ask
    }

    /// The words that lines are searched for; any of them will do.
    pub(super) fn words(&self) -> Vec<String> {
        self.words.split_whitespace().map(str::to_lowercase).collect()
    }

    /// The address of this page, relative to the panel.
    pub(super) fn link(&self, html: &mut Html) {
        html.raw("./calls?request=").then(|html| self.show.name(html));
        if !self.words.is_empty() {
            html.raw("&amp;q=").url(&self.words);
        }
        if self.by != By::Number || self.descending {
            html.raw("&amp;sort=").raw(self.by.name());
        }
        if self.descending {
            html.raw("&amp;desc");
        }
    }

    /// The same sorted by a column, the other way round if it is sorted by it already.
    pub(super) fn sorted(&self, by: By) -> Self {
        Self { by, descending: self.by == by && !self.descending, ..self.clone() }
    }
}

impl Show {
    pub(super) fn name(self, html: &mut Html) {
        match self {
            Self::Overview => html,
            Self::All => html.raw("all"),
            Self::Outside => html.raw("outside"),
            Self::Request(id) => html.text(id),
        };
    }
}
