use notifier_service::entities::{Notification, NotificationKind, Recipient, one_line, samples};
use proptest::prelude::*;
use shared_kernel::{Locale, UserField};

use super::Post;
use super::message::{check, display_name};

/// What people, and those who are up to something, have put into names.
const NASTY: [&str; 18] = [
    "Ada\r\nBcc: eve@evil.example",
    "Ada\nSubject: You won\n\nopen http://evil.example",
    "Ada\u{2028}Bcc: eve@evil.example\u{85}x",
    "\"Ada\" <eve@evil.example>, x",
    "Ada, Eve; Mallory: group <a@b>;",
    "back\\slash\\\" and 'quotes'",
    "=?utf-8?B?QmNjOiBldmVAZXZpbC5leGFtcGxl?=",
    "\u{202e}gro.elpmaxe@ada\u{202c}",
    "\u{2066}\u{200f}Ada\u{2069}\u{200e}",
    "عبد الله",
    "👩‍💻 Ada 🦀",
    "<img src=x onerror=alert(1)><!--",
    "</strong></body><script>alert(1)</script>",
    "&lt;b&gt; &amp; & &#60;",
    "{{ link }}{% raw %}{% endblock %}",
    "\0\u{7}\u{1b}[31mAda",
    ".\r\n.\r\nQUIT",
    "  Ada\t\tLovelace  ",
];

fn nasty() -> Vec<String> {
    let long = ["Ł".repeat(255), "x".repeat(255), "👩‍💻".repeat(85), "é ".repeat(127)];
    NASTY.iter().map(|text| (*text).to_owned()).chain(long).collect()
}

/// The mail of that kind, with that text wherever a user's text can be.
fn with_text(kind: NotificationKind, locale: Locale, text: &str) -> Notification {
    let plain = samples(locale).into_iter().map(|sample| sample.notification).find(|it| it.kind == kind);
    let plain = plain.unwrap();
    Notification {
        username: text.to_owned(),
        full_name: Some(text.to_owned()),
        changed: match plain.changed.is_empty() {
            true => vec![],
            false => vec![UserField::Other(text.to_owned())],
        },
        other_address: plain.other_address.as_ref().map(|_| Recipient::new(text)),
        ..plain
    }
}

/// Whoever's text is in it, a mail has the headers, the recipient and the markup that are meant, and shows the text as
/// text.
async fn holds_what_is_meant(post: &Post, kind: NotificationKind, locale: Locale, text: &str) {
    let notification = with_text(kind, locale, text);
    let (mail, accepted) = post.send(&notification).await;
    check(&accepted, &mail, &notification, "ada@example.org");

    let shown = one_line(text);
    assert_eq!(display_name(&accepted).unwrap_or_default(), shown);
    let in_html = unescaped(&mail.html);
    assert!(mail.text.contains(&shown) && in_html.contains(&shown), "{shown:?} in {}", mail.text);
    let plain = post.render(&with_text(kind, locale, "ada"));
    assert_eq!(mail.html.matches('<').count(), plain.html.matches('<').count(), "{}", mail.html);
    assert_eq!(mail.text.lines().count(), plain.text.lines().count(), "{}", mail.text);
    let turns =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    for part in [&mail.subject, &mail.text, &mail.html] {
        assert!(!part.contains(turns), "{part:?}");
    }
    assert!(!mail.subject.contains(char::is_control), "{:?}", mail.subject);
}

fn unescaped(html: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/"), ("&amp;", "&")]
        .into_iter()
        .fold(html.to_owned(), |html, (escaped, plain)| html.replace(escaped, plain))
}

#[tokio::test]
async fn whatever_is_in_a_name_every_mail_is_what_is_meant() {
    let post = Post::open().await;
    for text in nasty() {
        for kind in NotificationKind::ALL {
            holds_what_is_meant(&post, kind, Locale::PtBr, &text).await;
        }
    }
}

#[tokio::test]
async fn internationalised_addresses_get_their_mail() {
    let post = Post::open().await;
    for (address, envelope) in [
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("üda@bücher.example", "üda@xn--bcher-kva.example"),
        ("用户@例子.广告", "用户@xn--fsqu00a.xn--4rr70v"),
        ("ada+mails@BÜCHER.example", "ada+mails@xn--bcher-kva.example"),
        ("o'hara!#$%&*+-/=?^_`{|}~@example.org", "o'hara!#$%&*+-/=?^_`{|}~@example.org"),
    ] {
        for name in [Some("Ada \"the first\" <x@y>"), None] {
            let notification = Notification {
                recipient: Recipient::new(address),
                full_name: name.map(str::to_owned),
                ..with_text(NotificationKind::Updated, Locale::Es, "ada")
            };
            let (mail, accepted) = post.send(&notification).await;
            check(&accepted, &mail, &notification, envelope);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_text_at_all_is_shown_as_text(
        parts in prop::collection::vec(
            prop_oneof![prop::sample::select(nasty()), any::<String>(), "[<>&\"'@,;:\\\\\r\n\t =?.-]{1,20}"],
            1..4,
        ),
        kind in prop::sample::select(NotificationKind::ALL.to_vec()),
        locale in prop::sample::select(Locale::ALL.to_vec()),
    ) {
        // As long as a column of the database.
        let text: String = parts.concat().chars().take(255).collect();
        // A name of nothing that can be shown is none; that has a test of its own.
        prop_assume!(!one_line(&text).is_empty());
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            holds_what_is_meant(&Post::open().await, kind, locale, &text).await;
        });
    }
}
