//! What must hold for any bytes that a stranger sends. The fuzzers try bytes of their own; a test of `system-tests`
//! tries the corpus, so that what was found once is held for ever.

pub(crate) mod action_token;
pub(crate) mod debezium;
pub(crate) mod event;
pub(crate) mod merge_patch;
