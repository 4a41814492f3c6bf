use std::{
    collections::VecDeque,
    mem,
    pin::{Pin, pin},
    sync::Weak,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    sync::{mpsc, oneshot},
};

use super::{
    connection::Live,
    failure,
    protocol::{self, Reply},
};
use crate::Result;

/// How much is read at once.
const READ: usize = 16 << 10;
/// How much waits to be written before no more calls are taken.
const FULL: usize = 64 << 10;

/// Requests that are written in one go, and who waits for their replies.
pub(super) struct Call {
    pub(super) requests: Bytes,
    /// How many replies there will be.
    pub(super) count: usize,
    pub(super) replies: Vec<Reply>,
    pub(super) done: oneshot::Sender<Vec<Reply>>,
}

/// Runs a connection: writes what calls bring, and gives them the replies in the order in which they
/// came. A call whose caller went away keeps its place, and its replies go nowhere.
///
/// It lets calls gather before it writes. A multi-threaded runtime runs a task that was just woken before
/// all others, so that each call would be sent in a packet of its own. Going to the end of the queue
/// first, whenever more than one call is under way, lets all callers that are ready add theirs. A lone
/// call pays nothing.
pub(super) struct Driver<S> {
    /// Held by its link, and by each call that is under way.
    live: Weak<Live>,
    stream: S,
    calls: mpsc::Receiver<Call>,
    gathered: bool,
    /// What is still to be written.
    outgoing: BytesMut,
    /// Calls that were written, or will be next, in their order.
    awaiting: VecDeque<Call>,
    incoming: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    pub(super) fn new(live: Weak<Live>, stream: S, calls: mpsc::Receiver<Call>) -> Self {
        Self {
            live,
            stream,
            calls,
            gathered: false,
            outgoing: BytesMut::new(),
            awaiting: VecDeque::new(),
            incoming: BytesMut::new(),
        }
    }

    /// Reads what there is.
    fn receive(&mut self, context: &mut Context<'_>) -> Result<()> {
        loop {
            // Never what the server says that will come.
            self.incoming.reserve(READ);
            match pin!(self.stream.read_buf(&mut self.incoming)).poll(context) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(0)) => {
                    return Err(failure::unavailable("the server closed the connection"));
                }
                Poll::Ready(Ok(_)) => self.deliver()?,
                Poll::Ready(Err(error)) => return Err(failure::lost(error)),
            }
        }
    }

    fn deliver(&mut self) -> Result<()> {
        if let Some(live) = self.live.upgrade() {
            live.hear();
        }
        while let Some(reply) = protocol::take(&mut self.incoming)? {
            let Some(call) = self.awaiting.front_mut() else {
                return Err(failure::garbage("a reply that nobody waits for"));
            };
            let confused = reply.is_confused().then(|| failure::refused(reply.clone()));
            call.replies.push(reply);
            if call.replies.len() == call.count
                && let Some(call) = self.awaiting.pop_front()
            {
                // Whoever does not wait any more does not want it.
                let _ = call.done.send(call.replies);
            }
            confused.map_or(Ok(()), Err)?;
        }
        Ok(())
    }

    /// Writes what calls bring.
    fn transmit(&mut self, context: &mut Context<'_>) -> Result<()> {
        loop {
            while self.outgoing.len() < FULL
                && let Poll::Ready(Some(mut call)) = self.calls.poll_recv(context)
            {
                if !call.done.is_closed() {
                    self.outgoing.extend_from_slice(&mem::take(&mut call.requests));
                    self.awaiting.push_back(call);
                }
            }
            if self.outgoing.is_empty() {
                break;
            }
            match Pin::new(&mut self.stream).poll_write(context, &self.outgoing) {
                Poll::Pending => break,
                Poll::Ready(Ok(0)) => {
                    return Err(failure::unavailable("the connection takes no more bytes"));
                }
                Poll::Ready(Ok(written)) => self.outgoing.advance(written),
                Poll::Ready(Err(error)) => return Err(failure::lost(error)),
            }
        }
        match Pin::new(&mut self.stream).poll_flush(context) {
            Poll::Ready(Err(error)) => Err(failure::lost(error)),
            _ => Ok(()),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Driver<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if !this.gathered && this.live.strong_count() > 2 {
            this.gathered = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        this.gathered = false;
        let Err(end) = this.receive(context).and_then(|()| this.transmit(context)) else {
            return Poll::Pending;
        };
        // Before the calls go, which tells them that there is a reason.
        if let Some(live) = this.live.upgrade() {
            live.end(end);
        }
        Poll::Ready(())
    }
}
