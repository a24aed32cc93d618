//! Requests of all shapes that the model allows, made at random from a fixed beginning: whatever is embedded, spread,
//! grouped, filtered and sorted, the statement is SQL and its answer JSON.

use tenant_schema::records::{Object, SchemaModel};

use super::Workshop;

/// Numbers in an order that looks like none (the generator of Numerical Recipes), the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound.max(1)
    }

    fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// A request in the making.
struct Asking<'m> {
    model: &'m SchemaModel,
    chance: Chance,
    parameters: Vec<String>,
    aliases: usize,
}

impl Asking<'_> {
    /// The items of `select` for an object, and parameters about it on the way.
    fn select(&mut self, object: &Object, path: &str, depth: usize, may_group: bool) -> String {
        let mut items = Vec::new();
        let is_grouped = may_group && self.chance.one_in(5);
        for _ in 0..self.chance.below(3) {
            items.push(self.column(object, is_grouped));
        }
        if !is_grouped && self.chance.one_in(4) {
            items.push("*".to_owned());
        }
        if depth < 3 && !object.relationships.is_empty() {
            for _ in 0..self.chance.below(3) {
                items.push(self.embed(object, path, depth, may_group));
            }
        }
        if items.is_empty() {
            items.push("*".to_owned());
        }
        self.about(object, path, is_grouped);
        items.join(",")
    }

    fn name(&mut self, object: &Object) -> String {
        let columns: Vec<&str> = object
            .fields
            .iter()
            .chain(&object.computed)
            .filter(|field| !matches!(field.base_type.as_str(), "json" | "point"))
            .map(|field| field.name.as_str())
            .collect();
        format!("\"{}\"", self.chance.pick(&columns).replace('"', "\\\""))
    }

    fn column(&mut self, object: &Object, is_grouped: bool) -> String {
        self.aliases += 1;
        let (name, alias) = (self.name(object), self.aliases);
        match self.chance.below(5) {
            0 if is_grouped => format!("a{alias}:count()"),
            1 if is_grouped => format!("a{alias}:{name}.count()"),
            2 => format!("a{alias}:{name}::text"),
            3 => format!("a{alias}:{name}->k->>0"),
            _ => format!("a{alias}:{name}"),
        }
    }

    fn embed(&mut self, object: &Object, path: &str, depth: usize, may_group: bool) -> String {
        let known = self.chance.pick(&object.relationships).clone();
        let target = &self.model.objects[&known.target];
        self.aliases += 1;
        let is_to_one = known.cardinality.is_to_one();
        let (told, alias) = (relation(&known), format!("e{}", self.aliases));
        let inner = if self.chance.one_in(4) { "!inner" } else { "" };
        if self.chance.one_in(4) {
            // A spread has no alias; twice the same one is refused.
            return format!(
                "...{told}{inner}({})",
                self.select(target, "-", depth + 1, is_to_one && may_group)
            );
        }
        let way = format!("{path}{alias}.");
        let select = if self.chance.one_in(6) {
            String::new()
        } else {
            self.select(target, &way, depth + 1, true)
        };
        if path != "-" && self.chance.one_in(4) {
            let is = self.chance.pick(&["is.null", "not.is.null"]);
            self.parameters.push(format!("{path}{alias}={is}"));
        }
        format!("{alias}:{told}{inner}({select})")
    }

    /// Filters, an order and a page; nothing is said of what has no name of its own.
    fn about(&mut self, object: &Object, path: &str, is_grouped: bool) {
        if path.starts_with('-') {
            return;
        }
        if self.chance.one_in(3) {
            let (one, other) = (self.name(object), self.name(object));
            self.parameters.push(format!(
                "{path}or=({one}.is.null,not.and({other}.not.is.null,{one}->a.is.null))"
            ));
        }
        if !is_grouped && self.chance.one_in(3) {
            let (one, other) = (self.name(object), self.name(object));
            self.parameters
                .push(format!("{path}order={one}.desc.nullslast,{other}->>a"));
        }
        if self.chance.one_in(3) {
            let limit = self.chance.below(3);
            self.parameters
                .push(format!("{path}limit={limit}&{path}offset=1"));
        }
    }
}

/// How a request tells this relationship from others.
fn relation(known: &tenant_schema::records::model::Relationship) -> String {
    use tenant_schema::records::model::Via;
    match &known.via {
        Via::ForeignKey { constraint, .. } => format!("{}!{constraint}", known.target),
        Via::Junction { object, .. } => format!("{}!{object}", known.target),
        Via::Function { name } => name.clone(),
    }
}

#[tokio::test]
async fn every_shape_of_a_request_is_answered() {
    let workshop = Workshop::new().await;
    let model = workshop.model().await;
    let (mut n_answered, mut refused) = (0, Vec::new());
    for seed in 0..500 {
        let mut asking = Asking {
            model: &model,
            chance: Chance(seed * 7_919),
            parameters: Vec::new(),
            aliases: 0,
        };
        asking.chance.below(2);
        let objects: Vec<&Object> = model.objects.values().collect();
        let object = *asking.chance.pick(&objects);
        let select = asking.select(object, "", 0, true);
        asking.parameters.insert(0, format!("select={select}"));
        let request = format!("{}?{}", object.name, asking.parameters.join("&"));
        match workshop.ask(&request).await {
            Ok(_) => n_answered += 1,
            // What the generator does not know of: keys that are ambiguous, twins, groups of what has no equality.
            Err(error) if error.code().starts_with("PGRST") || error.code() == "42883" => {
                refused.push(error.code().to_owned());
            }
            Err(error) => panic!("{request}\n{error:?}"),
        }
    }
    refused.sort();
    assert!(n_answered > 350, "{n_answered} answers; refused: {refused:?}");
}
