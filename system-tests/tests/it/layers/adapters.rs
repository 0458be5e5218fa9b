//! Which names are adapters, found out from the source itself.

use std::collections::BTreeSet;

use syn::visit::{self, Visit};

use super::rules::Place;
use super::service::{Service, Source, has_cfg_test};

/// The types of `data_sources` that implement a port or have an async method, and the async functions there: whoever
/// names one of them has chosen a technology. What is left are settings and errors.
pub(super) fn adapters(service: &Service) -> BTreeSet<String> {
    let mut ports = Ports(BTreeSet::new());
    for source in in_place(service, Place::Repositories) {
        ports.visit_file(&source.syntax);
    }
    let mut adapters = Adapters { ports: ports.0, found: BTreeSet::new() };
    for source in in_place(service, Place::DataSources) {
        adapters.visit_file(&source.syntax);
    }
    adapters.found
}

fn in_place(service: &Service, place: Place) -> impl Iterator<Item = &Source> {
    service.sources.iter().filter(move |it| Place::of(&it.module) == Some(place))
}

struct Ports(BTreeSet<String>);

impl Visit<'_> for Ports {
    fn visit_item_trait(&mut self, item: &syn::ItemTrait) {
        self.0.insert(item.ident.to_string());
    }
}

struct Adapters {
    ports: BTreeSet<String>,
    found: BTreeSet<String>,
}

impl Visit<'_> for Adapters {
    fn visit_item_mod(&mut self, item: &syn::ItemMod) {
        if !has_cfg_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &syn::ItemFn) {
        if item.sig.asyncness.is_some() {
            self.found.insert(item.sig.ident.to_string());
        }
    }

    fn visit_item_impl(&mut self, item: &syn::ItemImpl) {
        let syn::Type::Path(of) = &*item.self_ty else { return };
        let Some(name) = of.path.segments.last() else { return };
        let is_adapter = match &item.trait_ {
            Some((port, _)) => {
                port.segments.last().is_some_and(|it| self.ports.contains(&it.ident.to_string()))
            }
            None => {
                item.items.iter().any(|it| matches!(it, syn::ImplItem::Fn(it) if it.sig.asyncness.is_some()))
            }
        };
        if is_adapter {
            self.found.insert(name.ident.to_string());
        }
    }
}
