//! A page of the catalogue for programs.

use serde_json::{Map, Value, json};

use super::page::{plain, said};
use super::source::{Item, Member};
use super::words::Words;
use super::{Catalogue, Page};

impl Catalogue {
    pub(super) fn json(&self, page: &Page<'_>) -> Value {
        match *page {
            Page::Whole { title, group, what, item } => {
                let item = &self.items[item];
                let parts = self.all_parts(item).into_iter().map(of_item).collect::<Vec<_>>();
                let mut value = of_item(item);
                value["name"] = title.into();
                value["group"] = group.into();
                value["what"] = what.into();
                value["parts"] = parts.into();
                value
            }
            Page::Choice(item, member) => {
                let mut value = of_member(member);
                value["choice_of"] = self.choice_of(item).into();
                value
            }
            Page::Measure(metric) => {
                let labels = metric.labels.iter();
                let labels = labels.map(|it| json!({ "name": it.name, "required": it.needed }));
                json!({
                    "name": metric.name,
                    "group": "Metrics",
                    "what": metric.meaning,
                    "labels": labels.collect::<Vec<_>>(),
                    "numbers": metric.stats,
                    "windows": metric.windows,
                })
            }
        }
    }
}

fn of_item(item: &Item) -> Value {
    let mut value = of_words(&item.words);
    value.insert("name".into(), plain(&item.name).into());
    let members = item.members.iter().map(of_member).collect::<Vec<_>>();
    value.insert(if item.is_choice { "choices" } else { "parameters" }.into(), members.into());
    value.into()
}

fn of_member(member: &Member) -> Value {
    let mut value = of_words(&member.words);
    value.insert("name".into(), member.name.clone().into());
    if !member.types.is_empty() {
        value.insert("type".into(), said(&member.types).into());
    }
    if member.is_parameter() {
        value.insert("required".into(), member.needed.into());
    }
    if !member.fields.is_empty() {
        let fields = member.fields.iter().map(of_member).collect::<Vec<_>>();
        value.insert("parameters".into(), fields.into());
    }
    value.into()
}

fn of_words(words: &Words) -> Map<String, Value> {
    let said = [
        ("doc", &words.text),
        ("source", &words.source),
        ("not_modelled", &words.not_modelled),
        ("example", &words.example),
    ];
    let said = said.into_iter().filter(|(_, text)| !text.is_empty());
    said.map(|(name, text)| (name.to_string(), text.as_str().into())).collect()
}
