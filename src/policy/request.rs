//! One operation or doubt -> one Cedar request: the principal with its groups, the resource with its parents, the
//! context that every action shares. Everything is checked against the schema; what does not fit it is not asked.
//!
//! Parents are made here from a resource's attributes, so their ids are fixed here too, for policies to name:
//!
//! | entity | id |
//! |---|---|
//! | `Host` | `github.com` |
//! | `Repository` | `github.com/acme/app` |
//! | `Cluster` | `https://10.0.0.1:6443` |
//! | `Namespace` | `https://10.0.0.1:6443/payments` |
//! | `Database` | `db.internal:5432/orders` |

use std::collections::HashSet;

use cedar_policy::{Context, Entities, Entity, EntityUid, Request, Schema};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Question;
use crate::model::{Doubt, Effect, Operation, Pin, StreamKind, Subject, SubjectKind};

/// What Cedar is asked.
pub(super) struct Asked {
    pub request: Request,
    pub entities: Entities,
}

/// A request as a policy's author writes about it. Entities are in Cedar's own notation: `Ref::"github.com/…"`.
#[derive(Debug, Clone, Serialize)]
pub struct CedarRequest {
    pub principal: String,
    pub action: String,
    pub resource: String,
    /// What the resource is `in`, sorted.
    pub parents: Vec<String>,
    /// `resource.name` and its like.
    pub attributes: Value,
    /// `context.claimed` and its like.
    pub context: Value,
}

impl Asked {
    /// The request for eyes.
    pub fn shown(&self) -> CedarRequest {
        let text = |uid: Option<&EntityUid>| uid.map(ToString::to_string).unwrap_or_default();
        let resource = self.request.resource();
        let mut parents: Vec<String> = resource
            .and_then(|uid| self.entities.ancestors(uid))
            .map(|parents| parents.map(ToString::to_string).collect())
            .unwrap_or_default();
        parents.sort();
        let attributes = resource
            .and_then(|uid| self.entities.get(uid))
            .and_then(|entity| entity.to_json_value().ok())
            .map(|mut entity| entity["attrs"].take())
            .unwrap_or_default();
        CedarRequest {
            principal: text(self.request.principal()),
            action: text(self.request.action()),
            resource: text(resource),
            parents,
            attributes,
            context: self.request.context().and_then(|context| context.to_json_value().ok()).unwrap_or_default(),
        }
    }
}

/// The request for an operation. The error says what in it does not fit the schema.
pub(super) fn operation(schema: &Schema, question: &Question<'_>, operation: &Operation) -> Result<Asked, String> {
    let action = uid("Action", &operation.action)?;
    let mut context = shared_context(question, effect(operation.effect));
    for (key, value) in &operation.context {
        context.insert(key.clone(), value.clone());
    }
    let resource = &operation.resource;
    let mut entities = Vec::new();
    let parents = parents(&resource.kind, &resource.attributes.clone().into_iter().collect(), &mut entities)?;
    let attributes = Value::Object(resource.attributes.clone().into_iter().collect());
    entities.push(entity(&resource.kind, &resource.id, attributes, &parents, schema)?);
    finish(schema, question.subject, action, uid(&resource.kind, &resource.id)?, context, entities)
}

/// The request for a doubt, whose kind is one of the list.
pub(super) fn doubt(schema: &Schema, question: &Question<'_>, doubt: &Doubt) -> Result<Asked, String> {
    let mut context = shared_context(question, "unknown");
    context.insert("detail".to_owned(), json!(doubt.detail));
    let line = uid("Doubt::Line", &question.invocation.tool)?;
    let entities = vec![Entity::new_no_attrs(line.clone(), HashSet::new())];
    finish(schema, question.subject, uid("Doubt::Action", &doubt.kind)?, line, context, entities)
}

fn finish(
    schema: &Schema,
    subject: &Subject,
    action: EntityUid,
    resource: EntityUid,
    context: Map<String, Value>,
    mut entities: Vec<Entity>,
) -> Result<Asked, String> {
    let principal = uid("User", &subject.id)?;
    let groups = subject.groups.iter().map(|group| uid("Group", group)).collect::<Result<HashSet<_>, _>>()?;
    for group in &groups {
        entities.push(Entity::new_no_attrs(group.clone(), HashSet::new()));
    }
    let groups: Vec<_> = groups.into_iter().collect();
    let attributes = json!({ "name": subject.name, "kind": kind(subject.kind) });
    entities.push(entity("User", &subject.id, attributes, &groups, schema)?);
    let entities = Entities::from_entities(entities, Some(schema)).map_err(|error| chain(&error))?;
    let context = Context::from_json_value(Value::Object(context), Some((schema, &action))).map_err(|e| chain(&e))?;
    let request = Request::new(principal, action, resource, context, Some(schema)).map_err(|error| chain(&error))?;
    Ok(Asked { request, entities })
}

/// What is true of the whole line. An operation may say itself whether it rests on claims; where it does not, it does.
fn shared_context(question: &Question<'_>, effect: &str) -> Map<String, Value> {
    let invocation = question.invocation;
    let mut context = Map::new();
    context.insert("tool".to_owned(), json!(invocation.tool));
    context.insert("effect".to_owned(), json!(effect));
    context.insert("claimed".to_owned(), json!(true));
    context.insert("terminal".to_owned(), json!(invocation.streams.stdin == StreamKind::Terminal));
    context.insert("pinned".to_owned(), json!(invocation.pin == Pin::Pinned));
    context.insert("nested".to_owned(), json!(invocation.parent.is_some()));
    context
}

/// The direct parents of a resource, made from its attributes; they and theirs are added to `entities`.
fn parents(kind: &str, of: &Map<String, Value>, entities: &mut Vec<Entity>) -> Result<Vec<EntityUid>, String> {
    let text = |key: &str| of.get(key).and_then(Value::as_str).unwrap_or_default();
    let host = |entities: &mut Vec<Entity>| add(entities, "Host", text("host"), &[], &[]);
    let database = |name: &str, entities: &mut Vec<Entity>| {
        let port = of.get("port").and_then(Value::as_i64).unwrap_or_default();
        let above = host(entities)?;
        let id = format!("{}:{port}/{name}", text("host"));
        let attributes = [("host", json!(text("host"))), ("port", json!(port)), ("name", json!(name))];
        add(entities, "Database", &id, &attributes, &[above])
    };
    Ok(match kind {
        "Repository" | "Database" | "Url" => vec![host(entities)?],
        "Ref" => {
            let above = host(entities)?;
            let id = format!("{}/{}", text("host"), text("path"));
            let attributes = [("host", json!(text("host"))), ("path", json!(text("path")))];
            vec![add(entities, "Repository", &id, &attributes, &[above])?]
        }
        "Table" => vec![database(text("database"), entities)?],
        "Object" | "Namespace" => {
            let server = text("server");
            let cluster = add(entities, "Cluster", server, &[("server", json!(server))], &[])?;
            match text("namespace") {
                "" => vec![cluster],
                namespace => {
                    let id = format!("{server}/{namespace}");
                    let attributes = [("server", json!(server)), ("name", json!(namespace))];
                    vec![add(entities, "Namespace", &id, &attributes, &[cluster])?]
                }
            }
        }
        _ => Vec::new(),
    })
}

fn add(
    entities: &mut Vec<Entity>,
    kind: &str,
    id: &str,
    attributes: &[(&str, Value)],
    parents: &[EntityUid],
) -> Result<EntityUid, String> {
    let attributes: Map<String, Value> =
        attributes.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    let schema = super::load::schema()?;
    entities.push(entity(kind, id, Value::Object(attributes), parents, schema)?);
    uid(kind, id)
}

fn entity(kind: &str, id: &str, attributes: Value, parents: &[EntityUid], schema: &Schema) -> Result<Entity, String> {
    let parents: Vec<Value> =
        parents.iter().map(|p| json!({ "type": p.type_name().to_string(), "id": p.id().unescaped() })).collect();
    let json = json!({ "uid": { "type": kind, "id": id }, "attrs": attributes, "parents": parents });
    Entity::from_json_value(json, Some(schema)).map_err(|error| chain(&error))
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, String> {
    EntityUid::from_json(json!({ "type": kind, "id": id })).map_err(|error| chain(&error))
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Read => "read",
        Effect::Disclose => "disclose",
        Effect::Write => "write",
        Effect::Destroy => "destroy",
        Effect::Execute => "execute",
        Effect::Escalate => "escalate",
    }
}

fn kind(kind: SubjectKind) -> &'static str {
    match kind {
        SubjectKind::Person => "person",
        SubjectKind::Machine => "machine",
    }
}

/// An error with its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
