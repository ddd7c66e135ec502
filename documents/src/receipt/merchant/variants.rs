//! The ways one printed line can hold a name: with or without what stands around it.

use super::super::{
    names::{AFTER_NAME, DOC_WORDS, LEGAL, REGISTERED, STORE_NUMBER, TRADE, letters},
    normalise::{fold, squash, words},
};
use super::lines::Line;

/// A name and how it was made out of the line; empty for the cleaned line itself.
pub(super) type Variant = (String, &'static str);

/// All of them, for the cleaned text of `lines[at]`.
pub(super) fn of(lines: &[Line], at: usize, cleaned: &str, domains: &[String]) -> Vec<Variant> {
    let mut out: Vec<Variant> = Vec::new();
    let mut push = |name: Option<String>, kind: &'static str| {
        let name = name.map(|n| n.trim().trim_end_matches([',', '-', '|', ':']).trim().to_owned());
        out.extend(name.filter(|n| letters(n) >= 2).map(|n| (n, kind)));
    };
    push(core(cleaned), "core");
    push(core(cleaned).as_deref().and_then(core), "core_core");
    let split = cleaned.split_once([',', '|']).or_else(|| cleaned.split_once(" - "));
    push(split.map(|(first, _)| first.to_owned()), "cut");
    let paren = cleaned.split_once(" (").filter(|(f, _)| letters(f) >= 3);
    push(paren.map(|(first, _)| first.to_owned()), "cut_paren");
    push(before(&STORE_NUMBER, cleaned), "cut_number");
    push(before(&REGISTERED, cleaned), "cut_registered");
    push(AFTER_NAME.captures(cleaned).map(|c| c[1].to_owned()), "after_alias");
    push(place(lines, at, cleaned), "cut_place");
    push(prefix(cleaned, domains), "domain_prefix");
    push(legal(cleaned), "cut_legal");
    out
}

fn before(pattern: &regex::Regex, text: &str) -> Option<String> {
    let found = pattern.find(text).filter(|m| m.start() > 0)?;
    Some(text[..found.start()].to_owned())
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

/// Without all words of a company form at the end: `SDN BHD`, `GmbH & Co. KG`.
fn legal(name: &str) -> Option<String> {
    const MORE: &[&str] = &["sdn", "and", "y", "cia", "et", "fils", "pvt", "pty"];
    let mut parts: Vec<&str> = name.split_whitespace().collect();
    let before = parts.len();
    while parts.len() > 1 {
        let key = squash(parts[parts.len() - 1]);
        let cut = key.is_empty()
            || LEGAL.contains(&key.as_str())
            || (parts.len() < before && MORE.contains(&key.as_str()));
        if !cut {
            break;
        }
        parts.pop();
    }
    (parts.len() < before).then(|| parts.join(" "))
}

/// Without the place, where a later word stands again in the address below: `Chain Lyon Centre` over `69002 Lyon`.
fn place(lines: &[Line], at: usize, name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split_whitespace().collect();
    let first = fold(parts.first()?);
    // A line with the name's first word is the name again, not its address.
    let below: Vec<String> = lines
        .iter()
        .skip(at + 1)
        .take(5)
        .map(|l| words(&l.text))
        .filter(|l| !l.contains(&first))
        .flatten()
        .collect();
    let again = |part: &&str| {
        let key = fold(part);
        key.chars().count() >= 4 && !DOC_WORDS.contains(&key.as_str()) && below.contains(&key)
    };
    let cut = parts.iter().skip(1).position(again)? + 1;
    Some(parts[..cut].join(" "))
}

/// The first words that together are the name of the shop's site.
fn prefix(name: &str, domains: &[String]) -> Option<String> {
    let parts: Vec<&str> = name.split_whitespace().collect();
    (1..parts.len()).find_map(|n| {
        let first = parts[..n].join(" ");
        domains.contains(&squash(&first)).then_some(first)
    })
}

/// Digits that are letters, in words that are otherwise letters: `Hi1ls`, `A11 Seasons`.
pub(super) fn repaired(name: &str) -> Option<String> {
    let lower = name.chars().any(char::is_lowercase);
    let fixed: Vec<String> = name
        .split(' ')
        .map(|word| {
            let all = word.chars().filter(|c| c.is_alphanumeric()).count();
            let known = word.chars().filter(|c| c.is_alphabetic()).count();
            let taken = word.chars().filter(|c| matches!(c, '0' | '1')).count();
            let starts = word.chars().next().is_some_and(char::is_alphabetic);
            let doubled = starts && word.len() == 3 && word.ends_with("11") && lower;
            if taken == 0 || known + taken != all || !(known >= 2 * taken && known >= 3 || doubled)
            {
                return word.to_owned();
            }
            let small = word.chars().any(char::is_lowercase) || doubled;
            word.chars()
                .map(|c| match (c, small) {
                    ('1', true) => 'l',
                    ('1', false) => 'I',
                    ('0', true) => 'o',
                    ('0', false) => 'O',
                    (c, _) => c,
                })
                .collect()
        })
        .collect();
    let fixed = fixed.join(" ");
    (fixed != name).then_some(fixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_that_are_letters() {
        assert_eq!(repaired("Lost Hi1ls Diner").as_deref(), Some("Lost Hills Diner"));
        assert_eq!(repaired("A11 Seasons Wash").as_deref(), Some("All Seasons Wash"));
        assert_eq!(repaired("KEDAI B0RNEO").as_deref(), Some("KEDAI BORNEO"));
        for plain in ["Route 101", "Bar 10", "No.900", "B12", "1st Stop"] {
            assert_eq!(repaired(plain), None, "{plain}");
        }
    }

    #[test]
    fn company_forms_are_cut_as_a_whole() {
        assert_eq!(legal("Muster GmbH & Co. KG").as_deref(), Some("Muster"));
        assert_eq!(legal("BLUE SHOP SDN BHD").as_deref(), Some("BLUE SHOP"));
        assert_eq!(legal("La Sardine"), None);
    }

    #[test]
    fn the_site_s_name_begins_the_line() {
        let domains = vec!["bluefish".to_owned()];
        assert_eq!(prefix("Blue Fish fresh bar", &domains).as_deref(), Some("Blue Fish"));
    }
}
