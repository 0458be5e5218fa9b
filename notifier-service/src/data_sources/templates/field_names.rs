use shared_kernel::{Locale, UserField};

use crate::entities::one_line;

/// What a field is called in the reader's language. A field that this build does not know keeps its
/// technical name.
pub(super) fn field_name(field: &UserField, locale: Locale) -> String {
    let [en, pt_br, es] = match field {
        UserField::Username => ["Username", "Nome de usuário", "Nombre de usuario"],
        UserField::Email => ["E-mail address", "Endereço de e-mail", "Dirección de correo electrónico"],
        UserField::PendingEmail => [
            "New e-mail address (waiting for confirmation)",
            "Novo endereço de e-mail (aguardando confirmação)",
            "Nueva dirección de correo electrónico (pendiente de confirmación)",
        ],
        UserField::Password => ["Password", "Senha", "Contraseña"],
        UserField::FullName => ["Full name", "Nome completo", "Nombre completo"],
        UserField::DateOfBirth => ["Date of birth", "Data de nascimento", "Fecha de nacimiento"],
        UserField::Address => ["Postal address", "Endereço postal", "Dirección postal"],
        UserField::Status => ["Confirmation status", "Situação da confirmação", "Estado de confirmación"],
        UserField::Locale => ["Language of mails", "Idioma dos e-mails", "Idioma de los correos"],
        UserField::Other(name) => return one_line(name),
    };
    let name = match locale {
        Locale::En => en,
        Locale::PtBr => pt_br,
        Locale::Es => es,
    };
    name.to_owned()
}
