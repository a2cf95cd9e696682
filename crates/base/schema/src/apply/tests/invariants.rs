//! What holds after any sequence of writes.

use serde_json::{Map, Value, json};

use super::{A, Scene};

const MANAGERS: [&str; 3] = ["alice", "bob", "carol"];

/// A small generator, so that a failure can be repeated from its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).unwrap() % limit
    }

    fn sometimes(&mut self) -> bool {
        self.below(2) == 0
    }

    fn spec(&mut self) -> Value {
        let mut spec = Map::new();
        let mut put = |random: &mut Self, name: &str, make: &dyn Fn(&mut Self) -> Value| {
            if random.sometimes() {
                let value = make(random);
                spec.insert(name.to_owned(), value);
            }
        };
        put(self, "size", &|random| json!(random.below(3)));
        put(self, "mode", &|random| {
            json!(if random.sometimes() { "auto" } else { "manual" })
        });
        put(self, "deep", &|random| {
            if random.sometimes() {
                json!({ "a": random.below(2).to_string() })
            } else {
                json!({ "b": "x" })
            }
        });
        put(self, "args", &|random| json!([random.below(2).to_string()]));
        put(
            self,
            "labels",
            &|random| json!({ random.below(3).to_string(): random.below(2).to_string() }),
        );
        put(self, "set", &|random| json!([random.below(3).to_string()]));
        put(self, "parts", &|random| {
            let second = 1 + random.below(2);
            json!([{ "name": "0", "v": random.below(2) }, { "name": second.to_string(), "w": random.below(2) }])
        });
        put(self, "free", &|random| json!({ "x": { "y": [random.below(2)] } }));
        Value::Object(spec)
    }
}

/// Whether everything in `part` stands in `whole`; keyed items are found by name.
fn covers(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(name, part)| whole.get(name).is_some_and(|whole| covers(whole, part))),
        (Value::Array(whole), Value::Array(part)) => part
            .iter()
            .all(|part| whole.iter().any(|whole| covers(whole, part))),
        _ => whole == part,
    }
}

#[test]
fn any_sequence_of_writes() {
    for seed in 0..80 {
        let mut random = Random(seed);
        let mut scene = Scene::new();
        for step in 0..12 {
            let spec = random.spec();
            let manager = MANAGERS[random.below(3) as usize];
            if random.below(4) == 0 && scene.stored.is_some() {
                scene.update(manager, |object| object["spec"] = spec.clone());
                assert_eq!(scene.spec(), &spec);
                continue;
            }
            scene.force(manager, &spec);
            let place = format!("seed {seed}, step {step}");
            assert!(
                covers(scene.spec(), &spec),
                "{place}: {spec} is not in {}",
                scene.spec()
            );
            assert!(
                !scene.force(manager, &spec),
                "{place}: applying again changes something"
            );
            assert!(
                !scene.apply(manager, &spec),
                "{place}: an applier conflicts with nobody over what it owns"
            );
            check_owned_paths_exist(&scene, &place);
        }
        for manager in MANAGERS {
            scene.force(manager, &json!({}));
            assert_ne!(scene.fields(manager, A)["f:spec"]["f:size"], json!({}));
        }
    }
}

/// Nobody owns what does not exist: a fresh comparison with nothing must list every owned path.
fn check_owned_paths_exist(scene: &Scene, place: &str) {
    let object = scene.stored.as_ref().unwrap();
    let existing = crate::apply::compare::compare(&scene.schema, &json!({}), object).added;
    for entry in scene.managed().entries {
        let stale = entry.fields.difference(&existing);
        assert!(stale.is_empty(), "{place}: {entry} owns {:?}", stale.to_json());
    }
}
