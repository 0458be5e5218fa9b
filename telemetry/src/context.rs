use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Which trace something belongs to and what it was caused by, as W3C Trace Context tells it in the header `traceparent`
/// (<https://www.w3.org/TR/trace-context/>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    pub(crate) trace_id: u128,
    pub(crate) span_id: u64,
    pub(crate) is_sampled: bool,
}

/// The text is no trace context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it must be a traceparent, such as 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
pub struct BadTraceparent;

impl TraceContext {
    /// Begins a trace that nobody records.
    ///
    /// # Panics
    ///
    /// When the system has no randomness.
    pub fn unrecorded() -> Self {
        let mut bytes = [0; 24];
        getrandom::fill(&mut bytes).expect("the system has randomness");
        let (trace_id, span_id) = bytes.split_at(16);
        let trace_id = trace_id.iter().fold(0, |id, byte| id << 8 | u128::from(*byte));
        let span_id = span_id.iter().fold(0, |id, byte| id << 8 | u64::from(*byte));
        // Zero is no id.
        Self { trace_id: trace_id.max(1), span_id: span_id.max(1), is_sampled: false }
    }

    /// The trace's id: 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// Whether who began the trace records it.
    pub fn is_sampled(&self) -> bool {
        self.is_sampled
    }
}

impl FromStr for TraceContext {
    type Err = BadTraceparent;

    /// Reads a `traceparent`. Of a version that is not known yet, what the known one has.
    fn from_str(text: &str) -> Result<Self, BadTraceparent> {
        let mut parts = text.split('-');
        let mut next = |digits: usize| {
            let part = parts.next().filter(|part| part.len() == digits)?;
            let is_hex = part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            is_hex.then(|| u128::from_str_radix(part, 16).ok()).flatten()
        };
        let read = || Some((next(2)?, next(32)?, next(16)?, next(2)?));
        let (version, trace_id, span_id, flags) = { read }().ok_or(BadTraceparent)?;
        let has_more = parts.next().is_some();
        if version == 0xff || (version == 0 && has_more) || trace_id == 0 || span_id == 0 {
            return Err(BadTraceparent);
        }
        let span_id = u64::try_from(span_id).map_err(|_| BadTraceparent)?;
        Ok(Self { trace_id, span_id, is_sampled: flags & 1 == 1 })
    }
}

impl fmt::Display for TraceContext {
    /// Writes it as a `traceparent` of version 00.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace_id, span_id, is_sampled } = self;
        write!(f, "00-{trace_id:032x}-{span_id:016x}-{:02x}", u8::from(*is_sampled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_unchanged() {
        for text in [
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000001-0000000000000001-00",
        ] {
            assert_eq!(text.parse::<TraceContext>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let context: TraceContext =
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03-more".parse().unwrap();
        assert_eq!(context.to_string(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    }

    #[test]
    fn what_is_no_trace_context_is_refused() {
        for text in [
            "",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-1-2-01",
            "a\r\nb",
        ] {
            assert_eq!(text.parse::<TraceContext>(), Err(BadTraceparent), "{text:?}");
        }
    }

    #[test]
    fn every_trace_has_an_id_of_its_own() {
        let (one, other) = (TraceContext::unrecorded(), TraceContext::unrecorded());
        assert_ne!(one.trace_id(), other.trace_id());
        assert_eq!(one.to_string().parse(), Ok(one));
        assert!(!one.is_sampled());
    }
}
