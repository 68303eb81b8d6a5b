//! The configuration file of one test.

use serde_json::{Map, Value, json};

use super::site::Site;

/// A configuration; what it does not say has its default, but for updates: in a test a pack becomes a newer one by itself
/// only if the test says so.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    root: Map<String, Value>,
}

impl Settings {
    /// Nothing but defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The registry `demo` at the site, over https, and the site's authority.
    #[must_use]
    pub fn for_site(site: &Site) -> Self {
        Self::new()
            .registry("demo", &site.url("index.json"), &json!({}))
            .set("net.ca_file", site.authority().to_str())
    }

    /// One more registry, with further keys of its section.
    #[must_use]
    pub fn registry(mut self, name: &str, url: &str, more: &Value) -> Self {
        let mut registry = json!({"name": name, "url": url});
        for (key, value) in more.as_object().unwrap() {
            registry[key] = value.clone();
        }
        let registries = self.root.entry("registries").or_insert_with(|| json!([]));
        registries.as_array_mut().unwrap().push(registry);
        self
    }

    /// One key, named as in `section.key`.
    #[must_use]
    pub fn set(mut self, path: &str, value: impl Into<Value>) -> Self {
        let (section, key) = path.split_once('.').unwrap();
        let section = self.root.entry(section).or_insert_with(|| json!({}));
        section[key] = value.into();
        self
    }

    /// One more hook.
    #[must_use]
    pub fn hook(mut self, hook: &Value) -> Self {
        let hooks = self.root.entry("hooks").or_insert_with(|| json!([]));
        hooks.as_array_mut().unwrap().push(hook.clone());
        self
    }

    /// One more socket.
    #[must_use]
    pub fn socket(mut self, socket: &Value) -> Self {
        let sockets = self.root.entry("sockets").or_insert_with(|| json!([]));
        sockets.as_array_mut().unwrap().push(socket.clone());
        self
    }

    /// The file's text. JSON is YAML.
    #[must_use]
    pub fn text(&self) -> String {
        let mut root = self.root.clone();
        root.entry("updates")
            .or_insert_with(|| json!({"mode": "off"}));
        serde_json::to_string_pretty(&root).unwrap()
    }
}
