//! Candidates for the name of the shop: lines of the head as they are, cut and joined, what a greeting or a site names,
//! and well-known brands wherever they stand.

mod echo;
mod features;
mod lines;
mod parts;
mod towns;
mod variants;

use super::{
    Reading,
    brands::{self, Brand, By},
    model::Features,
    names::{COUNTED, GREETING, clean, letters},
    normalise::{fold, skeleton, squash, words},
    num::{count, flag},
    parties,
};
use features::Context;
use lines::Line;
use parts::Parts;

/// Where the receipt is from, as far as that is known.
fn country(r: &Reading) -> Option<&'static str> {
    r.locale.country.map(|c| c.0)
}

/// Names that are the same but for case and spaces.
pub(crate) fn key(name: &str) -> String {
    name.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

/// One possible name.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) name: String,
    /// Rows it was read from.
    pub(crate) rows: (usize, usize),
    /// Box of the text.
    pub(crate) bounds: [f32; 4],
    pub(crate) raw: String,
    pub(crate) features: Features,
}

/// Every name worth considering, with its features.
pub(crate) fn candidates(r: &Reading) -> Vec<Candidate> {
    let lines = lines::head(r);
    let domains = lines::domains(r);
    let all: Vec<(usize, String)> =
        r.layout.rows.iter().enumerate().map(|(i, x)| (i, squash(&x.text()))).collect();
    let any_legal = lines.iter().any(|l| l.legal);
    let brands: Vec<_> =
        r.layout.rows.iter().map(|row| brands::find(&row.text(), country(r))).collect();
    let parts = Parts::find(&lines, &all, &|row| tidy(r, &r.layout.rows[row].text()));
    let towns = towns::rows(r, &lines);
    let context = Context {
        r,
        lines: &lines,
        domains: &domains,
        all: &all,
        any_legal,
        brands: &brands,
        parts: &parts,
        towns: &towns,
    };
    let mut out: Vec<Candidate> = Vec::new();
    let no_name = |line: &Line| parties::titled(&line.text) || r.parties.buyers_text(&line.text);
    for (i, line) in lines.iter().enumerate().filter(|(_, l)| !no_name(l)) {
        // A town makes a name with what follows it at most.
        let town = |line: &Line| context.towns.contains(&line.row);
        let cleaned = context.unnumbered(tidy(r, &line.text));
        let untouched = plain(r, line.text.trim());
        context.push(&mut out, i, i, cleaned.clone(), "");
        // A chain's apostrophe that was not read is no other way to write its name, nor are spaces inside its words.
        let apostrophe = cleaned.contains('\'') && !untouched.contains('\'');
        let pieces = words(&cleaned).len() < words(&untouched).len();
        let lost = squash(&cleaned) == squash(&untouched) && (apostrophe || pieces);
        if cleaned != untouched && !lost {
            context.push(&mut out, i, i, untouched, "untouched");
        }
        for (name, kind) in variants::of(&lines, i, &cleaned, &domains) {
            context.push(&mut out, i, i, name, kind);
        }
        let Some(next) = lines.get(i + 1).filter(|l| !no_name(l) && !town(l)) else { continue };
        let joined = format!("{cleaned} {}", tidy(r, &next.text));
        context.push(&mut out, i, i + 1, joined.clone(), "joined");
        if let Some(third) = lines.get(i + 2).filter(|_| next.named && !next.address) {
            context.push(
                &mut out,
                i,
                i + 2,
                format!("{joined} {}", tidy(r, &third.text)),
                "joined_three",
            );
        }
    }
    greetings(r, &mut out);
    brand_candidates(&context, &mut out);
    echo::compare(&context, &mut out);
    out
}

/// Cleaned, with digits that are letters turned back, and the name of a chain that is one letter or its apostrophe off
/// put right.
fn tidy(r: &Reading, text: &str) -> String {
    let cleaned = plain(r, &clean(text));
    let found = brands::find(&cleaned, country(r));
    let near = found.iter().find(|(_, by)| *by == By::Near);
    let apostrophe = |b: &Brand| b.name.replace('\'', "").eq_ignore_ascii_case(&cleaned);
    if let Some((brand, _)) = found.iter().find(|(b, _)| b.name.contains('\'') && apostrophe(b)) {
        return brand.name.to_owned();
    }
    // "M E R L IN": more words than the chain's name has.
    let pieces = words(&cleaned.replace('\'', "")).len();
    let broken = |b: &Brand| b.key() == squash(&cleaned) && pieces > b.words();
    let whole = found.iter().find(|(b, _)| broken(b) && !b.doubtful(country(r)));
    if let Some((brand, _)) = whole {
        return brand.name.to_owned();
    }
    let alike = |b: &Brand| skeleton(b.key()) == skeleton(&squash(&cleaned));
    if let Some((brand, _)) = near.filter(|(b, _)| b.key().len() >= 8 || alike(b)) {
        return brand.name.to_owned();
    }
    variants::repaired(&cleaned).unwrap_or(cleaned)
}

/// Accents that OCR sees on names where the country's languages have none.
fn plain(r: &Reading, name: &str) -> String {
    let none = matches!(r.locale.country.map(|c| c.0), Some("MY" | "SG" | "IN" | "PH"));
    if !none || name.is_ascii() {
        return name.to_owned();
    }
    name.chars()
        .flat_map(|c| {
            let folded = if c.is_alphabetic() { fold(&c.to_string()) } else { c.to_string() };
            if c.is_uppercase() { folded.to_uppercase() } else { folded }
                .chars()
                .collect::<Vec<_>>()
        })
        .collect()
}

/// "Merci de votre visite chez …", wherever it stands.
fn greetings(r: &Reading, out: &mut Vec<Candidate>) {
    for (row, printed) in r.layout.rows.iter().enumerate() {
        let text = printed.text();
        let Some(name) = GREETING.captures(&text).map(|c| clean(&c[1])) else { continue };
        let found = squash(&name);
        if letters(&name) < 3 || name.chars().count() > 40 {
            continue;
        }
        let features: Features =
            vec![("greeting", 1.0), ("greeting_head", flag(r.layout.depth(row) < 0.3))];
        if let Some(same) = out.iter_mut().find(|c| squash(&c.name) == found) {
            same.features.extend(features);
        } else {
            let (rows, bounds) = ((row, row), printed.bounds());
            out.push(Candidate { name, rows, bounds, raw: text, features });
        }
    }
}

/// Lines in which chains are looked for that are not known so well as to count anywhere.
const TOP: usize = 5;

/// A chain found on the page.
struct Seen {
    brand: &'static Brand,
    /// Where first.
    row: usize,
    times: usize,
    by: By,
    /// In one row it stands alone.
    alone: bool,
}

fn seen(c: &Context<'_>) -> Vec<Seen> {
    let mut seen: Vec<Seen> = Vec::new();
    for (row, found) in c.brands.iter().enumerate() {
        // A make that is sold is not the shop.
        let sold = c.r.layout.rows.get(row).is_some_and(|r| COUNTED.is_match(&r.text()));
        let top = c.lines.iter().take(TOP).any(|l| l.row == row);
        let whole = c.all.get(row).map_or(0, |(_, text)| text.len());
        let no_name = sold || c.towns.contains(&row);
        for (brand, by) in found.iter().filter(|(b, _)| !no_name && (top || b.row.anywhere)) {
            let alone = whole <= brand.key().len() + 2;
            match seen.iter_mut().find(|s| s.brand.name == brand.name) {
                Some(s) => {
                    s.times += 1;
                    s.alone |= alone;
                }
                None => seen.push(Seen { brand, row, times: 1, by: *by, alone }),
            }
        }
    }
    seen
}

fn brand_candidates(c: &Context<'_>, out: &mut Vec<Candidate>) {
    for found in seen(c) {
        let name = found.brand.name;
        let printed = &c.r.layout.rows[found.row];
        let mut f = brand_features(c, &found);
        let same = out.iter_mut().find(|o| squash(&o.name) == found.brand.key());
        match same {
            // As people write it, beside what the line makes of it: `Kohl's` for `KOHLS`.
            Some(same) if key(&same.name) != key(name) => {
                same.features.extend(f);
                same.features.push(("brand_otherwise", 1.0));
                let mut spelt = same.clone();
                spelt.features.retain(|(n, _)| *n != "brand_otherwise");
                spelt.features.push(("brand_spelling", 1.0));
                name.clone_into(&mut spelt.name);
                out.push(spelt);
            }
            Some(same) => same.features.append(&mut f),
            None => out.push(Candidate {
                name: name.to_owned(),
                rows: (found.row, found.row),
                bounds: printed.bounds(),
                raw: printed.text(),
                features: f,
            }),
        }
    }
}

fn brand_features(c: &Context<'_>, found: &Seen) -> Features {
    let Seen { brand, row, times, by, alone } = found;
    let printed = &c.r.layout.rows[*row];
    let head = c.lines.iter().position(|l| l.row == *row);
    let key = brand.key();
    vec![
        ("brand", flag(*by == By::Name && brand.row.anywhere)),
        ("brand_listed", flag(*by == By::Name && !brand.row.anywhere)),
        ("brand_near", flag(*by == By::Near)),
        ("brand_mark", flag(*by == By::Mark)),
        ("brand_doubt", flag(brand.doubtful(country(c.r)))),
        ("brand_head", flag(head.is_some_and(|h| h < 4))),
        ("brand_first", flag(head == Some(0))),
        ("brand_many", count(*times).ln().min(1.5)),
        ("brand_late", flag(head.is_none())),
        ("brand_domain", flag(c.domains.iter().any(|d| key.contains(d.as_str())))),
        ("brand_second_page", flag(printed.page > 0)),
        ("here_brand", flag(c.curated())),
        ("here_brand_late", flag(c.curated() && head.is_none())),
        ("here_brand_many", flag(c.curated() && *times > 1)),
        ("brand_alone", flag(*alone)),
        ("in_curated", flag(c.curated())),
        ("brand_money", flag(c.r.amounts.iter().any(|a| a.row == *row && a.money()))),
    ]
}

/// Features of "none of these is the name".
pub(crate) fn none_features(candidates: &[Candidate]) -> Features {
    let has = |name: &str| {
        flag(candidates.iter().any(|c| c.features.iter().any(|(n, v)| *n == name && *v > 0.0)))
    };
    vec![
        ("none", 1.0),
        ("none_brand", has("brand")),
        ("none_legal", has("legal")),
        ("none_empty", flag(candidates.is_empty())),
        (
            "none_first_money",
            flag(
                candidates.first().is_some_and(|c| {
                    c.features.iter().any(|(n, v)| *n == "in_money_row" && *v > 0.0)
                }),
            ),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::testing::document;
    use super::*;

    fn found(rows: &[&str]) -> Vec<Candidate> {
        candidates(&Reading::new(&document(rows)))
    }

    fn names(rows: &[&str]) -> Vec<String> {
        found(rows).into_iter().map(|c| c.name).collect()
    }

    #[test]
    fn a_chain_is_offered_as_people_write_it() {
        for (row, name) in
            [("MACYS", "Macy's"), ("TlM H0RTONS", "Tim Hortons"), ("Dollar ama Laval", "Dollarama")]
        {
            let names = names(&[row, "12 Main Street", "TOTAL|3.20"]);
            assert!(names.iter().any(|n| n == name), "{row}: {names:?}");
        }
    }

    #[test]
    fn a_chain_named_elsewhere_puts_its_misread_name_right() {
        let alone = ["Dollarana Ltd", "12 Main Street", "TOTAL|3.20"];
        assert!(names(&alone).iter().any(|n| n == "Dollarana"));
        let named = names(&[alone[0], alone[1], alone[2], "Thank you, Dollarama"]);
        assert!(named.iter().any(|n| n == "Dollarama"), "{named:?}");
        assert!(named.iter().all(|n| n != "Dollarana"), "{named:?}");
    }

    #[test]
    fn a_chain_broken_by_spaces_is_put_together() {
        for (row, name) in [("LEROY M E R L IN", "Leroy Merlin"), ("Star bucks", "Starbucks")] {
            let names = names(&[row, "12 Main Street", "TOTAL|3.20"]);
            assert!(names.iter().any(|n| n == name), "{row}: {names:?}");
            assert!(names.iter().all(|n| n != row), "{row}: {names:?}");
        }
    }

    #[test]
    fn an_apostrophe_that_was_lost_is_no_other_name() {
        let named = names(&["MACYS", "12 Main Street", "TOTAL|3.20"]);
        assert!(named.iter().any(|n| n == "Macy's") && named.iter().all(|n| n != "MACYS"));
    }

    #[test]
    fn a_chain_is_named_without_what_its_line_says_behind_it() {
        let page = |first: &'static str| {
            names(&[first, "4 rue du Port", "75001 Paris", "TOTAL|3,20 EUR", "Leroy Merlin"])
        };
        for line in ["Leroy Merlin Ivry", "Ler0y Merlin Ivry SA"] {
            let named = page(line);
            let longer = |n: &String| n.to_lowercase().contains("merlin ivry");
            assert!(named.iter().any(|n| n == "Leroy Merlin"), "{line}: {named:?}");
            assert!(!named.iter().any(longer) || line.contains('0'), "{line}: {named:?}");
        }
        let company = page("Leroy Merlin SA");
        assert!(company.iter().any(|n| n == "Leroy Merlin SA"), "{company:?}");
        let alone = names(&["Quai Dix Ivry", "4 rue du Port", "75001 Paris", "TOTAL|3,20 EUR"]);
        assert!(alone.iter().any(|n| n == "Quai Dix Ivry"), "{alone:?}");
    }

    #[test]
    fn a_chain_that_stands_alone_in_any_row_is_known_to() {
        let alone = |rows: &[&str]| {
            let named: Vec<Candidate> = found(rows);
            let chain = named.into_iter().find(|c| c.name == "Morrisons");
            chain.is_some_and(|c| c.features.contains(&("brand_alone", 1.0)))
        };
        assert!(alone(&["Win a prize in Morrisons vouchers", "Morrisons", "TOTAL|£3.20"]));
        assert!(!alone(&["Win a prize in Morrisons vouchers", "Hello", "TOTAL|£3.20"]));
    }

    #[test]
    fn a_sentence_that_greets_is_no_name() {
        let named = names(&["TQ for shopping with Blue Fish", "12 Main Street", "TOTAL|3.20"]);
        assert!(named.iter().all(|n| !n.starts_with("TQ")), "{named:?}");
        assert!(named.iter().any(|n| n == "Blue Fish"), "{named:?}");
    }

    #[test]
    fn the_number_of_a_shop_makes_no_name_and_begins_none() {
        let named = names(&["Store #1204", "Blue Fish Diner", "12 Main Street"]);
        assert!(named.iter().all(|n| !n.starts_with("Store")), "{named:?}");
        let named = names(&["The", "Blue Fish", "12 Main Street"]);
        assert!(named.iter().all(|n| n != "The") && named.iter().any(|n| n == "The Blue Fish"));
    }

    #[test]
    fn greetings_and_numbers_of_shops_are_no_names() {
        let names = names(&["Thank you for stopping at", "Store #1204", "Blue Fish Diner"]);
        let no = ["Thank you for stopping at", "Store #1204"];
        assert!(names.iter().all(|n| !no.contains(&n.as_str())), "{names:?}");
        assert!(names.iter().any(|n| n == "Blue Fish Diner"));
    }

    #[test]
    fn chains_of_the_index_count_at_the_top_only() {
        let brand = |rows: &[&str]| {
            let named = |n: &str| matches!(n, "brand" | "brand_listed");
            found(rows).iter().any(|c| c.features.iter().any(|(n, v)| named(n) && *v > 0.0))
        };
        let goods: Vec<String> = ["Dupont et fils", "1 rue du Port", "35400 Saint-Malo"]
            .into_iter()
            .chain(["Tel 02 99 00 00 00", "Ticket 12", "Caisse 2"])
            .chain(std::iter::repeat_n("Huile|3,20", 12))
            .chain(["Faborit|3,20", "TOTAL|41,60 EUR"])
            .map(str::to_owned)
            .collect();
        let goods: Vec<&str> = goods.iter().map(String::as_str).collect();
        assert!(!brand(&goods));
        assert!(brand(&["Faborit", "Paseo del Prado 1", "28014 MADRID", "TOTAL|3,20 EUR"]));
    }
}
