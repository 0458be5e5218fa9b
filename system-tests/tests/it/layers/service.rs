//! The source of a service, parsed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

use super::violation::{Rule, Violation};

/// The path of a module from its crate's root: empty for `lib.rs` and `main.rs`.
pub(super) type ModulePath = Vec<String>;

/// A file of a service.
pub(super) struct Source {
    /// Relative to the service's folder.
    pub(super) file: String,
    pub(super) module: ModulePath,
    pub(super) syntax: syn::File,
}

/// All files of a service.
pub(super) struct Service {
    /// The name that its binary uses its library by.
    pub(super) crate_name: String,
    pub(super) sources: Vec<Source>,
    /// The files that could not be parsed.
    pub(super) unparsable: Vec<Violation>,
    /// The modules under `#[cfg(test)]` with a file of their own.
    test_modules: BTreeSet<ModulePath>,
}

impl Service {
    /// Reads what is in `root`'s `src`. `extension` is what the names of its Rust files end with.
    pub(super) fn read(root: &Path, crate_name: &str, extension: &str) -> Self {
        let mut sources = Vec::new();
        let mut unparsable = Vec::new();
        for path in files(&root.join("src"), extension) {
            let file = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            match syn::parse_file(&std::fs::read_to_string(&path).unwrap()) {
                Ok(syntax) => sources.push(Source { module: module_path(&file, extension), file, syntax }),
                Err(error) => unparsable.push(Violation {
                    file,
                    line: error.span().start().line,
                    rule: Rule::Unparsable,
                    message: format!("this is not Rust: {error}"),
                }),
            }
        }
        let mut tests = TestModules { module: Vec::new(), found: BTreeSet::new() };
        for source in &sources {
            tests.module.clone_from(&source.module);
            tests.visit_file(&source.syntax);
        }
        Self { crate_name: crate_name.to_owned(), sources, unparsable, test_modules: tests.found }
    }

    /// Whether a module is only there for tests.
    pub(super) fn is_for_tests(&self, module: &[String]) -> bool {
        (1..=module.len()).any(|length| self.test_modules.contains(&module[..length]))
    }
}

/// The files in a folder and its subfolders whose names end with `extension`, in order.
pub(super) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in folder.read_dir().unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.to_str().unwrap().ends_with(extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The module that `src/a/b.rs` or `src/a/b/mod.rs` is.
fn module_path(file: &str, extension: &str) -> ModulePath {
    let path = file.strip_prefix("src/").unwrap().strip_suffix(extension).unwrap();
    let mut module: ModulePath = path.split('/').map(str::to_owned).collect();
    if path == "lib" || path == "main" || module.last().is_some_and(|it| it == "mod") {
        module.pop();
    }
    module
}

/// Whether one of the attributes is `#[cfg(test)]` or `#[cfg(all(test, …))]`.
pub(super) fn has_cfg_test(attributes: &[syn::Attribute]) -> bool {
    fn requires_test(meta: &syn::Meta) -> bool {
        match meta {
            syn::Meta::Path(path) => path.is_ident("test"),
            syn::Meta::List(list) if list.path.is_ident("cfg") || list.path.is_ident("all") => {
                let all = syn::punctuated::Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated;
                list.parse_args_with(all).is_ok_and(|parts| parts.iter().any(requires_test))
            }
            _ => false,
        }
    }
    attributes.iter().any(|it| it.path().is_ident("cfg") && requires_test(&it.meta))
}

struct TestModules {
    module: ModulePath,
    found: BTreeSet<ModulePath>,
}

impl Visit<'_> for TestModules {
    fn visit_item_mod(&mut self, item: &syn::ItemMod) {
        self.module.push(item.ident.to_string());
        if item.content.is_none() && has_cfg_test(&item.attrs) {
            self.found.insert(self.module.clone());
        }
        visit::visit_item_mod(self, item);
        self.module.pop();
    }
}
