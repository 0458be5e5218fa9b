//! Mails from templates that are embedded in the program.

mod embedded;
mod field_names;
mod lifetime;
mod renderer;

pub use renderer::MinijinjaMailRenderer;
