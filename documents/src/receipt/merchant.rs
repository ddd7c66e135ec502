//! Candidates for the name of the shop: lines of the head, two lines together, without registration numbers, and
//! well-known brands wherever they stand.

use super::{
    Reading, brands,
    labels::{self, Label},
    model::Features,
    names::{
        ADDRESS, ADDRESS_SHAPE, DOC_WORDS, DOMAIN, LEGAL, PHONE, REGISTRATION, TRADE, clean,
        ends_legal, letters,
    },
    normalise::{fold, squash, words},
    num::{count, flag},
};

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

/// Rows of the head that are looked at.
const HEAD: usize = 16;

/// A row of the head, looked at once.
#[expect(clippy::struct_excessive_bools, reason = "independent facts about one row")]
struct Line {
    row: usize,
    text: String,
    bounds: [f32; 4],
    height: f32,
    confidence: f32,
    address: bool,
    phone: bool,
    registration: bool,
    doc: bool,
    named: bool,
    money: bool,
    dated: bool,
    legal: bool,
}

fn head(r: &Reading) -> Vec<Line> {
    let mut lines = Vec::new();
    for (row, printed) in r.layout.rows.iter().enumerate().take_while(|(_, x)| x.page == 0) {
        if lines.len() >= HEAD {
            break;
        }
        // Boxes far apart in a row are different things; each is its own line.
        let mut groups: Vec<Vec<&super::layout::Seg>> = Vec::new();
        for seg in &printed.segs {
            match groups.last_mut() {
                Some(g)
                    if g.last().is_some_and(|l| seg.bounds[0] - l.bounds[2] < 1.6 * seg.height) =>
                {
                    g.push(seg);
                }
                _ => groups.push(vec![seg]),
            }
        }
        for group in groups {
            let text = group.iter().map(|s| s.text.trim()).collect::<Vec<_>>().join(" ");
            if letters(&text) < 2 {
                continue;
            }
            let bounds =
                group.iter().map(|s| s.bounds).reduce(super::layout::union).unwrap_or_default();
            let own = words(&text);
            let doc = own.iter().filter(|w| DOC_WORDS.contains(&w.as_str())).count();
            let label = labels::read(&text);
            let address = ADDRESS.is_match(&text) || ADDRESS_SHAPE.is_match(&text);
            let phone = PHONE.is_match(&text);
            let money = r.amounts.iter().any(|a| a.row == row && a.money());
            let dated =
                r.dates.iter().any(|d| d.row == row) || r.times.iter().any(|t| t.row == row);
            let registration = REGISTRATION.is_match(&text) || squash(&text).contains("regno");
            let named = doc == 0
                && !phone
                && !money
                && !dated
                && letters(&text) >= 3
                && !label.any(Label::TOTAL);
            lines.push(Line {
                row,
                height: group.iter().map(|s| s.height).fold(0.0, f32::max),
                confidence: group.iter().map(|s| s.confidence).fold(1.0, f32::min),
                legal: ends_legal(&text),
                doc: doc > 0,
                text,
                bounds,
                address,
                phone,
                registration,
                named,
                money,
                dated,
            });
        }
    }
    lines
}

fn domains(r: &Reading) -> Vec<String> {
    let mut found = Vec::new();
    for row in &r.layout.rows {
        for c in DOMAIN.captures_iter(&row.text()) {
            let name = c[1].to_lowercase().replace('-', "");
            if !["gmail", "hotmail", "yahoo", "outlook", "facebook", "instagram", "google"]
                .contains(&name.as_str())
            {
                found.push(name);
            }
        }
    }
    found
}

/// Every name worth considering, with its features.
pub(crate) fn candidates(r: &Reading) -> Vec<Candidate> {
    let lines = head(r);
    let domains = domains(r);
    let all: Vec<(usize, String)> =
        r.layout.rows.iter().enumerate().map(|(i, x)| (i, squash(&x.text()))).collect();
    let context = Context {
        r,
        lines: &lines,
        domains: &domains,
        all: &all,
        any_legal: lines.iter().any(|l| l.legal),
    };
    let mut out: Vec<Candidate> = Vec::new();
    for i in 0..lines.len() {
        let line = &lines[i];
        let cleaned = clean(&line.text);
        context.push(&mut out, i, i, cleaned.clone(), "");
        if cleaned != line.text.trim() {
            context.push(&mut out, i, i, line.text.trim().to_owned(), "untouched");
        }
        if let Some(core) = core(&cleaned) {
            context.push(&mut out, i, i, core, "core");
        }
        if let Some((first, _)) =
            cleaned.split_once([',', '|']).or_else(|| cleaned.split_once(" - "))
        {
            context.push(&mut out, i, i, first.trim().to_owned(), "cut");
        }
        if let Some((first, _)) = cleaned.split_once(" (").filter(|(f, _)| letters(f) >= 3) {
            context.push(&mut out, i, i, first.trim().to_owned(), "cut_paren");
        }
        if let Some(next) = lines.get(i + 1) {
            let joined = format!("{cleaned} {}", clean(&next.text));
            context.push(&mut out, i, i + 1, joined, "joined");
        }
    }
    brand_candidates(&context, &mut out);
    out
}

/// The name without a leading or trailing word that only says what kind of shop it is.
fn core(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split_whitespace().collect();
    let (first, last) = (fold(parts.first()?), fold(parts.last()?));
    if parts.len() < 2 {
        return None;
    }
    if TRADE.contains(&first.as_str()) {
        return Some(parts[1..].join(" "));
    }
    let legal = LEGAL.contains(&squash(&last).as_str());
    (legal || TRADE.contains(&last.as_str())).then(|| parts[..parts.len() - 1].join(" "))
}

fn brand_candidates(c: &Context<'_>, out: &mut Vec<Candidate>) {
    let mut seen: Vec<(&'static str, usize, usize)> = Vec::new();
    for (row, printed) in c.r.layout.rows.iter().enumerate() {
        for brand in brands::find(&printed.text()) {
            match seen.iter_mut().find(|(n, ..)| *n == brand.name) {
                Some(s) => s.2 += 1,
                None => seen.push((brand.name, row, 1)),
            }
        }
    }
    for (name, row, times) in seen {
        let printed = &c.r.layout.rows[row];
        let head = c.lines.iter().position(|l| l.row == row);
        let mut f: Features = vec![
            ("brand", 1.0),
            ("brand_head", flag(head.is_some_and(|h| h < 4))),
            ("brand_first", flag(head == Some(0))),
            ("brand_many", count(times).ln().min(1.5)),
            ("brand_late", flag(head.is_none())),
            ("brand_domain", flag(c.domains.iter().any(|d| squash(name).contains(d.as_str())))),
            ("brand_second_page", flag(printed.page > 0)),
            ("here_brand", flag(c.curated())),
            ("here_brand_late", flag(c.curated() && head.is_none())),
            ("here_brand_many", flag(c.curated() && times > 1)),
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

struct Context<'a> {
    r: &'a Reading,
    lines: &'a [Line],
    domains: &'a [String],
    all: &'a [(usize, String)],
    any_legal: bool,
}

impl Context<'_> {
    /// Where people call a shop by its sign rather than by its registered name.
    fn curated(&self) -> bool {
        !matches!(
            self.r.locale.country.map(|c| c.0),
            None | Some("MY" | "SG" | "US" | "PH" | "IN" | "AE")
        )
    }

    fn push(
        &self,
        out: &mut Vec<Candidate>,
        from: usize,
        to: usize,
        name: String,
        kind: &'static str,
    ) {
        let key = squash(&name);
        if letters(&name) < 2
            || name.chars().count() > 80
            || (kind != "untouched" && out.iter().any(|c| c.name == name))
        {
            return;
        }
        let (a, b) = (&self.lines[from], &self.lines[to]);
        let bounds = super::layout::union(a.bounds, b.bounds);
        let mut f: Features = Vec::with_capacity(64);
        if !kind.is_empty() {
            f.push((kind, 1.0));
        }
        self.text_features(&name, &key, &mut f);
        self.line_features(a, from, to, &mut f);
        if from != to {
            self.join_features(a, b, &mut f);
        }
        let raw = if from == to { a.text.clone() } else { format!("{} {}", a.text, b.text) };
        let twin = self.all.iter().filter(|(row, text)| {
            *row != a.row && *row != b.row && key.len() >= 4 && text.contains(key.as_str())
        });
        f.push(("again", flag(twin.count() > 0)));
        let domain = self
            .domains
            .iter()
            .any(|d| d.len() >= 4 && (key.contains(d.as_str()) || d.contains(key.as_str())));
        f.push(("domain", flag(domain)));
        let here = flag(self.curated());
        f.push(("here_legal", here * flag(ends_legal(&name))));
        f.push(("here_cut", here * flag(matches!(kind, "cut" | "cut_paren"))));
        f.push(("here_core", here * flag(kind == "core")));
        f.push(("here_joined", here * flag(kind == "joined")));
        let holds_brand = !brands::find(&name).is_empty();
        f.push(("holds_brand", flag(holds_brand)));
        f.push(("here_holds_brand", here * flag(holds_brand)));
        f.push(("here_line0", here * flag(from == 0)));
        f.push(("here_domain", here * flag(domain)));
        out.push(Candidate { name, rows: (a.row, b.row), bounds, raw, features: f });
    }

    fn text_features(&self, name: &str, key: &str, f: &mut Features) {
        let n = name.chars().count();
        let digits = name.chars().filter(char::is_ascii_digit).count();
        let upper = name.chars().filter(|c| c.is_uppercase()).count();
        let own = words(name);
        f.push(("short", flag(n < 5)));
        f.push(("long", flag(n > 32)));
        f.push(("very_long", flag(n > 45)));
        f.push(("one_word", flag(own.len() == 1)));
        f.push(("many_words", flag(own.len() > 5)));
        f.push(("digit", flag(digits > 0)));
        f.push(("digits", count(digits) / count(n.max(1))));
        f.push(("capitals", flag(upper * 10 >= letters(name) * 9)));
        let legal = ends_legal(name);
        f.push(("legal", flag(legal)));
        f.push(("other_legal", flag(self.any_legal && !legal)));
        f.push(("trade", flag(own.iter().any(|w| TRADE.contains(&w.as_str())))));
        f.push(("doc_word", flag(own.iter().any(|w| DOC_WORDS.contains(&w.as_str())))));
        f.push(("only_doc", flag(own.iter().all(|w| DOC_WORDS.contains(&w.as_str())))));
        f.push(("address", flag(ADDRESS.is_match(name))));
        f.push(("address_shape", flag(ADDRESS_SHAPE.is_match(name))));
        f.push(("phone", flag(PHONE.is_match(name))));
        f.push(("label", flag(!labels::read(name).is_empty())));
        f.push(("comma", flag(name.contains(','))));
        f.push(("colon", flag(name.contains(':'))));
        f.push(("paren_start", flag(name.starts_with(['(', '[']))));
        f.push(("paren_open", flag(name.contains('(') && !name.contains(')'))));
        f.push(("only_legal", flag(LEGAL.contains(&key))));
        f.push((
            "web",
            flag(key.starts_with("www") || name.contains('@') || name.contains("http")),
        ));
        f.push((
            "sentence",
            flag(
                own.len() > 3 && name.chars().next().is_some_and(char::is_uppercase) && upper <= 2,
            ),
        ));
    }

    fn line_features(&self, a: &Line, from: usize, to: usize, f: &mut Features) {
        const PLACES: [&str; 8] =
            ["line0", "line1", "line2", "line3", "line4", "line5", "line6", "line7"];
        f.push((PLACES.get(from).copied().unwrap_or("line8"), 1.0));
        let named = self.lines[..from].iter().filter(|l| l.named && !l.address).count();
        f.push((
            ["named0", "named1", "named2"].get(named).copied().unwrap_or("named3"),
            flag(a.named),
        ));
        let page = &self.r.layout.pages[0];
        f.push(("size", (a.height / page.line_height - 1.0).clamp(-0.5, 1.5)));
        let tallest = self.lines.iter().take(6).map(|l| l.height).fold(0.0, f32::max);
        f.push(("tallest", flag(a.height >= tallest * 0.98 && a.height > 1.2 * page.line_height)));
        let centre =
            (f32::midpoint(a.bounds[0], a.bounds[2]) - f32::midpoint(page.left, page.right)).abs();
        f.push(("centred", flag(centre < 0.08 * (page.right - page.left))));
        f.push(("depth", self.r.layout.depth(a.row)));
        f.push(("unsure", 1.0 - a.confidence));
        f.push(("in_money_row", flag(a.money)));
        f.push(("in_date_row", flag(a.dated)));
        f.push(("has_registration", flag(a.registration)));
        let after = self.lines.get(to + 1);
        f.push(("then_address", flag(after.is_some_and(|l| l.address))));
        f.push(("then_registration", flag(after.is_some_and(|l| l.registration && !l.address))));
        f.push(("then_phone", flag(after.is_some_and(|l| l.phone))));
        f.push(("then_name", flag(after.is_some_and(|l| l.named && !l.address))));
        f.push(("then_legal", flag(after.is_some_and(|l| l.legal && !l.address))));
        let before = from.checked_sub(1).map(|i| &self.lines[i]);
        f.push(("after_address", flag(before.is_some_and(|l| l.address))));
        f.push((
            "after_any_address",
            flag(self.lines[..from].iter().any(|l| l.address && !l.legal)),
        ));
        f.push(("after_legal", flag(self.lines[..from].iter().any(|l| l.legal))));
        f.push(("after_doc", flag(before.is_some_and(|l| l.doc))));
        f.push(("after_money", flag(self.lines[..from].iter().any(|l| l.money))));
    }

    fn join_features(&self, a: &Line, b: &Line, f: &mut Features) {
        f.push(("joined_legal", flag(b.legal && !a.legal)));
        f.push(("joined_both_legal", flag(b.legal && a.legal)));
        f.push(("joined_legal_first", flag(a.legal && !b.legal)));
        f.push(("joined_address", flag(b.address)));
        f.push(("joined_other", flag(!b.named)));
        f.push(("joined_same_size", flag((a.height - b.height).abs() < 0.15 * a.height)));
        f.push((
            "joined_tall",
            flag(a.height.min(b.height) > 1.3 * self.r.layout.pages[0].line_height),
        ));
        f.push(("joined_short", flag(words(&b.text).len() <= 2 && !b.address)));
        f.push(("joined_row", flag(a.row == b.row)));
        let gap = b.bounds[1] - a.bounds[3];
        f.push(("joined_gap", flag(gap > 0.8 * a.height)));
        f.push(("joined_paren", flag(b.text.trim_start().starts_with('('))));
        f.push(("joined_first_registered", flag(a.registration)));
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
