use std::error::Error;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, Scope, SpanRef};

/// The fields of spans and events in the way that [`JsonLines`] reads them.
pub(super) fn fields() -> JsonFields {
    JsonFields::new()
}

/// One JSON object a line. The fields of the spans that an event is within are beside its own, so that a trace id is
/// found at the same place in every line; the inner one counts where two have the same name.
pub(super) struct JsonLines;

/// The members that every line has, in this order. Fields of these names are left out.
#[derive(Serialize)]
struct Line<'a> {
    timestamp: &'a str,
    level: &'a str,
    target: &'a str,
    message: Value,
    /// The innermost span.
    #[serde(skip_serializing_if = "Option::is_none")]
    span: Option<&'a str>,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl<S: Subscriber + for<'lookup> LookupSpan<'lookup>> FormatEvent<S, JsonFields> for JsonLines {
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Map::new();
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            if let Some(written) = span.extensions().get::<FormattedFields<JsonFields>>() {
                merge(&mut fields, written);
            }
        }
        let mut own = String::new();
        context.format_fields(Writer::new(&mut own), event)?;
        merge(&mut fields, &own);
        // JsonFields writes what an error says itself, and not why.
        event.record(&mut Causes(&mut fields));
        let message = fields.remove("message").unwrap_or(Value::String(String::new()));
        for taken in ["timestamp", "level", "target", "span"] {
            fields.remove(taken);
        }
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let span = context.lookup_current();
        let line = Line {
            timestamp: &timestamp,
            level: event.metadata().level().as_str(),
            target: event.metadata().target(),
            message,
            span: span.as_ref().map(SpanRef::name),
            fields,
        };
        let line = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
        writeln!(writer, "{line}")
    }
}

/// Writes errors with all of their causes.
struct Causes<'a>(&'a mut Map<String, Value>);

impl Visit for Causes<'_> {
    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        let mut words = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            words.push_str(": ");
            words.push_str(&error.to_string());
            cause = error.source();
        }
        self.0.insert(field.name().to_owned(), Value::String(words));
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn fmt::Debug) {}
}

/// Adds what was written as a JSON object. What is none, as a span without fields, has nothing to add.
fn merge(fields: &mut Map<String, Value>, written: &str) {
    if let Ok(Value::Object(more)) = serde_json::from_str(written) {
        fields.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn lines(log: impl FnOnce()) -> Vec<Value> {
        let written = Written::default();
        let to = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || to.clone())
            .fmt_fields(fields())
            .event_format(JsonLines)
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn fields_of_the_spans_stand_beside_the_events_own() {
        let [line] = &lines(|| {
            let request = tracing::info_span!("request", traceId = "0af7", route = tracing::field::Empty);
            request.record("route", "/users/{id}");
            let _entered = request.entered();
            let _inner = tracing::info_span!("inner", route = "inner").entered();
            tracing::warn!(status = 412, cause = %"a \"quoted\" word", "refused");
        })[..] else {
            panic!("one line")
        };
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
        let mut line = line.clone();
        line.as_object_mut().unwrap().remove("timestamp");
        assert_eq!(
            line,
            serde_json::json!({
                "level": "WARN", "target": module_path!(), "message": "refused", "span": "inner",
                "traceId": "0af7", "route": "inner", "status": 412, "cause": "a \"quoted\" word",
            })
        );
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        #[derive(Debug)]
        struct Failed(std::num::ParseIntError);

        impl fmt::Display for Failed {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("could not read")
            }
        }

        impl Error for Failed {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.0)
            }
        }

        let failed = Failed("seven".parse::<u8>().unwrap_err());
        let lines = lines(|| tracing::warn!(error = &failed as &dyn Error, "waiting"));
        assert_eq!(lines[0]["error"], "could not read: invalid digit found in string");
    }

    #[test]
    fn no_text_makes_a_second_line_or_a_second_member() {
        let lines = lines(|| {
            tracing::info!(level = "mine", timestamp = "then", "two\nlines");
            tracing::info!(count = 7_u64);
        });
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["message"], &lines[0]["level"]), (&"two\nlines".into(), &"INFO".into()));
        assert_eq!((&lines[1]["message"], &lines[1]["count"]), (&"".into(), &7.into()));
    }
}
