//! What can be found in tokens that nobody parses: the arguments of macros and attributes.

use proc_macro2::{TokenStream, TokenTree};

use super::paths::Written;

/// What was found in tokens.
#[derive(Default)]
pub(super) struct Found {
    /// Paths of two segments and more, with their lines.
    pub(super) paths: Vec<(Written, usize)>,
    pub(super) uses: Vec<syn::ItemUse>,
    pub(super) strings: Vec<syn::LitStr>,
    /// The lines with `async` or `await`.
    pub(super) asyncs: Vec<usize>,
}

/// Looks into the tokens, and into the groups in them.
pub(super) fn look_into(tokens: TokenStream) -> Found {
    let mut found = Found::default();
    look(tokens, &mut found);
    found
}

fn look(tokens: TokenStream, found: &mut Found) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            TokenTree::Group(group) => look(group.stream(), found),
            TokenTree::Literal(literal) => {
                found.strings.extend(syn::parse2::<syn::LitStr>(TokenTree::from(literal.clone()).into()));
            }
            TokenTree::Punct(_) => {}
            TokenTree::Ident(ident) => {
                let line = ident.span().start().line;
                if ident == "async" || ident == "await" {
                    found.asyncs.push(line);
                } else if ident == "use" {
                    let Some(length) = tokens[at..].iter().position(|it| is_punct(it, ';')) else { continue };
                    // A macro writes `$crate`.
                    let item = tokens[at - 1..=at + length]
                        .iter()
                        .filter(|it| !is_punct(it, '$'))
                        .cloned()
                        .collect();
                    if let Ok(item) = syn::parse2(item) {
                        found.uses.push(item);
                        at += length;
                    }
                } else {
                    let mut path = segment(token);
                    while let [first, second, next @ TokenTree::Ident(_), ..] = &tokens[at..]
                        && is_punct(first, ':')
                        && is_punct(second, ':')
                    {
                        path.extend(segment(next));
                        at += 3;
                    }
                    if path.len() > 1 {
                        found.paths.push((path, line));
                    }
                }
            }
        }
    }
}

fn segment(token: &TokenTree) -> Written {
    vec![token.to_string().trim_start_matches("r#").to_owned()]
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(it) if it.as_char() == character)
}
