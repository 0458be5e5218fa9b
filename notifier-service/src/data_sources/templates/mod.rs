//! Mails from templates that are embedded in the program, or in a folder that takes their place.

mod dates;
mod embedded;
mod error;
mod field_names;
mod lifetime;
mod renderer;
mod template_set;

pub use error::TemplateError;
pub use renderer::MinijinjaMailRenderer;
pub use template_set::MailTemplates;
