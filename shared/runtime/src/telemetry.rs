//! Logging: one JSON object per line on standard output, where Lambda collects it.
//!
//! A line has the fields of its event and those of the spans around it, all at the top level. So the
//! span that the runtime opens for each request, message, batch and task gives its correlation ids to
//! every line logged inside it, however deep.

use std::{
    fmt::{Debug, Write as _},
    io::{self, Write as _},
};

use domain::trace::TraceParent;
use serde::Serialize;
use tracing::{
    Event, Span, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer, Registry,
    filter::{LevelFilter, Targets},
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::environment::Environment;

/// Name prefixes of third-party crates that log. Only their warnings are shown: at `debug` and `trace`
/// they log requests and responses, and so personal data.
const OTHERS: [&str; 5] = ["aws_", "h2", "hyper", "lambda_http", "rustls"];
/// Bytes and fields of a line for which memory is reserved; most lines have fewer.
const LINE: usize = 384;
const FIELDS: usize = 16;

/// Starts logging at `LOG_LEVEL`, by default `info`. A plain level instead of a filter language, as it
/// costs nothing at start.
pub(crate) fn start(environment: &Environment) {
    let level = environment
        .get("LOG_LEVEL")
        .and_then(|level| level.parse::<LevelFilter>().ok())
        .unwrap_or(LevelFilter::INFO);
    subscriber(level, |line: &[u8]| {
        // If nobody collects the lines, there is nowhere to report it.
        let _ = io::stdout().lock().write_all(line);
    })
    .init();
}

/// Everything about logging except its level and its output.
///
/// `lambda_runtime`'s span of each invocation is disabled: the runtime's own span has its request id, and
/// it took a tenth of a small function's instructions.
pub(crate) fn subscriber(
    level: LevelFilter,
    write: impl Fn(&[u8]) + Send + Sync + 'static,
) -> impl Subscriber + Send + Sync {
    let targets = Targets::new()
        .with_default(level)
        .with_target("lambda_runtime", level.min(LevelFilter::ERROR))
        .with_targets(OTHERS.map(|name| (name, level.min(LevelFilter::WARN))));
    Registry::default().with(JsonLines { write }).with(targets)
}

/// Span of what request `request_id` caused: every line logged inside it has that id as `request.id`, and the id of
/// the trace as `trace.id`.
/// For work that an invocation does for another request than its own, such as the orders of a sweep.
///
/// Instrument a future with it (`tracing::Instrument`); an entered span must not be held across an
/// `await`, where other futures would log under it.
pub fn request_span(request_id: &str, place: TraceParent) -> Span {
    // At the level of errors, so that lines have their ids at every `LOG_LEVEL`.
    tracing::error_span!(
        "request",
        request.id = request_id,
        trace.id = place.trace_id()
    )
}

/// Writes each event as one line, with the fields of its spans. The formatter of `tracing_subscriber`
/// nests a span's fields, parses them again for each line, and cannot let an inner span's field replace
/// an outer one's (docs/performance.md).
struct JsonLines<W> {
    write: W,
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    W: Fn(&[u8]) + Send + Sync + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = SpanFields::default();
            attributes.record(&mut Visitor(&mut fields));
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<SpanFields>()
        {
            values.record(&mut Visitor(fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Line::new(event.metadata().level().as_str());
        event.record(&mut Visitor(&mut line));
        // From the innermost span outwards.
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(SpanFields(fields)) = span.extensions().get() {
                for (name, json) in fields {
                    line.put(name, |bytes| bytes.extend_from_slice(json));
                }
            }
        }
        (self.write)(&line.end());
    }
}

/// Takes the fields of a span or an event.
trait Fields {
    /// Takes a field, whose value `write` appends as JSON.
    fn put(&mut self, name: &'static str, write: impl FnOnce(&mut Vec<u8>));
}

/// Fields of a span, their values as JSON.
#[derive(Default)]
struct SpanFields(Vec<(&'static str, Vec<u8>)>);

impl Fields for SpanFields {
    /// A value that is recorded again replaces the one before.
    fn put(&mut self, name: &'static str, write: impl FnOnce(&mut Vec<u8>)) {
        let mut json = Vec::new();
        write(&mut json);
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, before)) => *before = json,
            None => self.0.push((name, json)),
        }
    }
}

/// A line that is being written.
struct Line {
    json: Vec<u8>,
    names: Vec<&'static str>,
}

impl Line {
    fn new(level: &str) -> Self {
        let mut json = Vec::with_capacity(LINE);
        json.extend_from_slice(b"{\"level\":");
        encode(level, &mut json);
        Self {
            json,
            names: Vec::with_capacity(FIELDS),
        }
    }

    fn end(mut self) -> Vec<u8> {
        self.json.extend_from_slice(b"}\n");
        self.json
    }
}

impl Fields for Line {
    /// The first value of a name stays: an event's field replaces that of its span, and a span's that of
    /// the span around it.
    fn put(&mut self, name: &'static str, write: impl FnOnce(&mut Vec<u8>)) {
        if self.names.contains(&name) {
            return;
        }
        self.names.push(name);
        self.json.push(b',');
        encode(name, &mut self.json);
        self.json.push(b':');
        write(&mut self.json);
    }
}

/// Gives each field to `F`, as JSON of its type.
struct Visitor<'a, F>(&'a mut F);

impl<F: Fields> Visitor<'_, F> {
    fn put(&mut self, field: &Field, value: &(impl Serialize + ?Sized)) {
        self.0.put(field.name(), |bytes| encode(value, bytes));
    }
}

impl<F: Fields> Visit for Visitor<'_, F> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, &value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = String::new();
        // Only fails if the value's own formatting does.
        if write!(text, "{value:?}").is_err() {
            text.push('…');
        }
        self.put(field, text.as_str());
    }
}

/// Appends a text, number or boolean as JSON.
fn encode(value: &(impl Serialize + ?Sized), bytes: &mut Vec<u8>) {
    // Cannot fail: memory takes everything, and a number that JSON lacks becomes `null`.
    let _ = serde_json::to_writer(bytes, value);
}

#[cfg(test)]
pub(crate) mod testing {
    //! Captures what functions log.

    use std::sync::{Arc, Mutex};

    use serde_json::Value;
    use tracing::subscriber::DefaultGuard;

    use super::*;

    /// Lines that this thread has logged since the start, as Lambda would collect them.
    pub(crate) struct Log {
        written: Arc<Mutex<Vec<u8>>>,
        _until_dropped: DefaultGuard,
    }

    impl Log {
        /// Starts to capture lines of `info` and above.
        pub(crate) fn start() -> Self {
            Self::start_at(LevelFilter::INFO)
        }

        pub(crate) fn start_at(level: LevelFilter) -> Self {
            let written = Arc::new(Mutex::new(Vec::new()));
            let output = Arc::clone(&written);
            let subscriber = subscriber(level, move |line: &[u8]| {
                output.lock().unwrap().extend_from_slice(line);
            });
            Self {
                written,
                _until_dropped: tracing::subscriber::set_default(subscriber),
            }
        }

        /// All lines as text.
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.written.lock().unwrap().clone()).unwrap()
        }

        /// All lines; each is a JSON object.
        pub(crate) fn lines(&self) -> Vec<Value> {
            let text = self.text();
            let lines = text.lines().map(serde_json::from_str::<Value>);
            let lines: Vec<Value> = lines.collect::<Result<_, _>>().unwrap();
            assert!(lines.iter().all(Value::is_object), "{lines:?}");
            lines
        }

        /// The lines with this message.
        pub(crate) fn of(&self, message: &str) -> Vec<Value> {
            let mut lines = self.lines();
            lines.retain(|line| line["message"] == message);
            lines
        }

        /// The only line with this message.
        pub(crate) fn one(&self, message: &str) -> Value {
            let lines = self.of(message);
            assert_eq!(lines.len(), 1, "{message}: {}", self.text());
            lines[0].clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tracing::field::Empty;

    use super::{testing::Log, *};

    #[test]
    fn a_line_is_one_flat_object_with_the_types_of_its_fields() {
        let log = Log::start();
        let said = "two\nlines and \"quotes\"";
        tracing::info!(
            order.id = %"ord_1",
            http.status = 200_u16,
            stock.on_hand = -1_i64,
            event.new = true,
            dynamodb.units = 1.5,
            problem.code = None::<&str>,
            error = said,
            "order placed"
        );
        assert_eq!(
            log.text(),
            "{\"level\":\"INFO\",\"message\":\"order placed\",\"order.id\":\"ord_1\",\"http.status\":200,\
             \"stock.on_hand\":-1,\"event.new\":true,\"dynamodb.units\":1.5,\
             \"error\":\"two\\nlines and \\\"quotes\\\"\"}\n"
        );
    }

    #[test]
    fn the_innermost_value_of_a_field_is_printed_and_printed_once() {
        let log = Log::start();
        request_span("sweep", TraceParent::begin("sweep")).in_scope(|| {
            let message = tracing::error_span!("message", message.id = "m", request.id = Empty);
            message.in_scope(|| {
                tracing::info!("early");
                message.record("request.id", "placed");
                tracing::info!("late");
                message.record("request.id", "again");
                request_span("order", TraceParent::begin("order"))
                    .in_scope(|| tracing::info!("inner"));
                tracing::info!(request.id = "of the event", "own");
                tracing::info!(request.id = None::<&str>, "none of its own");
            });
        });
        let ids: Vec<_> = log
            .lines()
            .iter()
            .map(|line| json!([line["message"], line["message.id"], line["request.id"]]))
            .collect();
        assert_eq!(
            json!(ids),
            json!([
                ["early", "m", "sweep"],
                ["late", "m", "placed"],
                ["inner", "m", "order"],
                ["own", "m", "of the event"],
                ["none of its own", "m", "again"],
            ])
        );
        for line in log.text().lines() {
            assert_eq!(line.matches("request.id").count(), 1, "{line}");
        }
    }

    #[test]
    fn ids_are_kept_at_every_level_and_other_crates_only_warn() {
        for level in [LevelFilter::ERROR, LevelFilter::WARN, LevelFilter::TRACE] {
            let log = Log::start_at(level);
            request_span("r", TraceParent::begin("r")).in_scope(|| {
                tracing::error!("ours");
                tracing::warn!(target: "aws_smithy_runtime::client", "theirs");
                tracing::info!(target: "hyper::client", "a request");
                tracing::warn!(target: "lambda_runtime", "polling");
            });
            assert_eq!(log.one("ours")["request.id"], "r");
            let theirs = log.of("theirs");
            assert_eq!(theirs.len(), usize::from(level >= LevelFilter::WARN));
            assert!(theirs.iter().all(|line| line["request.id"] == "r"));
            assert!(log.of("a request").is_empty() && log.of("polling").is_empty());
        }
    }

    #[test]
    fn a_value_that_cannot_be_written_does_not_spoil_its_line() {
        struct Broken;
        impl Debug for Broken {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("half of ")?;
                Err(std::fmt::Error)
            }
        }
        let log = Log::start();
        tracing::info!(broken = ?Broken, ratio = f64::NAN, "line");
        let line = log.one("line");
        assert_eq!(line["broken"], "half of …");
        assert!(line["ratio"].is_null(), "{line}");
    }
}
