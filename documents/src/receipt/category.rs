//! What kind of receipt it is and what the money went for, from the chain or from words that only one trade uses.

use super::{Reading, brands, labels::Glued, normalise::words, num::count};

/// Category, the receipt type it goes with, words that speak for it.
const KINDS: &[(&str, &str, &[&str])] = &[
    (
        "restaurant",
        "restaurant",
        &[
            "restaurant",
            "restoran",
            "cafe",
            "brasserie",
            "bistro",
            "pizzeria",
            "table",
            "couverts",
            "serveur",
            "server",
            "guests",
            "gratuity",
            "tip",
            "pourboire",
            "dine",
            "burger",
            "sushi",
            "pizza",
            "mesa",
            "camarero",
            "tisch",
            "kellner",
            "ramen",
            "grill",
            "boulangerie",
            "patisserie",
            "bakery",
            "coffee",
            "seafood",
            "bibimbap",
            "diner",
            "tavern",
            "chk",
        ],
    ),
    (
        "groceries",
        "grocery",
        &[
            "supermarket",
            "supermarche",
            "market",
            "epicerie",
            "alimentation",
            "mart",
            "fruits",
            "legumes",
            "lait",
            "milk",
            "bio",
            "kg",
            "minimarket",
            "grocery",
            "pasar",
            "kedai",
            "runcit",
            "hypermarket",
            "primeur",
            "fromage",
        ],
    ),
    (
        "fuel",
        "fuel",
        &[
            "diesel",
            "gasoil",
            "gazole",
            "sp95",
            "sp98",
            "unleaded",
            "litre",
            "litres",
            "liter",
            "pump",
            "pompe",
            "carburant",
            "petrol",
            "fuel",
            "benzin",
            "zapfsaule",
            "gallons",
            "ron95",
        ],
    ),
    (
        "transport",
        "transport",
        &[
            "taxi",
            "metro",
            "train",
            "bus",
            "parking",
            "parkhaus",
            "chemins",
            "peage",
            "toll",
            "fahrkarte",
            "boarding",
            "uber",
            "gondola",
            "autoroute",
            "stationnement",
            "zone",
            "trajet",
            "journey",
        ],
    ),
    (
        "lodging",
        "lodging",
        &[
            "hotel",
            "nuit",
            "night",
            "room",
            "chambre",
            "auberge",
            "hostel",
            "sejour",
            "arrival",
            "departure",
        ],
    ),
    (
        "health",
        "health",
        &[
            "pharmacie",
            "pharmacy",
            "farmasi",
            "apotheke",
            "farmacia",
            "clinic",
            "klinik",
            "dentist",
            "docteur",
            "medical",
            "tablet",
            "ordonnance",
            "optical",
            "opticien",
            "guardian",
            "watsons",
        ],
    ),
    (
        "home",
        "retail",
        &[
            "hardware",
            "bricolage",
            "furniture",
            "meubles",
            "paint",
            "peinture",
            "screw",
            "cement",
            "jardin",
            "papan",
            "machinery",
            "electrical",
            "diy",
        ],
    ),
    (
        "clothing",
        "retail",
        &[
            "clothing",
            "fashion",
            "shirt",
            "jeans",
            "chaussures",
            "shoes",
            "vetements",
            "pantalon",
            "robe",
            "textile",
        ],
    ),
    (
        "leisure",
        "retail",
        &[
            "cinema",
            "museum",
            "musee",
            "theatre",
            "books",
            "librairie",
            "bookstores",
            "zoo",
            "spa",
            "ticket",
        ],
    ),
    ("office", "retail", &["stationery", "papeterie", "paper", "printing", "photocopy", "toner"]),
    (
        "telecom",
        "invoice",
        &["telecommunications", "telecom", "mobile", "internet", "abonnement", "broadband"],
    ),
];

/// The category above one of those that chains have.
fn broad(category: &str) -> &str {
    match category {
        "fast_food" | "bars_cafes" => "restaurant",
        "pharmacy" | "optician" | "dental" => "health",
        "train" | "taxi" | "parking" | "tolls" | "flights" => "transport",
        other => other,
    }
}

/// Category with its probability, and the receipt type.
pub(crate) fn find(
    r: &Reading,
    merchant: Option<&str>,
) -> (Option<(&'static str, f32)>, &'static str) {
    let kind_of =
        |category: &str| KINDS.iter().find(|k| k.0 == broad(category)).map_or("retail", |k| k.1);
    if let Some(category) = merchant.and_then(brands::category) {
        return (Some((category, 0.9)), kind_of(category));
    }
    let mut seen: Vec<String> = Vec::new();
    for (i, row) in r.layout.rows.iter().enumerate() {
        for word in words(&row.text()) {
            // The head says more about the trade than the goods do.
            if i < 4 {
                seen.push(word.clone());
            }
            seen.push(word);
        }
    }
    let score = |keys: &[&str]| {
        count(keys.iter().map(|k| seen.iter().filter(|w| w == k).count().min(3)).sum())
    };
    let mut ranked: Vec<(f32, &'static str, &'static str)> =
        KINDS.iter().map(|(c, t, keys)| (score(keys), *c, *t)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let invoice = r.layout.rows.iter().any(|row| {
        let text = Glued::new(&row.text());
        ["duedate", "echeance", "bankdetails", "iban"].iter().any(|word| text.holds(word))
    });
    let (best, category, kind) = ranked[0];
    let clear = best >= 2.0 && best > ranked[1].0;
    let kind = if clear {
        kind
    } else if invoice {
        "invoice"
    } else if r.amounts.is_empty() {
        "other"
    } else {
        "retail"
    };
    (clear.then(|| (category, (0.45 + 0.06 * (best - ranked[1].0)).min(0.85))), kind)
}

#[cfg(test)]
mod tests {
    use super::super::testing::document;
    use super::*;

    #[test]
    fn by_chain_and_by_words() {
        let r = Reading::new(&document(&["Leroy Merlin", "VIS|3,20"]));
        assert_eq!(find(&r, Some("Leroy Merlin")).1, "retail");
        assert_eq!(find(&r, Some("Burger King")), (Some(("fast_food", 0.9)), "restaurant"));
        let r = Reading::new(&document(&[
            "Brasserie du Port",
            "Table 4|Couverts: 2",
            "Serveur: Luc",
            "TOTAL|30,00",
        ]));
        assert_eq!(find(&r, None).1, "restaurant");
    }

    #[test]
    fn an_account_to_pay_to_makes_an_invoice() {
        let kind =
            |row: &'static str| find(&Reading::new(&document(&[row, "TOTAL|30,00"])), None).1;
        assert_eq!(kind("IBAN FR76 3000 1007 9412 3456 7890 185"), "invoice");
        assert_eq!(kind("Taboulé libanais"), "retail");
    }
}
