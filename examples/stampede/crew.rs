//! The processes of one scenario, seen from their parent.

use std::{env, error::Error, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    sync::mpsc,
    time::timeout,
};

use crate::talk::{Findings, Job, Micros, Said, now};

/// From the signal to the start, so that all have got it.
const NOTICE: Micros = 100_000;

/// How long all of them may say nothing, beside the time that the job takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Processes with the same job. They are killed when it is dropped.
pub(crate) struct Crew {
    children: Vec<Child>,
    said: mpsc::UnboundedReceiver<(usize, Option<Said>)>,
    silence: Duration,
    /// The one that did not live to the end.
    killed: Option<usize>,
    /// Creations that began.
    pub(crate) started: usize,
}

impl Crew {
    /// Starts them, and waits until all are ready.
    pub(crate) async fn gather(count: usize, job: &Job) -> Result<Self, Box<dyn Error>> {
        let (say, said) = mpsc::unbounded_channel();
        let program = env::current_exe()?;
        let takes = job.go_on_ms.unwrap_or(job.lease_ms + job.creator_ms);
        let silence = PATIENCE + Duration::from_millis(takes.into());
        let mut crew = Self { children: Vec::new(), said, silence, killed: None, started: 0 };
        for number in 0..count {
            let mut command = Command::new(&program);
            command.arg("--child").arg(serde_json::to_string(job)?);
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
            let mut child = command.spawn()?;
            let lines = child.stdout.take().ok_or("a child without a voice")?;
            let say = say.clone();
            tokio::spawn(async move {
                let mut lines = BufReader::new(lines).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    // What is not understood, as the last line of one who was killed, is nothing.
                    if let Ok(said) = serde_json::from_str(&line) {
                        let _ = say.send((number, Some(said)));
                    }
                }
                let _ = say.send((number, None));
            });
            crew.children.push(child);
        }
        for _ in 0..count {
            match crew.next().await? {
                (_, Some(Said::Ready)) => {}
                (number, _) => return Err(format!("process {number} ended too early").into()),
            }
        }
        Ok(crew)
    }

    /// The next thing that one of them says; `None` when it ends.
    async fn next(&mut self) -> Result<(usize, Option<Said>), Box<dyn Error>> {
        let Ok(said) = timeout(self.silence, self.said.recv()).await else {
            return Err(format!("no process said anything for {:?}", self.silence).into());
        };
        let said = said.ok_or("all processes are gone")?;
        self.started += usize::from(matches!(said.1, Some(Said::Creating)));
        Ok(said)
    }

    /// Gives the signal; says when they start.
    pub(crate) async fn start(&mut self) -> Result<Micros, Box<dyn Error>> {
        let start = now() + NOTICE;
        for child in &mut self.children {
            let pipe = child.stdin.as_mut().ok_or("a child without ears")?;
            pipe.write_all(format!("{start}\n").as_bytes()).await?;
            pipe.flush().await?;
        }
        Ok(start)
    }

    /// Waits until somebody creates, and kills that one so long after. Says when.
    pub(crate) async fn kill_owner(&mut self, after: Duration) -> Result<Micros, Box<dyn Error>> {
        loop {
            match self.next().await? {
                (number, Some(Said::Creating)) => {
                    tokio::time::sleep(after).await;
                    let killed = now();
                    self.killed = Some(number);
                    self.children[number].kill().await?;
                    return Ok(killed);
                }
                (_, Some(_)) => {}
                (number, None) => return Err(format!("process {number} ended too early").into()),
            }
        }
    }

    /// What they saw, once so many are done.
    pub(crate) async fn findings(&mut self, count: usize) -> Result<Findings, Box<dyn Error>> {
        let mut all = Findings::default();
        let mut done = Vec::new();
        while done.len() < count {
            match self.next().await? {
                (number, Some(Said::Done(findings))) => {
                    done.push(number);
                    all.add(findings);
                }
                (number, None) if !done.contains(&number) && self.killed != Some(number) => {
                    return Err(format!("process {number} ended before it was done").into());
                }
                _ => {}
            }
        }
        Ok(all)
    }
}

impl Findings {
    fn add(&mut self, other: Self) {
        self.created.extend(other.created);
        self.stored.extend(other.stored);
        self.values.extend(other.values);
        self.first_got.extend(other.got.iter().min());
        self.got.extend(other.got);
        self.took.extend(other.took);
        self.stale += other.stale;
        self.errors.extend(other.errors);
    }
}
