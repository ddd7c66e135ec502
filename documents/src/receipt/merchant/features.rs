//! What speaks for a name: its words, its line, its neighbours, and where else it is printed.

use super::super::{
    Reading,
    brands::{self, Brand, By},
    labels,
    layout::union,
    model::Features,
    names::{
        ADDRESS, ADDRESS_SHAPE, BRANCH_NUMBER, DOC_WORDS, GREETING, GREETING_END, LEGAL,
        ONLY_STORE, OWNER, PHONE, STORE_LINE, ends_legal, joins, kind_before, kind_behind, letters,
        only_document, only_kinds, torn_off, unfinished,
    },
    normalise::{near, squash, words},
    num::{count, flag},
};
use super::{Candidate, lines::Line, parts::Parts};

/// Shorter names of chains begin too many other names.
const CHAIN: usize = 5;
/// A letter misread in a shorter name makes another one.
const MISREAD: usize = 7;

/// What all candidates of a page are compared with.
pub(super) struct Context<'a> {
    pub(super) r: &'a Reading,
    pub(super) lines: &'a [Line],
    pub(super) domains: &'a [String],
    /// Every row, folded to letters and digits.
    pub(super) all: &'a [(usize, String)],
    pub(super) any_legal: bool,
    /// Chains named in each row.
    pub(super) brands: &'a [Vec<(&'static Brand, By)>],
    /// Names over two lines.
    pub(super) parts: &'a Parts,
    /// Rows that are only a town.
    pub(super) towns: &'a [usize],
}

impl Context<'_> {
    /// Where people call a shop by its sign rather than by its registered name.
    pub(super) fn curated(&self) -> bool {
        !matches!(
            self.r.locale.country.map(|c| c.0),
            None | Some("MY" | "SG" | "US" | "PH" | "IN" | "AE")
        )
    }

    /// The chain that another row names letter by letter, where this is its name but for one letter.
    fn named_elsewhere(&self, key: &str) -> Option<&'static str> {
        let long = key.len() >= MISREAD;
        let mut chains = self.brands.iter().flatten().filter(|(_, by)| long && *by == By::Name);
        chains.find(|(b, _)| b.key() != key && near(b.key(), key)).map(|(b, _)| b.name)
    }

    /// Without a branch's number behind the sign, where people call a shop by its sign.
    pub(super) fn unnumbered(&self, name: String) -> String {
        let cut = BRANCH_NUMBER.captures(&name).filter(|_| self.curated());
        let sign = cut.and_then(|c| c.get(1).or(c.get(2))).map(|m| m.as_str().to_owned());
        sign.filter(|s| letters(s) >= 3).unwrap_or(name)
    }

    /// The chain a name begins with and says more behind, a branch or words of a company, where people call a shop by
    /// its sign. A letter may be misread; some row of the page must name the chain letter by letter.
    fn chain_and_more(&self, name: &str) -> Option<&'static str> {
        let key = squash(name);
        let country = self.r.locale.country.map(|c| c.0);
        if !self.curated() || brands::named(&key).is_some() {
            return None;
        }
        let named = self.brands.iter().flatten().filter(|(_, by)| *by == By::Name);
        let chains: Vec<&'static Brand> = named
            .map(|(b, _)| *b)
            .filter(|b| !b.doubtful(country) && (CHAIN..key.len()).contains(&b.key().len()))
            // Names of the index begin those of single shops: "L'Atelier" that of "L'Atelier du Pain".
            .filter(|b| b.row.anywhere || self.domains.iter().any(|d| d.starts_with(b.key())))
            .collect();
        let begun = words(name).into_iter().scan(String::new(), |first, word| {
            first.push_str(&word);
            Some(first.clone()).filter(|f| f.len() < key.len())
        });
        let is = |b: &Brand, first: &str| {
            b.key() == first || b.key().len() >= MISREAD && near(b.key(), first)
        };
        // A legal form alone is a matter of taste: an invoice keeps it.
        begun
            .filter(|first| !chains.is_empty() && !LEGAL.contains(&&key[first.len()..]))
            .find_map(|first| chains.iter().find(|b| is(b, &first)).map(|b| b.name))
    }

    /// The name as the table of chains or another row has it, where one of them knows it.
    fn known(&self, name: String, from: usize, to: usize) -> String {
        let known = self
            .named_elsewhere(&squash(&name))
            .or_else(|| self.chain_and_more(&name))
            .or_else(|| self.parts.whole(from, to));
        known.map_or(name, ToOwned::to_owned)
    }

    /// Lines that make no name together, or no whole one.
    fn torn(&self, from: usize, to: usize) -> bool {
        self.parts.splits(from, to)
            || self.lines[from..=to].windows(2).any(|w| beside(&w[0], &w[1]))
    }

    pub(super) fn push(
        &self,
        out: &mut Vec<Candidate>,
        from: usize,
        to: usize,
        name: String,
        kind: &'static str,
    ) {
        let name = self.known(name, from, to);
        let key = squash(&name);
        if letters(&name) < 2
            || words(&name).iter().all(|w| joins(w))
            || (!kind.is_empty() && ONLY_STORE.is_match(&self.lines[from].text))
            || name.chars().count() > 80
            || self.torn(from, to)
            || (from == to && self.towns.contains(&self.lines[from].row))
            || (!kind.is_empty() && only_kinds(&name))
            || torn_off(&name)
            || (kind != "untouched" && GREETING.is_match(&name))
            || GREETING_END.is_match(&name)
            || ONLY_STORE.is_match(&name)
            || (kind != "untouched" && out.iter().any(|c| c.name == name))
        {
            return;
        }
        let (a, b) = (&self.lines[from], &self.lines[to]);
        let bounds = union(a.bounds, b.bounds);
        let mut f: Features = Vec::with_capacity(64);
        if !kind.is_empty() {
            f.push((kind, 1.0));
        }
        self.country_features(&mut f);
        self.text_features(&name, &key, &mut f);
        self.line_features(a, from, to, &mut f);
        if from != to {
            self.join_features(a, b, &mut f);
            join_sizes(&self.lines[from..=to], &mut f);
        }
        let raw = if from == to { a.text.clone() } else { format!("{} {}", a.text, b.text) };
        f.push(("whole_line", flag(matches!(kind, "" | "joined"))));
        self.elsewhere_features(&key, (a.row, b.row), &mut f);
        let alone = |(row, text): &(usize, String)| (*row < a.row || *row > b.row) && *text == key;
        f.push(("joined_again_alone", flag(from != to && self.all.iter().any(alone))));
        let here = flag(self.curated());
        let domain = self.domains.iter().any(|d| near_domain(&key, d));
        f.push(("here_legal", here * flag(ends_legal(&name))));
        f.push(("here_cut", here * flag(kind.starts_with("cut"))));
        f.push(("here_core", here * flag(kind.starts_with("core"))));
        f.push(("here_joined", here * flag(kind.starts_with("joined"))));
        let rows = [a.row, b.row].into_iter().filter_map(|row| self.brands.get(row));
        let brands: Vec<&str> = rows
            .flatten()
            .filter(|(_, by)| *by == By::Name)
            .map(|(brand, _)| brand.key())
            .filter(|brand| key.contains(brand))
            .collect();
        let more = |cut: fn(&str, &str) -> bool| {
            flag(brands.iter().any(|b| b.len() < key.len() && cut(&key, b)))
        };
        f.push(("holds_brand", flag(!brands.is_empty())));
        f.push(("here_holds_brand", here * flag(!brands.is_empty())));
        f.push(("more_behind_brand", more(|key, brand| key.starts_with(brand))));
        f.push(("more_before_brand", more(|key, brand| key.ends_with(brand))));
        if let Some(brand) = brands::named(&key) {
            let doubtful = brand.doubtful(self.r.locale.country.map(|c| c.0));
            f.push(("is_listed", flag(!doubtful)));
            f.push(("here_is_listed", here * flag(!doubtful)));
            f.push(("joined_is_listed", flag(!doubtful && from != to)));
            f.push(("is_doubtful", flag(doubtful)));
        }
        f.push(("here_line0", here * flag(from == 0)));
        f.push(("here_domain", here * flag(domain)));
        out.push(Candidate { name, rows: (a.row, b.row), bounds, raw, features: f });
    }

    /// Where names are kept differently; the same for all candidates, for the trees to tell apart.
    fn country_features(&self, f: &mut Features) {
        let country = self.r.locale.country.map(|c| c.0);
        f.push(("in_malaysia", flag(matches!(country, Some("MY" | "SG")))));
        f.push(("in_america", flag(matches!(country, Some("US")))));
        f.push(("in_curated", flag(self.curated())));
    }

    /// Whether the name, or something close to it, is printed again.
    fn elsewhere_features(&self, key: &str, own: (usize, usize), f: &mut Features) {
        let others = || self.all.iter().filter(|(row, _)| *row != own.0 && *row != own.1);
        let again = others().any(|(_, text)| key.len() >= 4 && text.contains(key));
        f.push(("again", flag(again)));
        f.push(("again_alone", flag(others().any(|(_, text)| key.len() >= 4 && text == key))));
        f.push(("domain", flag(self.domains.iter().any(|d| near_domain(key, d)))));
        f.push(("domain_same", flag(self.domains.iter().any(|d| d == key))));
        let starts =
            |d: &String| d.len() >= 4 && (key.starts_with(d.as_str()) || d.starts_with(key));
        f.push(("domain_start", flag(key.len() >= 4 && self.domains.iter().any(starts))));
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
        f.push(("trade_first", flag(own.first().is_some_and(|w| kind_before(w)))));
        f.push(("trade_last", flag(own.last().is_some_and(|w| kind_behind(w)))));
        f.push(("unfinished", flag(unfinished(name))));
        f.push(("store_number", flag(STORE_LINE.is_match(name))));
        f.push(("trade", flag(own.iter().any(|w| kind_before(w) || kind_behind(w)))));
        f.push(("doc_word", flag(own.iter().any(|w| DOC_WORDS.contains(&w.as_str())))));
        f.push(("only_doc", flag(only_document(key))));
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
        f.push(("twice_as_tall", flag(a.height > 1.8 * page.line_height)));
        let taller = self.lines.iter().take(8).any(|l| l.height > 1.4 * a.height && l.named);
        f.push(("taller_beside", flag(taller)));
        let centre =
            (f32::midpoint(a.bounds[0], a.bounds[2]) - f32::midpoint(page.left, page.right)).abs();
        f.push(("centred", flag(centre < 0.08 * (page.right - page.left))));
        f.push(("depth", self.r.layout.depth(a.row)));
        f.push(("unsure", 1.0 - a.confidence));
        f.push(("in_money_row", flag(a.money)));
        f.push(("in_date_row", flag(a.dated)));
        f.push(("owner", flag(OWNER.is_match(&a.text))));
        f.push(("has_registration", flag(a.registration)));
        let after = self.lines.get(to + 1);
        f.push(("then_address", flag(after.is_some_and(|l| l.address))));
        f.push(("then_registration", flag(after.is_some_and(|l| l.registration && !l.address))));
        f.push(("then_phone", flag(after.is_some_and(|l| l.phone))));
        f.push(("then_name", flag(after.is_some_and(|l| l.named && !l.address))));
        f.push(("then_legal", flag(after.is_some_and(|l| l.legal && !l.address))));
        let before = from.checked_sub(1).map(|i| &self.lines[i]);
        let greeted = before.is_some_and(|l| GREETING_END.is_match(&l.text));
        f.push(("after_greeting", flag(greeted)));
        f.push(("after_address", flag(before.is_some_and(|l| l.address))));
        f.push((
            "after_any_address",
            flag(self.lines[..from].iter().any(|l| l.address && !l.legal)),
        ));
        let under = before.is_some_and(|l| goes_on(l, a) && !l.legal && !l.registration);
        f.push(("after_name", flag(under)));
        let trade = words(&a.text).first().is_some_and(|w| kind_before(w));
        f.push(("after_name_trade", flag(under && trade)));
        let over = after.is_some_and(|l| goes_on(&self.lines[to], l));
        f.push(("then_name_close", flag(over && !a.legal && !a.registration)));
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
        f.push(("joined_unfinished", flag(unfinished(&a.text))));
        let gap = b.bounds[1] - a.bounds[3];
        f.push(("joined_gap", flag(gap > 0.8 * a.height)));
        f.push(("joined_paren", flag(b.text.trim_start().starts_with('('))));
        f.push(("joined_first_registered", flag(a.registration)));
    }
}

/// How like the lines of a joined name are to each other.
fn join_sizes(lines: &[Line], f: &mut Features) {
    let heights = || lines.iter().map(|l| l.height);
    let (least, most) = (heights().fold(f32::MAX, f32::min), heights().fold(0.0, f32::max));
    f.push(("join_jump", (most / least.max(1.0) - 1.0).min(2.0)));
    let middle = |l: &Line| f32::midpoint(l.bounds[0], l.bounds[2]);
    let apart = lines.windows(2).map(|w| (middle(&w[0]) - middle(&w[1])).abs()).fold(0.0, f32::max);
    f.push(("join_centred", flag(apart < 1.5 * most)));
    f.push(("join_owner", flag(lines.iter().skip(1).any(|l| OWNER.is_match(&l.text)))));
    f.push(("join_unnamed", flag(lines.iter().any(|l| !l.named || l.phone))));
}

/// In other rows and other columns: nobody reads one after the other.
fn beside(a: &Line, b: &Line) -> bool {
    a.row != b.row && (a.bounds[0] > b.bounds[2] || b.bounds[0] > a.bounds[2])
}

/// One right under the other, in letters of one size, neither of them an address: perhaps one name.
fn goes_on(a: &Line, b: &Line) -> bool {
    let alike = (a.height - b.height).abs() < 0.2 * a.height;
    let under = b.bounds[1] - a.bounds[3] < 0.8 * a.height;
    alike && under && [a, b].iter().all(|l| l.named && !l.address)
}

fn near_domain(key: &str, domain: &str) -> bool {
    domain.len() >= 4 && (key.contains(domain) || (key.len() >= 4 && domain.contains(key)))
}
