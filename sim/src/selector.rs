//! Selectors of the timeline: `shop`, `shop/3`, `shop/1..3`, `shop/*`, `zone:b`, `any 2 of shop`,
//! `each of shop`, `leader of orders/7`, `shop -> db`, `zone:a <-> zone:b`. Resolved before the
//! run, against all members by name, so that one which hits nothing is found before anything
//! happens; who is drawn or leads is decided when the action begins.

use std::collections::BTreeMap;

use models::wiring::did_you_mean;

/// What begins a selector of members each of which has times of its own.
pub const EACH: &str = "each of ";

/// One member of one group.
pub type Member = (String, u16);

/// Everything that a selector can mean.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The zone of each member, by group; empty without zones.
    pub groups: BTreeMap<String, Vec<String>>,
    /// How many parts have leaders of their own, of the groups whose members lead: partitions.
    pub led: BTreeMap<String, u16>,
    /// Names of zones.
    pub zones: Vec<String>,
}

/// Whom a selector means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Members, or so many of them, drawn.
    Members(Vec<Member>, Option<u16>),
    /// Whoever leads this partition of a group when the action begins.
    Leader(String, u16),
    /// The links from some to others, and maybe back.
    Links(Vec<Member>, Vec<Member>, bool),
}

/// A selector that makes no sense: what is wrong, and what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// One sentence without a full stop.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

fn mistake<T>(message: String, help: Option<String>) -> Result<T, Mistake> {
    Err(Mistake { message, help })
}

impl Places {
    /// Reads any selector.
    pub fn resolve(&self, text: &str) -> Result<Whom, Mistake> {
        for (arrow, both) in [("<->", true), ("->", false)] {
            if let Some((from, to)) = text.split_once(arrow) {
                return Ok(Whom::Links(self.members(from)?, self.members(to)?, both));
            }
        }
        if let Some(of) = text.trim().strip_prefix("leader of ") {
            return self.leader(of.trim());
        }
        if let Some(of) = text.trim().strip_prefix(EACH) {
            return Ok(Whom::Members(self.members(of)?, None));
        }
        let Some(rest) = text.trim().strip_prefix("any ") else {
            return Ok(Whom::Members(self.members(text)?, None));
        };
        let parts = rest.split_once(" of ").map(|(n, of)| (n.trim().parse::<u16>(), of));
        let Some((Ok(pick), of)) = parts else {
            let help = Some("write it like `any 2 of shop`".to_string());
            return mistake(format!("`{text}` does not say how many of whom"), help);
        };
        let pool = self.members(of)?;
        if pick == 0 || usize::from(pick) > pool.len() {
            let message = format!("`{}` has {} members, not {pick}", of.trim(), pool.len());
            return mistake(message, None);
        }
        Ok(Whom::Members(pool, Some(pick)))
    }

    /// Reads a selector of members; sorted.
    pub fn members(&self, text: &str) -> Result<Vec<Member>, Mistake> {
        let text = text.trim();
        if let Some(zone) = text.strip_prefix("zone:") {
            return self.of_zone(zone);
        }
        if text.starts_with("leader of ") {
            let message = format!("who is `{text}` is known only when an action begins");
            return mistake(message, Some("write it alone, or name the member".to_string()));
        }
        if let Some(host) = text.strip_prefix("host:") {
            let help = Some(format!("each member has a host of its own: write `{host}`"));
            return mistake("hosts have no names".to_string(), help);
        }
        let (name, which) = text.split_once('/').unwrap_or((text, "*"));
        let Some(zones) = self.groups.get(name) else {
            let known: Vec<&str> = self.groups.keys().map(String::as_str).collect();
            return mistake(format!("there is no component `{name}`"), did_you_mean(name, &known));
        };
        if zones.is_empty() {
            return mistake(format!("`{name}` has no members"), None);
        }
        let size = zones.len() as u16;
        let chosen = match (which, which.split_once("..")) {
            ("*", _) => Some(0..=size - 1),
            (_, Some((first, last))) => {
                first.parse().ok().zip(last.parse().ok()).map(|(first, last)| first..=last)
            }
            (one, None) => one.parse().ok().map(|one: u16| one..=one),
        };
        let Some(chosen) = chosen.filter(|chosen| !chosen.is_empty()) else {
            let help = Some(format!("write `{name}/0`, `{name}/0..1` or `{name}/*`"));
            return mistake(format!("`{which}` does not say which members of `{name}`"), help);
        };
        if *chosen.end() >= size {
            let (wanted, last) = (chosen.end(), size - 1);
            let message = format!("there is no `{name}/{wanted}`: `{name}` has {size} members");
            return mistake(message, Some(format!("the last one is `{name}/{last}`")));
        }
        Ok(chosen.map(|member| (name.to_string(), member)).collect())
    }

    fn leader(&self, of: &str) -> Result<Whom, Mistake> {
        let (name, part) = of.split_once('/').unwrap_or((of, ""));
        let Some(parts) = self.led.get(name) else {
            let known: Vec<&str> = self.led.keys().map(String::as_str).collect();
            let message = match self.groups.contains_key(name) {
                true => format!("members of `{name}` do not lead one another"),
                false => format!("there is no component `{name}`"),
            };
            let help = did_you_mean(name, &known);
            return mistake(
                message,
                help.or(Some("topics have leaders: `leader of orders/7`".into())),
            );
        };
        let last = parts - 1;
        match part.parse() {
            Ok(part) if part <= last => Ok(Whom::Leader(name.to_string(), part)),
            Ok(part) => {
                let message = format!("`{name}` has no partition {part}: there are {parts}");
                mistake(message, Some(format!("the last one is `leader of {name}/{last}`")))
            }
            Err(_) => {
                let help = Some(format!("write `leader of {name}/0`"));
                mistake(format!("each partition of `{name}` has a leader of its own"), help)
            }
        }
    }

    fn of_zone(&self, zone: &str) -> Result<Vec<Member>, Mistake> {
        if !self.zones.iter().any(|known| known == zone) {
            let known: Vec<&str> = self.zones.iter().map(String::as_str).collect();
            let help = did_you_mean(zone, &known)
                .or_else(|| Some("zones are listed as zones: [\"a\", \"b\"]".to_string()));
            return mistake(format!("there is no zone `{zone}`"), help);
        }
        let inside = self.groups.iter().flat_map(|(name, zones)| {
            let here = zones.iter().enumerate().filter(|(_, its)| *its == zone);
            here.map(|(member, _)| (name.clone(), member as u16))
        });
        let members: Vec<Member> = inside.collect();
        match members.is_empty() {
            true => mistake(format!("nothing is in zone `{zone}`"), None),
            false => Ok(members),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        let zones = |list: &[&str]| list.iter().map(|zone| zone.to_string()).collect::<Vec<_>>();
        let groups = [
            ("db", &["a"][..]),
            ("events", &["b", "c"]),
            ("shop", &["a", "b", "a"]),
            ("void", &[]),
        ];
        let groups = groups.map(|(name, list)| (name, zones(list)));
        let groups = groups.into_iter().map(|(name, zones)| (name.to_string(), zones)).collect();
        let led = [("events".to_string(), 6)].into();
        Places { groups, led, zones: zones(&["a", "b", "c", "d"]) }
    }

    fn shop(members: &[u16]) -> Vec<Member> {
        members.iter().map(|member| ("shop".to_string(), *member)).collect()
    }

    #[test]
    fn selectors_mean_members_and_links() {
        let places = places();
        let all = Ok(Whom::Members(shop(&[0, 1, 2]), None));
        assert_eq!(places.resolve("shop"), all);
        assert_eq!(places.resolve("shop/*"), all);
        assert_eq!(places.resolve("shop/1..2"), Ok(Whom::Members(shop(&[1, 2]), None)));
        let in_b = [("events".to_string(), 0), ("shop".to_string(), 1)];
        assert_eq!(places.resolve("zone:b"), Ok(Whom::Members(in_b.to_vec(), None)));
        assert_eq!(places.resolve("each of zone:b"), Ok(Whom::Members(in_b.to_vec(), None)));
        assert_eq!(places.resolve("any 2 of shop"), Ok(Whom::Members(shop(&[0, 1, 2]), Some(2))));
        let leader = Ok(Whom::Leader("events".to_string(), 5));
        assert_eq!(places.resolve("leader of events/5"), leader);
        let db = vec![("db".to_string(), 0)];
        let links = Whom::Links(shop(&[1]), db.clone(), false);
        assert_eq!(places.resolve("shop/1 -> db"), Ok(links));
        let links = Whom::Links(in_b.to_vec(), db, true);
        assert_eq!(places.resolve("zone:b <-> db"), Ok(links));
    }

    #[test]
    fn mistakes_say_what_to_write() {
        let places = places();
        let said = |text: &str| {
            let Mistake { message, help } = places.resolve(text).unwrap_err();
            format!("{message}; {}", help.unwrap_or_default())
        };
        assert_eq!(said("shpo"), "there is no component `shpo`; did you mean `shop`?");
        assert_eq!(
            said("shop/3"),
            "there is no `shop/3`: `shop` has 3 members; the last one is `shop/2`"
        );
        assert_eq!(said("any 9 of shop"), "`shop` has 3 members, not 9; ");
        assert_eq!(said("void/0"), "`void` has no members; ");
        assert_eq!(said("zone:d"), "nothing is in zone `d`; ");
        assert!(said("zone:x").starts_with("there is no zone `x`"));
        assert!(said("leader of shop").starts_with("members of `shop` do not lead one another"));
        assert!(said("leader of evnts/1").ends_with("did you mean `events`?"));
        assert!(said("leader of events").ends_with("write `leader of events/0`"));
        assert!(said("leader of events/6").ends_with("the last one is `leader of events/5`"));
        assert!(said("leader of events/1 -> db").ends_with("write it alone, or name the member"));
        assert!(said("host:shop/1").ends_with("write `shop/1`"));
        assert!(said("shop/2..1").contains("does not say which members"));
        assert!(said("any of shop").contains("how many of whom"));
    }
}
