//! Holds a service's source against the rules.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use syn::visit::{self, Visit};

use super::adapters::adapters;
use super::paths::{Import, Scope, Target, extern_crate, imports, written};
use super::rules::Place;
use super::service::{Service, Source, has_cfg_test};
use super::tokens::look_into;
use super::violation::{Rule, Violation};

/// All violations, in the order of files and lines.
pub(super) fn check(service: &Service) -> BTreeSet<Violation> {
    let adapters = adapters(service);
    let mut violations: BTreeSet<_> = service.unparsable.iter().cloned().collect();
    violations.extend(Place::LAYERS.into_iter().filter_map(|layer| empty_layer(service, layer)));
    for source in service.sources.iter().filter(|it| !service.is_for_tests(&it.module)) {
        let scope = Scope::new(&service.crate_name, source.module.clone(), &source.syntax.items, None);
        let mut checker = Checker {
            service,
            adapters: &adapters,
            source,
            scopes: vec![scope],
            in_attribute: false,
            found: vec![],
        };
        if Place::of(&source.module).is_none() {
            checker.report(1, Rule::UnknownModule, "this file is in no layer".to_owned());
        }
        checker.visit_file(&source.syntax);
        violations.extend(checker.found);
    }
    violations
}

/// A layer in which nothing was looked at is an error of the scan or of the service. It is reported where `lib.rs`
/// declares the layer.
fn empty_layer(service: &Service, layer: Place) -> Option<Violation> {
    let in_layer = |it: &&Source| Place::of(&it.module) == Some(layer) && !service.is_for_tests(&it.module);
    if service.sources.iter().filter(in_layer).any(|it| !it.syntax.items.is_empty()) {
        return None;
    }
    let root = service.sources.iter().find(|it| it.module.is_empty());
    let declared = root.and_then(|root| {
        root.syntax.items.iter().find_map(|item| match item {
            syn::Item::Mod(item) if item.ident == layer.name() => Some(item.ident.span().start().line),
            _ => None,
        })
    });
    Some(Violation {
        file: root.map_or_else(|| "src".to_owned(), |it| it.file.clone()),
        line: declared.unwrap_or(1),
        rule: Rule::EmptyLayer,
        message: format!("there is no code in src/{}", layer.name()),
    })
}

fn line_of(path: &syn::Path) -> usize {
    path.segments.first().map_or(1, |it| it.ident.span().start().line)
}

struct Checker<'a> {
    service: &'a Service,
    adapters: &'a BTreeSet<String>,
    source: &'a Source,
    /// Of the modules around the place that is looked at, the innermost last.
    scopes: Vec<Scope>,
    in_attribute: bool,
    found: Vec<Violation>,
}

impl Checker<'_> {
    fn report(&mut self, line: usize, rule: Rule, message: String) {
        self.found.push(Violation { file: self.source.file.clone(), line, rule, message });
    }

    fn scope(&self) -> &Scope {
        self.scopes.last().unwrap()
    }

    fn place(&self) -> Option<Place> {
        Place::of(&self.scope().module)
    }

    fn check_imports(&mut self, imports: Vec<Import>) {
        for import in imports {
            if let Some((rule, message)) = self.fault_in(&import.path, import.is_glob()) {
                self.report(import.line, rule, message);
            }
        }
    }

    fn check_path(&mut self, path: &[String], line: usize) {
        // A single name was imported, which is looked at there, or is from here.
        if path.len() < 2 {
            return;
        }
        let reported_at_import =
            self.scope().import_of(path).is_some_and(|import| self.fault_in(import, false).is_some());
        if reported_at_import {
            return;
        }
        if let Some((rule, message)) = self.fault_in(path, false) {
            self.report(line, rule, message);
        }
    }

    /// What is wrong with using this path here.
    fn fault_in(&self, path: &[String], is_glob: bool) -> Option<(Rule, String)> {
        let here = self.place()?;
        match self.scope().resolve(path) {
            Target::Internal(target) => self.fault_in_internal(here, &target),
            Target::External(target) => {
                let used = target.join("::");
                let is_within = |used: &str, outer: &str| {
                    used.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
                };
                let banned = here
                    .banned(&self.source.file)
                    .into_iter()
                    .find(|banned| is_within(&used, banned) || (is_glob && is_within(banned, &used)))?;
                Some((
                    Rule::Technology,
                    format!("uses `{used}`, but {} must not know `{banned}`", here.name()),
                ))
            }
        }
    }

    fn fault_in_internal(&self, here: Place, target: &[String]) -> Option<(Rule, String)> {
        let there = target.first().map_or(Some(Place::Root), |first| Place::named(first));
        let used = format!("crate::{}", target.join("::"));
        // The root itself can only be imported as a whole, with all that is in it.
        let is_own = if here == Place::Root { there.is_none() } else { there == Some(here) };
        if is_own {
            return None;
        }
        let Some(there) = there.filter(|there| here.may_use().contains(there)) else {
            let names: Vec<_> = here.may_use().iter().map(|it| it.name()).collect();
            let allowed = if names.is_empty() { "no other layer".to_owned() } else { names.join(", ") };
            return Some((Rule::Layer, format!("uses `{used}`, but {} may use {allowed}", here.name())));
        };
        if there != Place::DataSources || here.may_name_adapters() {
            return None;
        }
        let inside = &target[1..];
        let is_settings = inside.iter().any(|it| it.starts_with(char::is_uppercase))
            && !inside.iter().any(|it| self.adapters.contains(it));
        (!is_settings).then(|| {
            let message = format!(
                "uses `{used}`, but only composition may name adapters; {} may use settings types of \
                 data_sources, by name",
                here.name()
            );
            (Rule::Adapter, message)
        })
    }

    fn check_purity(&mut self, line: usize) {
        if self.place() == Some(Place::Entities) {
            self.report(line, Rule::Async, "is async, but entities must be pure".to_owned());
        }
    }

    fn check_string(&mut self, string: &syn::LitStr) {
        if self.in_attribute
            && let Ok(path) = string.parse::<syn::Path>()
        {
            self.check_path(&written(&path), string.span().start().line);
        }
    }
}

impl<'ast> Visit<'ast> for Checker<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if has_cfg_test(&item.attrs) {
            return;
        }
        let line = item.ident.span().start().line;
        if item.attrs.iter().any(|it| it.path().is_ident("path")) {
            self.report(line, Rule::HiddenFile, "`#[path]` puts a module where nobody expects it".to_owned());
        }
        let name = item.ident.to_string();
        if self.scope().module.is_empty() && Place::named(&name).is_none() {
            self.report(line, Rule::UnknownModule, format!("the module `{name}` is in no layer"));
        }
        let Some((_, items)) = &item.content else { return };
        let around = self.scope();
        let module = [around.module.clone(), vec![name]].concat();
        let scope = Scope::new(&self.service.crate_name, module, items, Some(around));
        self.scopes.push(scope);
        visit::visit_item_mod(self, item);
        self.scopes.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.check_imports(imports(item));
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        self.check_imports(vec![extern_crate(item)]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.check_path(&written(path), line_of(path));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        if item.path.segments.last().is_some_and(|it| it.ident == "include") {
            self.report(
                line_of(&item.path),
                Rule::HiddenFile,
                "`include!` brings in code that is not looked at".to_owned(),
            );
        }
        visit::visit_macro(self, item);
    }

    fn visit_token_stream(&mut self, tokens: &'ast TokenStream) {
        let found = look_into(tokens.clone());
        for (path, line) in found.paths {
            self.check_path(&path, line);
        }
        for item in found.uses {
            self.check_imports(imports(&item));
        }
        for string in found.strings {
            self.check_string(&string);
        }
        for line in found.asyncs {
            self.check_purity(line);
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        // Documentation may name anything.
        if !attribute.path().is_ident("doc") {
            self.in_attribute = true;
            visit::visit_attribute(self, attribute);
            self.in_attribute = false;
        }
    }

    fn visit_lit_str(&mut self, string: &'ast syn::LitStr) {
        self.check_string(string);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if signature.asyncness.is_some() {
            self.check_purity(signature.fn_token.span.start().line);
        }
        visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, expression: &'ast syn::ExprAsync) {
        self.check_purity(expression.async_token.span.start().line);
        visit::visit_expr_async(self, expression);
    }

    fn visit_expr_await(&mut self, expression: &'ast syn::ExprAwait) {
        self.check_purity(expression.await_token.span.start().line);
        visit::visit_expr_await(self, expression);
    }

    fn visit_expr_closure(&mut self, expression: &'ast syn::ExprClosure) {
        if let Some(token) = &expression.asyncness {
            self.check_purity(token.span.start().line);
        }
        visit::visit_expr_closure(self, expression);
    }
}
