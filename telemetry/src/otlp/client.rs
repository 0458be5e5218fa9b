use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use ureq::Agent;

/// Sends what the exporter encoded. It blocks, which is right on the exporter's own thread and nowhere else.
#[derive(Debug)]
pub(super) struct BlockingClient(Agent);

impl BlockingClient {
    /// No request takes longer than `limit`.
    pub(super) fn new(limit: Duration) -> Self {
        let config = Agent::config_builder().timeout_global(Some(limit)).http_status_as_error(false);
        Self(config.build().into())
    }
}

#[async_trait]
impl HttpClient for BlockingClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let (head, mut body) = self.0.run(Request::from_parts(head, &body[..]))?.into_parts();
        Ok(Response::from_parts(head, body.read_to_vec()?.into()))
    }
}
