//! The modules of each crate import in one direction, without circles, and the picture in CONTRIBUTING shows them.
//!
//! A path inside the arguments of a macro is not seen: only what the file imports for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// The crates; a crate comes after those that depend on it.
const CRATES: [&str; 9] = [
    "uwsgi-cli",
    "uwsgi-wsgi",
    "uwsgi-gateway",
    "uwsgi-tower",
    "uwsgi-server",
    "uwsgi-inspect",
    "uwsgi-conformance",
    "uwsgi-io",
    "uwsgi",
];

#[test]
fn no_two_files_import_each_other() {
    let mut circles = Vec::new();
    for name in CRATES {
        let modules = Modules::of(name);
        let imports: Vec<BTreeSet<usize>> = (0..modules.0.len()).map(|from| modules.imports(from)).collect();
        let edges = imports.iter().enumerate().flat_map(|(from, imports)| imports.iter().map(move |to| (from, *to)));
        for (from, to) in edges.filter(|(from, to)| reached_from(*to, &imports).contains(from)) {
            circles.push(format!("{name}: {} imports {}", modules.0[from].name(), modules.0[to].name()));
        }
    }
    assert!(circles.is_empty(), "these imports are parts of circles:\n{}", circles.join("\n"));
}

#[test]
fn the_picture_in_contributing_is_true() {
    let measured = picture();
    let page = include_str!("../../CONTRIBUTING.md");
    let shown =
        page.split("<!-- modules -->\n```text\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap_or("");
    assert!(shown == measured, "CONTRIBUTING.md does not show this picture of the modules:\n{measured}");
}

/// The tables that say where things are name files and folders that exist.
#[test]
fn the_paths_in_contributing_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = include_str!("../../CONTRIBUTING.md");
    let section =
        page.split("## Where things are").nth(1).and_then(|rest| rest.split("## Rules of the code").next()).unwrap();
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| ")).collect();
    assert!(rows.len() > 25, "{}", rows.len());
    for path in rows.iter().flat_map(|row| row.split('`').skip(1).step_by(2)).filter(|text| text.contains('/')) {
        assert!(root.join(path).exists() || root.join("crates").join(path).exists(), "there is no {path}");
    }
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
    children: Vec<String>,
    /// Those of the children that are in the same file.
    inline: Vec<String>,
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
        modules.add(Vec::new(), &items_of(&root), &source);
        modules
    }

    /// Adds a module and all below it; `directory` is where the files of its children are.
    fn add(&mut self, path: Vec<String>, items: &[syn::Item], directory: &Path) {
        let mut reader = Reader::default();
        for item in items {
            reader.visit_item(item);
        }
        let children = reader.children.iter().map(|(name, _)| name.clone()).collect();
        let inline =
            reader.children.iter().filter(|(_, items)| items.is_some()).map(|(name, _)| name.clone()).collect();
        self.0.push(Module { path: path.clone(), children, inline, names: reader.names(), used: reader.used() });
        for (child, inline) in reader.children {
            let (file, folder) = (directory.join(format!("{child}.rs")), directory.join(&child));
            let file = if file.exists() { file } else { folder.join("mod.rs") };
            let items = inline.unwrap_or_else(|| items_of(&file));
            self.add([path.clone(), vec![child]].concat(), &items, &folder);
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
            name => {
                let (_, path) = here.names.iter().find(|(other, path)| other == name && path.len() > 1)?;
                let path = [path.as_slice(), rest].concat();
                return if depth < 8 { self.resolve(from, &path, depth + 1) } else { None };
            }
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

    /// The folders and files beside the root, and which of them each imports.
    fn parts(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut parts = BTreeMap::<String, BTreeSet<String>>::new();
        for (number, module) in self.0.iter().enumerate() {
            let Some(part) = module.path.first() else { continue };
            if self.0[0].inline.contains(part) {
                // A public name for what is elsewhere, in `lib.rs` itself.
                continue;
            }
            let imports = self.imports(number).into_iter().filter_map(|to| self.0[to].path.first());
            parts.entry(part.clone()).or_default().extend(imports.filter(|other| *other != part).cloned());
        }
        parts
    }
}

/// Returns the modules that a module imports, and those that these import, and so on.
fn reached_from(from: usize, imports: &[BTreeSet<usize>]) -> BTreeSet<usize> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(module) = next.pop() {
        next.extend(imports[module].iter().copied().filter(|to| reached.insert(*to)));
    }
    reached
}

impl Module {
    fn name(&self) -> String {
        format!("crate::{}", self.path.join("::"))
    }
}

fn items_of(file: &Path) -> Vec<syn::Item> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display())).items
}

/// Collects what a module imports and uses. Code that exists only in tests is left out.
#[derive(Default)]
struct Reader {
    /// The modules inside, with their items where they are in the same file.
    children: Vec<(String, Option<Vec<syn::Item>>)>,
    /// The path of each import, its name here, and whether it is public.
    imports: Vec<(Vec<String>, String, bool)>,
    paths: Vec<Vec<String>>,
}

impl Reader {
    fn names(&self) -> Vec<(String, Vec<String>)> {
        self.imports.iter().map(|(path, name, _)| (name.clone(), path.clone())).collect()
    }

    /// What the code uses. A public import alone does not count: it only gives others a name.
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
        self.imports.push((path, name, is_public));
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
        let items = item.content.as_ref().map(|(_, items)| items.clone());
        self.children.push((item.ident.to_string(), items));
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        let is_public = !matches!(item.vis, syn::Visibility::Inherited);
        self.import(&item.tree, &[], is_public);
    }

    /// `pub(crate)` and `pub(in path)` import nothing.
    fn visit_visibility(&mut self, _: &'a syn::Visibility) {}

    fn visit_path(&mut self, path: &'a syn::Path) {
        if path.leading_colon.is_none() {
            let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.paths.push(segments);
        }
        visit::visit_path(self, path);
    }
}

fn is_test(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args::<syn::Meta>().is_ok_and(|meta| match meta {
            syn::Meta::Path(path) => path.is_ident("test"),
            syn::Meta::List(list) => list.path.is_ident("all") && list.tokens.to_string().starts_with("test"),
            syn::Meta::NameValue(_) => false,
        })
}
