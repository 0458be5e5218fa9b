use std::borrow::Cow;
use std::time::SystemTime;

use crate::TraceContext;

/// Makes spans, which a collector gets where one is configured. Without one it costs next to nothing: a request has a trace
/// id nevertheless, and all else makes no span.
#[derive(Debug, Clone, Default)]
pub struct Tracer {
    #[cfg(feature = "otlp")]
    recorder: Option<crate::otlp::Recorder>,
}

/// What a span is in relation to others of its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// It handles a request that somebody waits for.
    Server,
    /// It asks another server for something and waits.
    Client,
    /// It hands something to a broker.
    Producer,
    /// It takes something from a broker.
    Consumer,
}

/// What an attribute of a span holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpanValue {
    /// Text.
    Text(Cow<'static, str>),
    /// A number.
    Number(i64),
}

/// When something began, where it matters: nobody asks the clock for a span that is not made.
#[derive(Debug, Clone, Copy)]
pub struct Moment(pub(crate) Option<SystemTime>);

/// Something that takes time and is part of a trace. It ends when it is dropped.
#[derive(Debug)]
pub struct Span {
    context: TraceContext,
    #[cfg(feature = "otlp")]
    recording: Option<crate::otlp::Recording>,
}

impl Tracer {
    /// Makes no span.
    pub fn silent() -> Self {
        Self::default()
    }

    #[cfg(feature = "otlp")]
    pub(crate) fn recording(recorder: crate::otlp::Recorder) -> Self {
        Self { recorder: Some(recorder) }
    }

    /// Now.
    pub fn moment(&self) -> Moment {
        #[cfg(feature = "otlp")]
        return Moment(self.recorder.as_ref().map(|_| now()));
        #[cfg(not(feature = "otlp"))]
        Moment(None)
    }

    /// Begins what a request causes: a part of the caller's trace where there is one, and else a trace. Whether it is
    /// recorded is for the sampler to say.
    pub fn begin(
        &self,
        kind: SpanKind,
        name: impl Into<Cow<'static, str>>,
        caller: Option<TraceContext>,
    ) -> Span {
        #[cfg(feature = "otlp")]
        if let Some(recorder) = &self.recorder {
            let (context, recording) = recorder.begin(kind, name.into(), caller, now());
            return Span { context, recording };
        }
        // Only a recorded span has a name and a kind.
        let _unnamed = (kind, name);
        Span {
            context: caller.unwrap_or_else(TraceContext::unrecorded),
            #[cfg(feature = "otlp")]
            recording: None,
        }
    }

    /// Tells of a part of a trace that began at that moment and ends now. `None` where nobody would get it: without a
    /// collector, for a `traceparent` that is none or that is not sampled, and beyond a thousand a second, so that a
    /// backlog is not slowed down by what is told of it.
    pub fn follow(
        &self,
        kind: SpanKind,
        name: &'static str,
        traceparent: Option<&str>,
        began: Moment,
    ) -> Option<Span> {
        #[cfg(feature = "otlp")]
        {
            let (recorder, began) = (self.recorder.as_ref()?, began.0?);
            let (context, recording) =
                recorder.follow(kind, name.into(), traceparent?.parse().ok()?, began)?;
            Some(Span { context, recording: Some(recording) })
        }
        #[cfg(not(feature = "otlp"))]
        {
            let _nobody_gets_it = (kind, name, traceparent, began.0);
            None
        }
    }
}

impl Span {
    /// What goes to whatever it causes.
    pub fn context(&self) -> TraceContext {
        self.context
    }

    /// Adds an attribute. Nothing personal or secret: a collector keeps it.
    pub fn set(&mut self, key: &'static str, value: impl Into<SpanValue>) {
        #[cfg(feature = "otlp")]
        if let Some(recording) = &mut self.recording {
            recording.set(key, value.into());
        }
        #[cfg(not(feature = "otlp"))]
        let _unrecorded = (key, value);
    }

    /// Gives it another name.
    pub fn rename(&mut self, name: impl Into<Cow<'static, str>>) {
        #[cfg(feature = "otlp")]
        if let Some(recording) = &mut self.recording {
            recording.rename(name.into());
        }
        #[cfg(not(feature = "otlp"))]
        let _unrecorded = name;
    }

    /// Says that it failed, in words that may be logged.
    pub fn fail(&mut self, words: impl Into<Cow<'static, str>>) {
        #[cfg(feature = "otlp")]
        if let Some(recording) = &mut self.recording {
            recording.fail(words.into());
        }
        #[cfg(not(feature = "otlp"))]
        let _unrecorded = words;
    }
}

impl From<&'static str> for SpanValue {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for SpanValue {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<i64> for SpanValue {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<i32> for SpanValue {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u16> for SpanValue {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

impl From<u32> for SpanValue {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

#[cfg(feature = "otlp")]
#[expect(clippy::disallowed_methods, reason = "what a collector shows is by the system's clock")]
fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_collector_the_callers_context_goes_on_unchanged_and_nothing_is_told() {
        let tracer = Tracer::silent();
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let span = tracer.begin(SpanKind::Server, "GET", text.parse().ok());
        assert_eq!(span.context().to_string(), text);
        let one = tracer.begin(SpanKind::Server, "GET", None).context();
        assert_ne!(one.trace_id(), tracer.begin(SpanKind::Server, "GET", None).context().trace_id());
        assert!(tracer.follow(SpanKind::Client, "send", Some(text), tracer.moment()).is_none());
    }
}
