//! What [`RelayChanges`] has on its way.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{BoxFuture, Fuse, FusedFuture as _, FutureExt as _, ready};
use futures_util::stream::{FuturesOrdered, StreamExt as _};
use shared_kernel::{NewerEvent, in_words};

use super::RelayChanges;
use super::relay_changes::RelayError;
use crate::repositories::{CapturedChange, ChangeFeedError, Content, PublishError};

/// Changes between the feed and its acknowledgement: being read, being published, published, being acknowledged.
pub(super) struct Pipeline<'a> {
    relay: &'a RelayChanges,
    wait: Duration,
    most_in_hand: usize,
    /// Those being published, published and being acknowledged.
    in_hand: usize,
    reading: Reading<'a>,
    unpublishable: VecDeque<(i64, String)>,
    /// In the order in which they were read.
    publishing: FuturesOrdered<BoxFuture<'a, Published>>,
    published: Vec<i64>,
    being_acknowledged: usize,
    acknowledging: Fuse<BoxFuture<'a, Result<(), ChangeFeedError>>>,
    /// What to end with when all that is published is acknowledged.
    ending: Option<Step>,
}

/// What happened in the pipeline.
pub(super) enum Step {
    /// So many changes are on the topic, and the feed knows.
    Acknowledged(usize),
    /// The change of that position can never be published, and why.
    Unpublishable(i64, String),
    /// The change of that position is to be published by itself, now that all before it is acknowledged. The pipeline has
    /// ended.
    Newer(i64, Box<NewerEvent>),
    /// The pipeline has ended.
    Failed(RelayError),
    /// The feed has nothing more, or the caller wants no more. The pipeline has ended.
    Over,
}

enum Reading<'a> {
    /// Not now.
    Paused,
    /// There was nothing: not before something has changed.
    Dry,
    Under(BoxFuture<'a, Result<Vec<CapturedChange>, ChangeFeedError>>),
    Over,
}

/// The positions of one batch, and what became of it.
type Published = (Vec<i64>, Result<(), PublishError>);

impl<'a> Pipeline<'a> {
    pub(super) fn new(relay: &'a RelayChanges, wait: Duration, most_in_hand: usize) -> Self {
        Self {
            relay,
            wait,
            most_in_hand,
            in_hand: 0,
            reading: Reading::Paused,
            unpublishable: VecDeque::new(),
            publishing: FuturesOrdered::new(),
            published: Vec::new(),
            being_acknowledged: 0,
            acknowledging: Fuse::terminated(),
            ending: None,
        }
    }

    /// Goes on until something is to be told. Once `stop` is over, nothing more is read.
    pub(super) async fn step(&mut self, mut stop: Pin<&mut (impl Future<Output = ()> + Send)>) -> Step {
        poll_fn(|context| {
            if stop.as_mut().poll(context).is_ready() {
                self.end_with(Step::Over);
            }
            self.poll_step(context)
        })
        .await
    }

    fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        loop {
            if let Some((position, reason)) = self.unpublishable.pop_front() {
                return Poll::Ready(Step::Unpublishable(position, reason));
            }
            // All that has failed must be known here before anything more is begun.
            if let Poll::Ready(Some(published)) = self.publishing.poll_next_unpin(context) {
                self.take_over(published);
                continue;
            }
            let moved = self.poll_reading(context);
            if let Poll::Ready(step) = self.poll_acknowledging(context) {
                return Poll::Ready(step);
            }
            if moved {
                continue;
            }
            return match self.ending.take_if(|_ending| self.in_hand == 0) {
                Some(ending) => Poll::Ready(ending),
                None => Poll::Pending,
            };
        }
    }

    /// Whether something was read.
    fn poll_reading(&mut self, context: &mut Context<'_>) -> bool {
        let room = self.most_in_hand.saturating_sub(self.in_hand).min(self.relay.batch);
        if matches!(self.reading, Reading::Paused) && room > 0 {
            self.reading = Reading::Under(self.relay.feed.next(room, self.wait));
        }
        let Reading::Under(reading) = &mut self.reading else { return false };
        let Poll::Ready(read) = reading.poll_unpin(context) else { return false };
        self.reading = Reading::Paused;
        match read {
            Ok(changes) if !changes.is_empty() => self.publish(changes, context),
            Ok(_none) if self.in_hand > 0 => self.reading = Reading::Dry,
            Ok(_none) => self.end_with(Step::Over),
            Err(error) => self.end_with(Step::Failed(error.into())),
        }
        true
    }

    fn publish(&mut self, changes: Vec<CapturedChange>, context: &mut Context<'_>) {
        let (mut positions, mut events) =
            (Vec::with_capacity(changes.len()), Vec::with_capacity(changes.len()));
        for CapturedChange { position, content } in changes {
            match content {
                Content::Event(event) => {
                    positions.push(position);
                    events.push(self.relay.taken_up(*event));
                }
                // What comes behind it is read again.
                Content::Newer(event) => {
                    self.end_with(Step::Newer(position, event));
                    break;
                }
                Content::Unreadable(reason) => self.unpublishable.push_back((position, reason)),
            }
        }
        if events.is_empty() {
            return;
        }
        self.in_hand += events.len();
        let publisher = &self.relay.publisher;
        let mut publishing = async move {
            let result = publisher.publish(&events).await;
            (positions, result)
        }
        .boxed();
        // Calls take effect in the order in which they are first polled.
        self.publishing.push_back(match publishing.poll_unpin(context) {
            Poll::Ready(published) => ready(published).boxed(),
            Poll::Pending => publishing,
        });
    }

    /// What became of the batch that was begun first.
    fn take_over(&mut self, (mut positions, result): Published) {
        if let Err(error) = result {
            let refused = positions.split_off(error.acknowledged);
            // What was begun behind it fails as well.
            self.publishing = FuturesOrdered::new();
            self.in_hand = self.published.len() + self.being_acknowledged + positions.len();
            self.reading = Reading::Over;
            self.ending = Some(match refused.first() {
                Some(position) if !error.is_retryable() => {
                    self.unpublishable.push_back((*position, in_words(&error.failure)));
                    Step::Over
                }
                _ => Step::Failed(RelayError::Publish(error)),
            });
        }
        self.published.append(&mut positions);
    }

    fn poll_acknowledging(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        if self.acknowledging.is_terminated() && !self.published.is_empty() {
            let (feed, positions) = (&self.relay.feed, mem::take(&mut self.published));
            self.being_acknowledged = positions.len();
            self.acknowledging = async move { feed.acknowledge(&positions).await }.boxed().fuse();
        }
        let Poll::Ready(result) = self.acknowledging.poll_unpin(context) else { return Poll::Pending };
        if let Err(error) = result {
            return Poll::Ready(Step::Failed(error.into()));
        }
        let count = mem::take(&mut self.being_acknowledged);
        self.in_hand -= count;
        if matches!(self.reading, Reading::Dry) {
            self.reading = Reading::Paused;
        }
        Poll::Ready(Step::Acknowledged(count))
    }

    /// Reads nothing more, and ends with that unless something else was in its way before.
    pub(super) fn end_with(&mut self, step: Step) {
        self.reading = Reading::Over;
        self.ending.get_or_insert(step);
    }
}
