#![expect(clippy::doc_markdown, reason = "--help shows these texts as they are")]

use std::convert::Infallible;

use clap::Args;
use secrecy::SecretString;
use thiserror::Error;

use crate::Tracer;

const PROTOCOL: &str = "http/protobuf";
const SAMPLER: &str = "parentbased_always_on";

/// Where spans go. The environment variables are those of OpenTelemetry.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Traces")]
pub struct TraceSettings {
    /// The collector that gets spans, as http://HOST:4318 or https://HOST[:PORT][/PATH], to which /v1/traces is added;
    /// without one there are trace ids and no spans
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL", global = true)]
    otlp_endpoint: Option<String>,
    /// Headers for the collector, such as those that let us in: NAME=VALUE, separated by commas, percent-encoded
    #[arg(
        long,
        env = "OTEL_EXPORTER_OTLP_HEADERS",
        hide_env_values = true,
        value_parser = secret,
        value_name = "LIST",
        global = true
    )]
    otlp_headers: Option<SecretString>,
    /// How spans are sent: http/protobuf is the only way
    #[arg(long, env = "OTEL_EXPORTER_OTLP_PROTOCOL", default_value = PROTOCOL, value_name = "PROTOCOL", global = true)]
    otlp_protocol: String,
    /// What this program is called in traces; its own name where nothing else is said
    #[arg(long, env = "OTEL_SERVICE_NAME", value_name = "NAME", global = true)]
    otlp_service_name: Option<String>,
    /// Which traces are recorded: always_on, always_off, traceidratio, or with parentbased_ before it, as the caller has
    /// it and so where there is none
    #[arg(
        long,
        env = "OTEL_TRACES_SAMPLER",
        default_value = SAMPLER,
        value_name = "SAMPLER",
        global = true
    )]
    traces_sampler: String,
    /// Of the samplers by ratio: how many of the traces, from 0 to 1; all of them where nothing is said
    #[arg(long, env = "OTEL_TRACES_SAMPLER_ARG", value_name = "RATIO", global = true)]
    traces_sampler_arg: Option<String>,
}

#[expect(clippy::unnecessary_wraps, reason = "what clap calls")]
fn secret(text: &str) -> Result<SecretString, Infallible> {
    Ok(text.into())
}

/// A setting of traces that stops the start.
#[derive(Debug, Error)]
#[error("--{flag} ({variable}): {reason}")]
pub struct BadTraceSetting {
    flag: &'static str,
    variable: &'static str,
    reason: String,
}

/// What makes spans in this process and sends them, until it is [closed](Self::close).
#[derive(Debug)]
pub struct Traces {
    tracer: Tracer,
    #[cfg(feature = "otlp")]
    provider: Option<opentelemetry_sdk::trace::SdkTracerProvider>,
}

impl TraceSettings {
    /// What a start would say of them.
    ///
    /// # Errors
    ///
    /// [`BadTraceSetting`].
    pub fn check(&self) -> Result<(), BadTraceSetting> {
        self.start("nobody").map(drop)
    }
}

impl Traces {
    /// What makes the spans.
    pub fn tracer(&self) -> Tracer {
        self.tracer.clone()
    }
}

#[cfg(not(feature = "otlp"))]
mod without_export {
    use super::{BadTraceSetting, TraceSettings, Tracer, Traces};

    impl TraceSettings {
        /// Traces without a collector, which this build cannot reach.
        ///
        /// # Errors
        ///
        /// [`BadTraceSetting`] when one is asked for.
        pub fn start(&self, _program: &str) -> Result<Traces, BadTraceSetting> {
            let Self {
                otlp_endpoint,
                otlp_headers: _,
                otlp_protocol: _,
                otlp_service_name: _,
                traces_sampler: _,
                traces_sampler_arg: _,
            } = self;
            match otlp_endpoint.as_deref() {
                None | Some("") => Ok(Traces { tracer: Tracer::silent() }),
                Some(_) => Err(BadTraceSetting {
                    flag: "otlp-endpoint",
                    variable: "OTEL_EXPORTER_OTLP_ENDPOINT",
                    reason: "this build cannot export spans; build with the feature `otlp`".to_owned(),
                }),
            }
        }
    }

    impl Traces {
        /// Nothing is left to be sent.
        pub async fn close(self) {}
    }
}

#[cfg(feature = "otlp")]
mod with_export {
    use std::time::Duration;

    use percent_encoding::percent_decode_str;
    use secrecy::ExposeSecret as _;

    use super::{BadTraceSetting, PROTOCOL, SAMPLER, TraceSettings, Tracer, Traces};
    use crate::otlp::{Collector, Sampler};

    /// How long sending what is left may take at the end.
    const CLOSE_LIMIT: Duration = Duration::from_secs(2);

    impl TraceSettings {
        /// Starts what sends spans, as those of `program` where no other name is set. The collector need not be there.
        ///
        /// # Errors
        ///
        /// [`BadTraceSetting`], also for a setting that would only count with a collector.
        pub fn start(&self, program: &str) -> Result<Traces, BadTraceSetting> {
            let (sampler, headers) = (self.sampler()?, self.headers()?);
            self.check_protocol()?;
            let Some(endpoint) = self.otlp_endpoint.as_deref().filter(|url| !url.is_empty()) else {
                return Ok(Traces { tracer: Tracer::silent(), provider: None });
            };
            let bad = |reason| BadTraceSetting {
                flag: "otlp-endpoint",
                variable: "OTEL_EXPORTER_OTLP_ENDPOINT",
                reason,
            };
            let has_scheme = ["http://", "https://"].iter().any(|scheme| endpoint.starts_with(scheme));
            if !has_scheme || endpoint.contains(['?', '#', '@']) {
                return Err(bad("it must be http://HOST:PORT or https://HOST[:PORT][/PATH]".to_owned()));
            }
            let name = self.otlp_service_name.as_deref().filter(|name| !name.is_empty()).unwrap_or(program);
            let collector = Collector {
                endpoint: format!("{}/v1/traces", endpoint.trim_end_matches('/')),
                headers,
                service_name: name.to_owned(),
                sampler,
            };
            let (provider, recorder) = collector.start().map_err(|error| bad(error.to_string()))?;
            Ok(Traces { tracer: Tracer::recording(recorder), provider: Some(provider) })
        }

        fn check_protocol(&self) -> Result<(), BadTraceSetting> {
            if ["", PROTOCOL].contains(&self.otlp_protocol.as_str()) {
                return Ok(());
            }
            Err(BadTraceSetting {
                flag: "otlp-protocol",
                variable: "OTEL_EXPORTER_OTLP_PROTOCOL",
                reason: format!("it must be {PROTOCOL}"),
            })
        }

        fn sampler(&self) -> Result<Sampler, BadTraceSetting> {
            // OpenTelemetry takes an empty variable for none.
            let name = Some(self.traces_sampler.as_str()).filter(|name| !name.is_empty()).unwrap_or(SAMPLER);
            let base = match name.strip_prefix("parentbased_").unwrap_or(name) {
                "always_on" => Sampler::AlwaysOn,
                "always_off" => Sampler::AlwaysOff,
                "traceidratio" => Sampler::TraceIdRatioBased(self.ratio()?),
                _ => {
                    return Err(BadTraceSetting {
                        flag: "traces-sampler",
                        variable: "OTEL_TRACES_SAMPLER",
                        reason: "it must be always_on, always_off or traceidratio, or one of them behind parentbased_"
                            .to_owned(),
                    });
                }
            };
            Ok(if name.starts_with("parentbased_") { Sampler::ParentBased(Box::new(base)) } else { base })
        }

        fn ratio(&self) -> Result<f64, BadTraceSetting> {
            let Some(text) = self.traces_sampler_arg.as_deref().filter(|text| !text.is_empty()) else {
                return Ok(1.0);
            };
            text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio)).ok_or_else(|| BadTraceSetting {
                flag: "traces-sampler-arg",
                variable: "OTEL_TRACES_SAMPLER_ARG",
                reason: "it must be a number from 0 to 1".to_owned(),
            })
        }

        /// The headers, decoded. What is refused is not repeated, since it may let somebody in.
        fn headers(&self) -> Result<Vec<(String, String)>, BadTraceSetting> {
            let pairs = self
                .otlp_headers
                .as_ref()
                .map_or("", |headers| headers.expose_secret())
                .split(',')
                .map(str::trim);
            let read = |pair: &str| {
                let (name, value) = pair.split_once('=')?;
                let name = name.trim();
                let value = percent_decode_str(value.trim()).decode_utf8().ok()?.into_owned();
                // RFC 9110, section 5.6.2. The exporter would leave others out and say nothing.
                let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
                let is_name = !name.is_empty() && name.bytes().all(is_token);
                let is_value = value.is_ascii() && !value.contains(char::is_control);
                (is_name && is_value).then(|| (name.to_owned(), value))
            };
            let headers = pairs.filter(|pair| !pair.is_empty()).map(read).collect::<Option<_>>();
            headers.ok_or_else(|| BadTraceSetting {
                flag: "otlp-headers",
                variable: "OTEL_EXPORTER_OTLP_HEADERS",
                reason: "it must be NAME=VALUE, separated by commas, with values percent-encoded".to_owned(),
            })
        }
    }

    impl Traces {
        /// Sends what is left, for two seconds at most, and then sends nothing any more.
        pub async fn close(self) {
            let Some(provider) = self.provider else { return };
            let closing = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(CLOSE_LIMIT));
            // The exporter said already that the collector cannot be had, and nobody waits for it.
            let _closed = tokio::time::timeout(CLOSE_LIMIT, closing).await;
        }
    }
}

#[cfg(all(test, feature = "otlp"))]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::SpanKind;
    use crate::otlp::EXPORT_LIMIT;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        traces: TraceSettings,
    }

    fn start(flags: &[&str]) -> Result<Traces, String> {
        let flags = [&["program"], flags].concat();
        let program = Program::try_parse_from(flags).map_err(|error| error.to_string())?;
        program.traces.start("program").map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn what_counts_is_taken_with_and_without_a_collector() {
        let collector = "--otlp-endpoint=http://127.0.0.1:9";
        for flags in [
            &[][..],
            &[collector],
            &["--otlp-endpoint="],
            &[collector, "--traces-sampler=traceidratio", "--traces-sampler-arg=0.1"],
            &[collector, "--traces-sampler=parentbased_always_off", "--otlp-headers=a=b,c=d%20e"],
        ] {
            start(flags).unwrap().close().await;
        }
    }

    #[tokio::test]
    async fn a_collector_that_never_answers_does_not_hold_up_the_end() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let traces = start(&[&format!("--otlp-endpoint=http://{}", silent.local_addr().unwrap())]).unwrap();
        drop(traces.tracer().begin(SpanKind::Server, "GET", None));
        // Sooner than the exporter gives up its request.
        tokio::time::timeout(EXPORT_LIMIT, traces.close()).await.unwrap();
    }

    #[test]
    fn a_bad_setting_is_refused_by_its_name_and_no_secret_is_repeated() {
        for (flag, value, told) in [
            ("--otlp-endpoint", "collector:4317", "OTEL_EXPORTER_OTLP_ENDPOINT"),
            ("--otlp-endpoint", "http://user:secret@collector:4318", "http://HOST:PORT"),
            ("--otlp-endpoint", "http://", "OTEL_EXPORTER_OTLP_ENDPOINT"),
            ("--otlp-protocol", "grpc", "http/protobuf"),
            ("--otlp-headers", "secret", "NAME=VALUE"),
            ("--otlp-headers", "a=%0Asecret", "OTEL_EXPORTER_OTLP_HEADERS"),
            ("--traces-sampler", "sometimes", "parentbased_"),
            ("--traces-sampler", "parentbased_", "OTEL_TRACES_SAMPLER"),
        ] {
            let said = start(&[&format!("{flag}={value}")]).unwrap_err();
            assert!(said.contains(flag) && said.contains(told) && !said.contains("secret"), "{said}");
        }
        for ratio in ["2", "-1", "half", "NaN"] {
            let said = start(&["--traces-sampler=traceidratio", &format!("--traces-sampler-arg={ratio}")])
                .unwrap_err();
            assert!(said.contains("OTEL_TRACES_SAMPLER_ARG"), "{said}");
        }
    }
}
