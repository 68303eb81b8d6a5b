//! `docs/openapi.json`, and whether an exchange is one that it describes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock},
};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::{http::Answer, programs};

/// The description of the API.
#[derive(Debug)]
pub struct Contract {
    document: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// One documented method of one documented path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    /// The method, in capitals.
    pub method: String,
    /// The path with its parameters in braces.
    pub path: String,
}

impl Contract {
    /// The checked-in description.
    #[must_use]
    pub fn get() -> &'static Self {
        static CONTRACT: OnceLock<Contract> = OnceLock::new();
        CONTRACT.get_or_init(|| {
            let path = programs::source().join("docs/openapi.json");
            let text = fs_err::read_to_string(path).unwrap();
            let document = serde_json::from_str(&text).unwrap();
            Self {
                document,
                validators: Mutex::default(),
            }
        })
    }

    /// The document itself.
    #[must_use]
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// Everything that can be asked.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation> {
        let methods = ["get", "put", "post", "delete", "patch", "head"];
        let paths = self.document["paths"].as_object().unwrap();
        let mut operations = Vec::new();
        for (path, item) in paths {
            let documented = methods.iter().filter(|method| item.get(**method).is_some());
            operations.extend(documented.map(|method| Operation {
                method: method.to_uppercase(),
                path: path.clone(),
            }));
        }
        operations.sort();
        operations
    }

    /// Insists that an exchange is documented, and that the answer has the documented shape.
    pub fn check(&self, method: &str, target: &str, answer: &Answer) {
        let path = target.split('?').next().unwrap();
        let asked = format!("{method} {target}");
        let Some((template, item)) = self.path(path, &method.to_lowercase()) else {
            assert_eq!(
                answer.status, 404,
                "{asked} is answered, but not documented"
            );
            return self.check_shape(&asked, &problem_schema(), answer);
        };
        let Some(operation) = item.get(method.to_lowercase()) else {
            assert_eq!(
                answer.status, 405,
                "{asked} is answered, but not documented"
            );
            return self.check_shape(&asked, &problem_schema(), answer);
        };
        let responses = operation["responses"].as_object().unwrap();
        let status = answer.status.to_string();
        let response = responses
            .get(&status)
            .or_else(|| responses.get(&format!("{}XX", &status[..1])))
            .or_else(|| responses.get("default"))
            .unwrap_or_else(|| {
                panic!(
                    "{method} {template} answered {status}, which is not documented: {}",
                    answer.text()
                )
            });
        let response = self.follow(response);
        let Some(content) = response.get("content").and_then(Value::as_object) else {
            assert!(
                answer.body.is_empty(),
                "{asked}: {status} has no documented body"
            );
            return;
        };
        let content_type = answer.content_type().unwrap_or("nothing");
        let media = content.get(content_type).unwrap_or_else(|| {
            panic!("{asked}: {status} came as {content_type}, which is not documented")
        });
        if content_type.ends_with("json") && content_type != "application/x-ndjson" {
            self.check_shape(&asked, &media["schema"], answer);
        }
    }

    /// Insists that a value has the shape of a documented schema.
    pub fn check_value(&self, what: &str, schema: &str, value: &Value) {
        let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
        self.validate(what, &schema, value);
    }

    fn check_shape(&self, asked: &str, schema: &Value, answer: &Answer) {
        self.validate(asked, schema, &answer.json());
    }

    fn validate(&self, what: &str, schema: &Value, value: &Value) {
        let validator = self.validator(schema);
        let problems: Vec<String> = validator
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(
            problems.is_empty(),
            "{what} is not as documented ({schema}):\n{}\n{value:#}",
            problems.join("\n")
        );
    }

    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap();
        let built = validators.entry(schema.to_string()).or_insert_with(|| {
            // references lead into `components`, so the schema is read in their presence
            let whole = json!({"components": self.document["components"], "allOf": [schema]});
            Arc::new(jsonschema::validator_for(&whole).unwrap())
        });
        Arc::clone(built)
    }

    /// The documented path that a real one belongs to. One that has the method goes before one that
    /// has not, and a literal one before a parameter: `/v1/packs/install` can be a pack's path too.
    fn path(&self, path: &str, method: &str) -> Option<(&String, &Value)> {
        let paths = self.document["paths"].as_object().unwrap();
        paths
            .iter()
            .filter(|(template, _)| matches(template, path))
            .min_by_key(|(template, item)| {
                (item.get(method).is_none(), template.matches('{').count())
            })
    }

    fn follow<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => self
                .document
                .pointer(reference.trim_start_matches('#'))
                .unwrap(),
            None => value,
        }
    }
}

fn problem_schema() -> Value {
    json!({"$ref": "#/components/schemas/Problem"})
}

fn matches(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == given || wanted.starts_with('{') => {}
            _ => return false,
        }
    }
}
