/// The templates of every kind of mail in a language, each by its name.
macro_rules! language {
    ($locale:literal) => {
        language!($locale,
            "registered" "updated" "deleted" "confirm-address" "confirm-new-address"
            "address-change-requested" "address-change-stopped" "account-confirmed" "address-confirmed" "address-replaced"
            "password-changed" "reset-password"
        )
    };
    ($locale:literal, $($kind:literal)*) => {
        &[$(
            template!($locale, "/", $kind, ".subject"),
            template!($locale, "/", $kind, ".text"),
            template!($locale, "/", $kind, ".html"),
        )*]
    };
}

macro_rules! template {
    ($($part:literal),*) => {
        (concat!($($part),*), include_str!(concat!("../../../templates/", $($part),*)))
    };
}

/// Every template by its name: what all mails share, and subject, text and HTML of each kind in each language.
pub(super) const TEMPLATES: [&[(&str, &str)]; 4] = [
    &[template!("layout.html"), template!("link.html")],
    language!("en"),
    language!("pt-BR"),
    language!("es"),
];
