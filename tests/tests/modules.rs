//! The modules of each crate import in one direction: no circles. The picture of them in CONTRIBUTING is true.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// The published crates; a crate comes after those that depend on it.
const CRATES: [&str; 7] =
    ["uwsgi-cli", "uwsgi-tower", "uwsgi-server", "uwsgi-inspect", "uwsgi-conformance", "uwsgi-io", "uwsgi"];

#[test]
fn no_two_files_import_each_other() {
    let mut circles = Vec::new();
    for name in CRATES {
        let modules = Modules::of(name);
        let reached: Vec<BTreeSet<usize>> = (0..modules.0.len()).map(|from| modules.reached_from(from)).collect();
        for (number, module) in modules.0.iter().enumerate() {
            let circle: Vec<String> = reached[number]
                .iter()
                .filter(|&&other| other >= number && reached[other].contains(&number))
                .map(|&other| modules.0[other].name())
                .collect();
            let is_first =
                !(0..number).any(|other| reached[number].contains(&other) && reached[other].contains(&number));
            if is_first && !circle.is_empty() {
                circles.push(format!("{name}: {}", circle.join(", ")));
                for &from in &reached[number] {
                    for &to in modules.imports(from).iter().filter(|&&to| reached[number].contains(&to)) {
                        if reached[to].contains(&number) && reached[from].contains(&number) {
                            circles.push(format!("  {} imports {}", modules.0[from].name(), modules.0[to].name()));
                        }
                    }
                }
            }
            assert!(!module.file.as_os_str().is_empty());
        }
    }
    assert!(circles.is_empty(), "these files import each other:\n{}", circles.join("\n"));
}

#[test]
fn the_picture_in_contributing_is_true() {
    let measured = picture();
    let page = include_str!("../../CONTRIBUTING.md");
    let shown =
        page.split("<!-- modules -->\n```text\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap_or("");
    assert!(shown == measured, "CONTRIBUTING.md shows another picture of the modules than this:\n{measured}");
}

/// Lists each crate with the crates that it depends on, and below it each of its parts with the parts that this one imports.
/// A line imports only lines below it.
fn picture() -> String {
    let mut picture = String::new();
    for name in CRATES {
        let dependencies = dependencies(name);
        let below = CRATES.iter().skip_while(|other| **other != name);
        let in_order: Vec<&str> = below.copied().filter(|other| dependencies.contains(*other)).collect();
        assert_eq!(in_order.len(), dependencies.len(), "{name} depends on a crate above it in CRATES");
        picture += &line("", name, &in_order);
        let parts = Modules::of(name).parts();
        for part in sorted(&parts) {
            let imports: Vec<&str> = sorted(&parts).into_iter().filter(|other| parts[part].contains(*other)).collect();
            picture += &line("    ", part, &imports);
        }
    }
    picture
}

fn line(indent: &str, name: &str, imports: &[&str]) -> String {
    let line = format!("{:24}{}", format!("{indent}{name}"), imports.join(", "));
    format!("{}\n", line.trim_end())
}

/// Sorts parts so that each comes before all that it imports; by name where that leaves a choice.
fn sorted(parts: &BTreeMap<String, BTreeSet<String>>) -> Vec<&str> {
    let mut sorted: Vec<&str> = Vec::new();
    while sorted.len() < parts.len() {
        let is_free = |name: &str| {
            parts.iter().all(|(other, imports)| sorted.contains(&other.as_str()) || !imports.contains(name))
        };
        let next = parts.keys().find(|name| !sorted.contains(&name.as_str()) && is_free(name));
        sorted.push(next.unwrap_or_else(|| panic!("a circle of parts: {parts:?}")));
    }
    sorted
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates").join(name)
}

/// The crates of this workspace that a crate depends on, tests left out.
fn dependencies(name: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(source(name).join("Cargo.toml")).unwrap();
    let mut is_dependencies = false;
    let mut dependencies = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_dependencies = line.ends_with("dependencies]") && !line.contains("dev-");
        } else if is_dependencies {
            let key = line.split(['.', ' ', '=']).next().unwrap_or("");
            dependencies.extend(CRATES.iter().filter(|other| **other == key).map(ToString::to_string));
        }
    }
    dependencies
}

/// The modules of a crate; the first is its root.
struct Modules(Vec<Module>);

struct Module {
    path: Vec<String>,
    file: PathBuf,
    children: Vec<String>,
    /// What `use` brings in: the name here, and the path that it stands for.
    names: Vec<(String, Vec<String>)>,
    /// All paths that the code uses, as they are written.
    used: Vec<Vec<String>>,
}

impl Modules {
    fn of(name: &str) -> Self {
        let source = source(name).join("src");
        let root = ["lib.rs", "main.rs"].into_iter().map(|file| source.join(file)).find(|file| file.exists()).unwrap();
        let mut modules = Self(Vec::new());
        modules.read(Vec::new(), root, &source);
        modules
    }

    /// Reads a module and all below it; `directory` is where its children are.
    fn read(&mut self, path: Vec<String>, file: PathBuf, directory: &Path) {
        let parsed = syn::parse_file(&fs::read_to_string(&file).unwrap()).unwrap();
        let mut reader = Reader::default();
        reader.visit_file(&parsed);
        let children = reader.children.clone();
        self.0.push(Module { path: path.clone(), file, children, names: reader.names(), used: reader.used() });
        for child in reader.children {
            let (file, folder) = (directory.join(format!("{child}.rs")), directory.join(&child));
            let file = if file.exists() { file } else { folder.join("mod.rs") };
            self.read([path.clone(), vec![child]].concat(), file, &folder);
        }
    }

    fn at(&self, path: &[String]) -> Option<usize> {
        self.0.iter().position(|module| module.path == path)
    }

    /// The module that defines what a path names, as written in the module `from`: imports are followed.
    fn resolve(&self, from: usize, path: &[String], depth: usize) -> Option<usize> {
        let (first, mut rest) = path.split_first()?;
        let here = &self.0[from];
        let mut at = match first.as_str() {
            "crate" => Vec::new(),
            "self" => here.path.clone(),
            "super" => here.path[..here.path.len().checked_sub(1)?].to_vec(),
            child if here.children.iter().any(|name| name == child) => [here.path.clone(), vec![child.into()]].concat(),
            _ => return None,
        };
        while let Some((next, after)) = rest.split_first() {
            let module = self.at(&at)?;
            if next == "super" {
                at.pop();
            } else if self.0[module].children.contains(next) {
                at.push(next.clone());
            } else {
                let import = self.0[module].names.iter().find(|(name, _)| name == next);
                return match import {
                    Some((_, path)) if depth < 8 => {
                        let path = [path.as_slice(), after].concat();
                        self.resolve(module, &path, depth + 1)
                    }
                    _ => Some(module),
                };
            }
            rest = after;
        }
        self.at(&at)
    }

    fn imports(&self, from: usize) -> BTreeSet<usize> {
        let used = self.0[from].used.iter().filter_map(|path| self.resolve(from, path, 0));
        used.filter(|to| *to != from).collect()
    }

    fn reached_from(&self, from: usize) -> BTreeSet<usize> {
        let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(module) = next.pop() {
            next.extend(self.imports(module).into_iter().filter(|to| reached.insert(*to)));
        }
        reached
    }

    /// The folders and files beside the root, and which of them each imports.
    fn parts(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut parts = BTreeMap::<String, BTreeSet<String>>::new();
        for (number, module) in self.0.iter().enumerate() {
            let Some(part) = module.path.first() else { continue };
            let imports = self.imports(number).into_iter().filter_map(|to| self.0[to].path.first());
            parts.entry(part.clone()).or_default().extend(imports.filter(|other| *other != part).cloned());
        }
        parts
    }
}

impl Module {
    fn name(&self) -> String {
        format!("crate::{}", self.path.join("::"))
    }
}

/// Collects what a file imports and uses. Code that exists only in tests is left out.
#[derive(Default)]
struct Reader {
    children: Vec<String>,
    /// The path of each import, its name here, and whether it is public.
    imports: Vec<(Vec<String>, String, bool)>,
    paths: Vec<Vec<String>>,
    /// How many modules of the same file are open.
    inline: usize,
}

impl Reader {
    fn names(&self) -> Vec<(String, Vec<String>)> {
        self.imports.iter().map(|(path, name, _)| (name.clone(), path.clone())).collect()
    }

    /// What the code uses. A public import alone is no use: it gives a name to others.
    fn used(&self) -> Vec<Vec<String>> {
        let is_used = |name: &String| self.paths.iter().any(|path| path.first() == Some(name));
        let imports = self.imports.iter().filter(|(_, name, is_public)| !is_public || is_used(name));
        imports.map(|(path, _, _)| path.clone()).chain(self.paths.iter().cloned()).collect()
    }

    fn import(&mut self, tree: &syn::UseTree, before: &[String], is_public: bool) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        let (path, name) = match tree {
            syn::UseTree::Path(path) => return self.import(&path.tree, &with(&path.ident), is_public),
            syn::UseTree::Group(group) => {
                return group.items.iter().for_each(|item| self.import(item, before, is_public));
            }
            syn::UseTree::Glob(_) => (before.to_vec(), "*".to_owned()),
            syn::UseTree::Name(name) if name.ident == "self" => {
                (before.to_vec(), before.last().cloned().unwrap_or_default())
            }
            syn::UseTree::Name(name) => (with(&name.ident), name.ident.to_string()),
            syn::UseTree::Rename(name) => (with(&name.ident), name.rename.to_string()),
        };
        self.imports.push((self.outside(path), name, is_public));
    }

    /// A path as it would be written outside the modules of this file.
    fn outside(&self, mut path: Vec<String>) -> Vec<String> {
        for _ in 0..self.inline {
            if path.first().is_some_and(|first| first == "super") {
                path.remove(0);
            }
        }
        if self.inline > 0 && path.first().is_some_and(|first| !["crate", "super", "self"].contains(&first.as_str())) {
            path.insert(0, "self".into());
        }
        path
    }
}

impl<'a> Visit<'a> for Reader {
    fn visit_item(&mut self, item: &'a syn::Item) {
        let attributes = match item {
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !attributes.iter().any(is_test) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        if item.content.is_none() {
            self.children.push(item.ident.to_string());
            return;
        }
        self.inline += 1;
        visit::visit_item_mod(self, item);
        self.inline -= 1;
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        let is_public = !matches!(item.vis, syn::Visibility::Inherited);
        self.import(&item.tree, &[], is_public);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        if path.leading_colon.is_none() {
            let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.paths.push(self.outside(segments));
        }
        visit::visit_path(self, path);
    }
}

fn is_test(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args::<syn::Meta>().is_ok_and(|meta| match meta {
            syn::Meta::Path(path) => path.is_ident("test"),
            _ => false,
        })
}
