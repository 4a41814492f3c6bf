use std::sync::Arc;

use bytes::Bytes;

use super::{
    connection::{Link, Unserved},
    failure,
    protocol::{Reply, Request, Requests},
    ring::{self, Ring},
};
use crate::{Error, Result, runtime::all};

/// All servers, and which of them a request goes to.
pub(crate) struct Servers {
    pub(super) links: Vec<Arc<Link>>,
    pub(super) ring: Ring,
    pub(super) failover: bool,
}

impl Servers {
    /// Sends a request to the server of its key; while that is down, to those that stand in for it.
    pub(crate) async fn send_one(&self, requests: Requests) -> Result<Reply> {
        let (text, each) = requests.into_parts();
        let hash = each.first().map_or(0, |request| self.hash(&text, request));
        let mut attempt = 0;
        loop {
            let link = &self.links[self.ring.server(hash, attempt)];
            match link.send(&text, 1, self.is_last(attempt)).await {
                Ok(mut replies) => return replies.pop().ok_or_else(no_reply),
                Err(failed) if self.is_last(attempt) || !failed.is_down => {
                    return Err(self.unserved(failed, attempt));
                }
                Err(_) => attempt += 1,
            }
        }
    }

    /// Sends many requests, all of one server in one go and to all servers at the same time. One outcome
    /// for each.
    pub(crate) async fn send(&self, requests: Requests) -> Vec<Result<Reply>> {
        let (text, each) = requests.into_parts();
        let mut outcomes: Vec<Option<Result<Reply>>> = each.iter().map(|_| None).collect();
        let mut open: Vec<usize> = (0..each.len()).collect();
        let mut attempt = 0;
        while !open.is_empty() {
            let last = self.is_last(attempt);
            let groups = self.groups(&text, &each, &open, attempt);
            let calls = groups.iter().map(|(link, group)| {
                let requests = gathered(&text, &each, group);
                async move { link.send(&requests, group.len(), last).await }
            });
            let answers = all(calls).await;
            open.clear();
            for ((_, group), answer) in groups.into_iter().zip(answers) {
                match answer {
                    Ok(replies) => {
                        for (at, reply) in group.into_iter().zip(replies) {
                            outcomes[at] = Some(Ok(reply));
                        }
                    }
                    Err(failed) if last || !failed.is_down => {
                        let error = self.unserved(failed, attempt);
                        for at in group {
                            outcomes[at] = Some(Err(error.clone()));
                        }
                    }
                    Err(_) => open.extend(group),
                }
            }
            // As the caller gave them: the later one of two writes wins.
            open.sort_unstable();
            attempt += 1;
        }
        let outcome = |outcome: Option<_>| outcome.unwrap_or_else(|| Err(no_reply()));
        outcomes.into_iter().map(outcome).collect()
    }

    /// Asks every server whether it is there.
    pub(super) async fn ping(&self) -> Result<()> {
        let asked = Bytes::from_static(b"mn\r\n");
        let calls = self.links.iter().map(|link| link.send(&asked, 1, true));
        for answer in all(calls).await {
            match answer.map_err(|failed| failed.error)?.pop() {
                Some(Reply::Done) => {}
                other => return Err(other.map_or_else(no_reply, failure::refused)),
            }
        }
        Ok(())
    }

    fn hash(&self, text: &[u8], request: &Request) -> u32 {
        // A server alone has all keys.
        if self.links.len() == 1 { 0 } else { ring::hash(&text[request.name.clone()]) }
    }

    fn is_last(&self, attempt: usize) -> bool {
        !self.failover || attempt + 1 >= self.ring.servers()
    }

    /// The requests that are `open`, by the server they go to.
    fn groups(
        &self,
        text: &[u8],
        each: &[Request],
        open: &[usize],
        attempt: usize,
    ) -> Vec<(&Arc<Link>, Vec<usize>)> {
        let mut groups: Vec<_> = self.links.iter().map(|link| (link, Vec::new())).collect();
        for at in open {
            let hash = self.hash(text, &each[*at]);
            groups[self.ring.server(hash, attempt)].1.push(*at);
        }
        groups.retain(|(_, group)| !group.is_empty());
        groups
    }

    /// The last failure, which may be one of many.
    #[cold]
    fn unserved(&self, last: Unserved, attempt: usize) -> Error {
        let Unserved { error, is_down } = last;
        if attempt == 0 || !is_down {
            return error;
        }
        let message = format!("none of {} servers is there; the last: {error}", self.links.len());
        Error::new(error.kind(), failure::LAYER).with_message(message).with_source(error)
    }
}

/// The text of a group of requests.
fn gathered(text: &Bytes, each: &[Request], group: &[usize]) -> Bytes {
    if group.len() == each.len() {
        return text.clone();
    }
    let begins = |at: usize| at.checked_sub(1).map_or(0, |before| each[before].end);
    let mut gathered = Vec::new();
    for at in group {
        gathered.extend_from_slice(&text[begins(*at)..each[*at].end]);
    }
    gathered.into()
}

#[cold]
fn no_reply() -> Error {
    failure::backend("a request without a reply")
}
