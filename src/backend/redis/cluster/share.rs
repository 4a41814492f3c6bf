//! What of a batch goes to which node.

use std::sync::Arc;

use redis::{Cmd, Pipeline, Value};

use super::super::{connection::Link, failure};
use crate::{Result, runtime::all};

/// What goes to one node, in one pipeline.
pub(super) struct Share {
    pub(super) link: Arc<Link>,
    /// Whether each command is preceded by `ASKING`: the slot is on its way to this node.
    pub(super) asks: bool,
    /// Where the commands stand in the batch.
    pub(super) positions: Vec<usize>,
    commands: Pipeline,
}

#[derive(Default)]
pub(super) struct Shares(Vec<Share>);

impl Shares {
    /// The command at position `at` goes to `link`.
    pub(super) fn add(&mut self, link: &Arc<Link>, asks: bool, at: usize, command: &Cmd) {
        let is_it = |share: &Share| share.asks == asks && Arc::ptr_eq(&share.link, link);
        let known = self.0.iter().position(is_it).unwrap_or_else(|| {
            let (link, commands) = (Arc::clone(link), Pipeline::new());
            self.0.push(Share { link, asks, positions: Vec::new(), commands });
            self.0.len() - 1
        });
        let share = &mut self.0[known];
        share.positions.push(at);
        if asks {
            share.commands.add_command(redis::cmd("ASKING"));
        }
        share.commands.add_command(command.clone());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sends everything at the same time; what each node answered.
    pub(super) async fn send(self) -> Vec<(Share, Result<Vec<Value>>)> {
        let sent = all(self.0.iter().map(Share::send)).await;
        self.0.into_iter().zip(sent).collect()
    }
}

impl Share {
    async fn send(&self) -> Result<Vec<Value>> {
        let answers = self.link.send(&self.commands).await?;
        Ok(if self.asks { answers.into_iter().skip(1).step_by(2).collect() } else { answers })
    }
}

/// Sends `command` to a node to which its slot is on its way.
pub(super) async fn asking(link: &Arc<Link>, command: &Cmd) -> Result<Value> {
    let mut both = Pipeline::with_capacity(2);
    both.add_command(redis::cmd("ASKING")).add_command(command.clone());
    let answer = link.send(&both).await?.pop();
    answer.ok_or_else(|| failure::unexpected("the server gave no answer"))
}
