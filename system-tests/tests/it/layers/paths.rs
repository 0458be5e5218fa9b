//! What a path in a module stands for.

use std::collections::{BTreeMap, BTreeSet};

use syn::ext::IdentExt;
use syn::visit::Visit;

use super::service::ModulePath;

/// A path as it is written. A leading `::` is an empty first segment.
pub(super) type Written = Vec<String>;

/// What a path stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Something in the service, by its path from the crate's root.
    Internal(Vec<String>),
    /// Anything else: a crate and what is in it, or a local name.
    External(Vec<String>),
}

/// One name that a `use` brings into scope.
#[derive(Debug)]
pub(super) struct Import {
    pub(super) path: Written,
    /// What it is called here; nothing for `*`.
    pub(super) name: Option<String>,
    pub(super) line: usize,
}

impl Import {
    pub(super) fn is_glob(&self) -> bool {
        self.name.is_none()
    }
}

/// The names of a module.
pub(super) struct Scope {
    pub(super) module: ModulePath,
    crate_name: String,
    submodules: BTreeSet<String>,
    imports: BTreeMap<String, Written>,
}

impl Scope {
    /// The scope of a module with these items. What functions in it import counts as imported by all of it, and
    /// what the module around it imports as well: it may be, by `use super::*`.
    pub(super) fn new(
        crate_name: &str,
        module: ModulePath,
        items: &[syn::Item],
        around: Option<&Self>,
    ) -> Self {
        let mut names = Names { submodules: BTreeSet::new(), imports: Vec::new() };
        for item in items {
            names.visit_item(item);
        }
        let mut imports = around.map_or_else(BTreeMap::new, Self::absolute_imports);
        imports.extend(names.imports.into_iter().filter_map(|it| Some((it.name?, it.path))));
        Self { module, crate_name: crate_name.to_owned(), submodules: names.submodules, imports }
    }

    /// What the first segment of a path was imported as, if it was.
    pub(super) fn import_of(&self, path: &[String]) -> Option<&Written> {
        self.imports.get(path.first()?)
    }

    pub(super) fn resolve(&self, path: &[String]) -> Target {
        self.resolve_through(path, &mut BTreeSet::new())
    }

    /// `followed` are the imports that led here, so that a circle ends.
    fn resolve_through<'a>(&'a self, path: &[String], followed: &mut BTreeSet<&'a str>) -> Target {
        let Some((first, rest)) = path.split_first() else { return Target::Internal(Vec::new()) };
        match first.as_str() {
            "" => self.outside(rest),
            "crate" => Target::Internal(rest.to_vec()),
            "self" | "super" => self.relative(path),
            name if self.submodules.contains(name) => Target::Internal([&self.module, path].concat()),
            name => match self.imports.get_key_value(name) {
                Some((name, import)) if followed.insert(name) => {
                    self.resolve_through(&[import, rest].concat(), followed)
                }
                _ => self.outside(path),
            },
        }
    }

    fn relative(&self, path: &[String]) -> Target {
        let mut module = self.module.clone();
        let mut rest = path;
        while let Some((first, after)) = rest.split_first() {
            match first.as_str() {
                "self" => {}
                "super" => drop(module.pop()),
                _ => break,
            }
            rest = after;
        }
        module.extend_from_slice(rest);
        Target::Internal(module)
    }

    /// A binary uses its own library as a crate.
    fn outside(&self, path: &[String]) -> Target {
        match path.split_first() {
            Some((first, rest)) if *first == self.crate_name => Target::Internal(rest.to_vec()),
            // What is in `core` is also in `std`.
            Some((first, rest)) if first == "core" => Target::External([&["std".to_owned()], rest].concat()),
            _ => Target::External(path.to_vec()),
        }
    }

    fn absolute_imports(&self) -> BTreeMap<String, Written> {
        let absolute = |path: &Written| match self.resolve(path) {
            Target::Internal(path) => [vec!["crate".to_owned()], path].concat(),
            Target::External(path) => [vec![String::new()], path].concat(),
        };
        self.imports.iter().map(|(name, path)| (name.clone(), absolute(path))).collect()
    }
}

/// The segments of a path.
pub(super) fn written(path: &syn::Path) -> Written {
    let root = path.leading_colon.map(|_| String::new());
    root.into_iter().chain(path.segments.iter().map(|it| it.ident.unraw().to_string())).collect()
}

/// The names that a `use` brings into scope.
pub(super) fn imports(item: &syn::ItemUse) -> Vec<Import> {
    fn collect(tree: &syn::UseTree, before: &[String], found: &mut Vec<Import>) {
        let mut import = |ident: &syn::Ident, rename: &syn::Ident| {
            let path = match ident.unraw().to_string() {
                ident if ident == "self" && !before.is_empty() => before.to_vec(),
                ident => [before, &[ident]].concat(),
            };
            let name = match rename.unraw().to_string() {
                name if name == "self" => path.last().cloned(),
                name => Some(name),
            };
            found.push(Import { path, name, line: ident.span().start().line });
        };
        match tree {
            syn::UseTree::Path(path) => {
                collect(&path.tree, &[before, &[path.ident.unraw().to_string()]].concat(), found);
            }
            syn::UseTree::Name(name) => import(&name.ident, &name.ident),
            syn::UseTree::Rename(rename) => import(&rename.ident, &rename.rename),
            syn::UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                found.push(Import { path: before.to_vec(), name: None, line });
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|it| collect(it, before, found)),
        }
    }
    let mut found = Vec::new();
    let root: Vec<_> = item.leading_colon.map(|_| String::new()).into_iter().collect();
    collect(&item.tree, &root, &mut found);
    found
}

/// The name that an `extern crate` brings into scope.
pub(super) fn extern_crate(item: &syn::ItemExternCrate) -> Import {
    let path = match item.ident.unraw().to_string() {
        ident if ident == "self" => vec!["crate".to_owned()],
        ident => vec![String::new(), ident],
    };
    let name = item.rename.as_ref().map_or(&item.ident, |(_, rename)| rename);
    Import { path, name: Some(name.unraw().to_string()), line: item.ident.span().start().line }
}

/// What a module names, without its submodules' own.
struct Names {
    submodules: BTreeSet<String>,
    imports: Vec<Import>,
}

impl Visit<'_> for Names {
    fn visit_item_mod(&mut self, item: &syn::ItemMod) {
        self.submodules.insert(item.ident.unraw().to_string());
    }

    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        self.imports.extend(imports(item));
    }

    fn visit_item_extern_crate(&mut self, item: &syn::ItemExternCrate) {
        self.imports.push(extern_crate(item));
    }
}
