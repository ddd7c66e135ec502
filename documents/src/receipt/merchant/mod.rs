//! Candidates for the name of the shop: lines of the head as they are, cut and joined, what a greeting or a site names,
//! and well-known brands wherever they stand.

mod echo;
mod features;
mod lines;
mod variants;

use super::{
    Reading,
    brands::{self, By},
    model::Features,
    names::{COUNTED, GREETING, clean, letters},
    normalise::{fold, squash},
    num::{count, flag},
    parties,
};
use features::Context;

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
    let brands: Vec<_> = r.layout.rows.iter().map(|row| brands::find(&row.text())).collect();
    let context =
        Context { r, lines: &lines, domains: &domains, all: &all, any_legal, brands: &brands };
    let mut out: Vec<Candidate> = Vec::new();
    let no_name = |text: &str| parties::titled(text) || r.parties.buyers_text(text);
    for (i, line) in lines.iter().enumerate().filter(|(_, l)| !no_name(&l.text)) {
        let cleaned = tidy(r, &line.text);
        let untouched = plain(r, line.text.trim());
        context.push(&mut out, i, i, cleaned.clone(), "");
        if cleaned != untouched {
            context.push(&mut out, i, i, untouched, "untouched");
        }
        for (name, kind) in variants::of(&lines, i, &cleaned, &domains) {
            context.push(&mut out, i, i, name, kind);
        }
        let Some(next) = lines.get(i + 1).filter(|l| !no_name(&l.text)) else { continue };
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

/// Cleaned, with digits that are letters turned back, and the name of a chain that is one letter off put right.
fn tidy(r: &Reading, text: &str) -> String {
    let cleaned = plain(r, &clean(text));
    let near = brands::find(&cleaned).into_iter().find(|(_, by)| *by == By::Near);
    if let Some((brand, _)) = near.filter(|(b, _)| b.key().len() >= 8) {
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

fn brand_candidates(c: &Context<'_>, out: &mut Vec<Candidate>) {
    let mut seen: Vec<(&'static str, usize, usize, By)> = Vec::new();
    for (row, found) in c.brands.iter().enumerate() {
        // A make that is sold is not the shop.
        let sold = c.r.layout.rows.get(row).is_some_and(|r| COUNTED.is_match(&r.text()));
        for (brand, by) in found.iter().filter(|_| !sold) {
            match seen.iter_mut().find(|(n, ..)| *n == brand.name) {
                Some(s) => s.2 += 1,
                None => seen.push((brand.name, row, 1, *by)),
            }
        }
    }
    for (name, row, times, by) in seen {
        let printed = &c.r.layout.rows[row];
        let head = c.lines.iter().position(|l| l.row == row);
        let mut f: Features = vec![
            ("brand", flag(by == By::Name)),
            ("brand_near", flag(by == By::Near)),
            ("brand_mark", flag(by == By::Mark)),
            ("brand_head", flag(head.is_some_and(|h| h < 4))),
            ("brand_first", flag(head == Some(0))),
            ("brand_many", count(times).ln().min(1.5)),
            ("brand_late", flag(head.is_none())),
            ("brand_domain", flag(c.domains.iter().any(|d| squash(name).contains(d.as_str())))),
            ("brand_second_page", flag(printed.page > 0)),
            ("here_brand", flag(c.curated())),
            ("here_brand_late", flag(c.curated() && head.is_none())),
            ("here_brand_many", flag(c.curated() && times > 1)),
            ("brand_alone", flag(squash(&printed.text()).len() <= squash(name).len() + 2)),
            ("in_curated", flag(c.curated())),
            ("brand_money", flag(c.r.amounts.iter().any(|a| a.row == row && a.money()))),
        ];
        let same = out.iter_mut().find(|o| squash(&o.name) == squash(name));
        if let Some(same) = same {
            same.features.append(&mut f);
        } else {
            out.push(Candidate {
                name: name.to_owned(),
                rows: (row, row),
                bounds: printed.bounds(),
                raw: printed.text(),
                features: f,
            });
        }
    }
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
