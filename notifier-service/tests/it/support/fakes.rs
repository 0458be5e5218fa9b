use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use notifier_service::entities::{Answer, DialogueStage, Mail, Notification};
use notifier_service::repositories::{
    DeadLetter, DeadLetterLog, DeadLetterLogError, DeadLetters, DeadLettersError, Jitter, LoggedLetter,
    MailRenderer, Mailer, MailerError, MonotonicClock, RenderError, SendRate,
};

/// A clock that only moves when it is told to, or slept on.
#[derive(Default)]
pub(crate) struct SteppedClock {
    now: Mutex<Duration>,
}

impl SteppedClock {
    pub(crate) fn advance(&self, time: Duration) {
        *self.now.lock().unwrap() += time;
    }
}

#[async_trait]
impl MonotonicClock for SteppedClock {
    fn now(&self) -> Duration {
        *self.now.lock().unwrap()
    }

    async fn sleep(&self, time: Duration) {
        self.advance(time);
    }
}

/// Never shortens a delay.
pub(crate) struct NoJitter;

impl Jitter for NoJitter {
    fn next(&self) -> f64 {
        0.0
    }
}

/// What a mailbox provider would be: takes mail, unless told otherwise for an address.
#[derive(Default)]
pub(crate) struct FakeMailServer {
    inner: Mutex<FakeMailServerState>,
}

#[derive(Default)]
struct FakeMailServerState {
    accepted: Vec<Mail>,
    answers: HashMap<String, MailerError>,
    hanging: HashSet<String>,
    during_send: Option<Box<dyn Fn() + Send>>,
}

impl FakeMailServer {
    /// Answers every mail to that address so, until [`accept`](Self::accept).
    pub(crate) fn answer(&self, address: &str, error: MailerError) {
        self.inner.lock().unwrap().answers.insert(address.to_owned(), error);
    }

    pub(crate) fn accept(&self, address: &str) {
        self.inner.lock().unwrap().answers.remove(address);
    }

    /// Never answers a mail to that address.
    pub(crate) fn hang(&self, address: &str) {
        self.inner.lock().unwrap().hanging.insert(address.to_owned());
    }

    /// Does this while a mail is being sent.
    pub(crate) fn during_send(&self, happens: impl Fn() + Send + 'static) {
        self.inner.lock().unwrap().during_send = Some(Box::new(happens));
    }

    /// The recipients of the mails accepted, in order.
    pub(crate) fn accepted(&self) -> Vec<String> {
        self.inner.lock().unwrap().accepted.iter().map(|mail| mail.recipient.as_str().to_owned()).collect()
    }
}

#[async_trait]
impl Mailer for FakeMailServer {
    async fn send(&self, mail: &Mail, _deadline: Duration) -> Result<Answer, MailerError> {
        let hangs = self.inner.lock().unwrap().hanging.contains(mail.recipient.as_str());
        if hangs {
            std::future::pending::<()>().await;
        }
        let mut inner = self.inner.lock().unwrap();
        if let Some(happens) = &inner.during_send {
            happens();
        }
        match inner.answers.get(mail.recipient.as_str()) {
            Some(error) => Err(error.clone()),
            None => {
                inner.accepted.push(mail.clone());
                Ok(Answer::at(DialogueStage::Message, "250 ok"))
            }
        }
    }
}

/// One mail in so much of a clock's time. What happens meanwhile is up to the test.
pub(crate) struct SteppedRate {
    clock: Arc<SteppedClock>,
    every: Duration,
    next: Mutex<Duration>,
    during_take: Box<dyn Fn() + Send + Sync>,
}

impl SteppedRate {
    pub(crate) fn new(
        clock: Arc<SteppedClock>,
        every: Duration,
        during_take: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self { clock, every, next: Mutex::default(), during_take: Box::new(during_take) }
    }
}

impl SendRate for SteppedRate {
    fn take(&self) -> Result<(), Duration> {
        (self.during_take)();
        let (now, mut next) = (self.clock.now(), self.next.lock().unwrap());
        if now < *next {
            return Err(*next - now);
        }
        *next = now + self.every;
        Ok(())
    }
}

/// Writes the shortest of mails, in as much time as it is told to.
#[derive(Default)]
pub(crate) struct PlainRenderer {
    pub(crate) takes: Option<(Arc<SteppedClock>, Duration)>,
    /// Fails for this username.
    pub(crate) fails_for: Option<String>,
}

impl MailRenderer for PlainRenderer {
    fn render(&self, notification: &Notification) -> Result<Mail, RenderError> {
        if let Some((clock, time)) = &self.takes {
            clock.advance(*time);
        }
        if self.fails_for.as_ref() == Some(&notification.username) {
            return Err(RenderError { template: "en/updated.text".into(), source: "line 3".into() });
        }
        Ok(Mail {
            id: notification.id,
            recipient: notification.recipient.clone(),
            recipient_name: None,
            subject: "s".into(),
            text: "t".into(),
            html: "h".into(),
            language: notification.locale,
        })
    }
}

/// Dead letters in memory.
#[derive(Default)]
pub(crate) struct InMemoryDeadLetters {
    inner: Mutex<(Vec<DeadLetter>, u32)>,
}

impl InMemoryDeadLetters {
    /// Makes the next so many calls fail as if the broker were away.
    pub(crate) fn fail_next(&self, calls: u32) {
        self.inner.lock().unwrap().1 = calls;
    }

    pub(crate) fn letters(&self) -> Vec<DeadLetter> {
        self.inner.lock().unwrap().0.clone()
    }
}

#[async_trait]
impl DeadLetters for InMemoryDeadLetters {
    async fn put(&self, letter: &DeadLetter) -> Result<(), DeadLettersError> {
        let mut inner = self.inner.lock().unwrap();
        if inner.1 > 0 {
            inner.1 -= 1;
            return Err(DeadLettersError::Unavailable("the broker is away".into()));
        }
        inner.0.push(letter.clone());
        Ok(())
    }
}

/// A dead-letter topic of so many partitions in memory.
pub(crate) struct InMemoryDeadLetterLog {
    partitions: Mutex<Vec<Vec<LoggedLetter>>>,
}

impl InMemoryDeadLetterLog {
    pub(crate) fn new(partitions: Vec<Vec<LoggedLetter>>) -> Self {
        Self { partitions: Mutex::new(partitions) }
    }

    /// Takes all partitions away.
    pub(crate) fn break_down(&self) {
        self.partitions.lock().unwrap().clear();
    }
}

#[async_trait]
impl DeadLetterLog for InMemoryDeadLetterLog {
    async fn partitions(&self) -> Result<Vec<i32>, DeadLetterLogError> {
        let partitions = self.partitions.lock().unwrap().len();
        match i32::try_from(partitions).unwrap() {
            0 => Err(DeadLetterLogError::Unavailable("the broker is away".into())),
            partitions => Ok((0..partitions).collect()),
        }
    }

    async fn letters(&self, partition: i32) -> Result<Vec<LoggedLetter>, DeadLetterLogError> {
        Ok(self.partitions.lock().unwrap()[usize::try_from(partition).unwrap()].clone())
    }
}
