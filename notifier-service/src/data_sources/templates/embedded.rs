/// The templates of a language: what its mails share, and every kind of mail in three parts, each by its name.
macro_rules! language {
    ($locale:literal) => {
        language!($locale,
            "registered" "updated" "deleted" "confirm-address" "confirm-new-address"
            "address-change-requested" "address-change-stopped" "account-confirmed" "address-confirmed" "address-replaced"
            "password-changed" "reset-password"
        )
    };
    ($locale:literal, $($kind:literal)*) => {
        &[
            template!($locale, "/layout.html"),
            template!($locale, "/layout.text"),
            template!($locale, "/link.html"),
            template!($locale, "/link.text"),
            $(
                template!($locale, "/", $kind, ".subject"),
                template!($locale, "/", $kind, ".text"),
                template!($locale, "/", $kind, ".html"),
            )*
        ]
    };
}

macro_rules! template {
    ($($part:literal),*) => {
        (concat!($($part),*), include_str!(concat!("../../../templates/", $($part),*)))
    };
}

/// Every template by its name: what all mails share, and those of each language.
pub(super) const TEMPLATES: [&[(&str, &str)]; 4] = [
    &[template!("layout.html"), template!("button.html")],
    language!("en"),
    language!("pt-BR"),
    language!("es"),
];
