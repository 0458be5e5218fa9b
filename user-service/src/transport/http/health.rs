/// Is the process alive?
///
/// For probes. Says nothing of the database.
#[utoipa::path(
    get, path = "/health/live", tag = "service", operation_id = "isAlive",
    responses((status = 200, description = "It is.", body = String)),
)]
pub(super) async fn live() -> &'static str {
    "alive\n"
}
