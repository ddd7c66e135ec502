//! Digits with their separators, and the number they make in the habits of those who print them.

use super::signs::sign_of;

/// Digits and separators from one place on.
pub(super) struct Run {
    pub(super) groups: Vec<(usize, usize)>,
    /// Between groups: `.`, `,`, `'` or a space.
    pub(super) seps: Vec<char>,
}

pub(super) fn run(chars: &[char], start: usize) -> Run {
    let mut groups = Vec::new();
    let mut seps = Vec::new();
    let mut i = start;
    loop {
        let from = i;
        while i < chars.len() && chars[i].is_ascii_digit() {
            i += 1;
        }
        groups.push((from, i));
        let at = |k: usize| chars.get(k).copied().unwrap_or('\0');
        let digit = |k: usize| at(k).is_ascii_digit();
        let mark = |c: char| matches!(c, '.' | ',' | '\'');
        if mark(at(i)) && digit(i + 1) {
            seps.push(at(i));
            i += 1;
        } else if mark(at(i)) && at(i + 1) == ' ' && digit(i + 2) && digit(i + 3) && !digit(i + 4) {
            seps.push(at(i));
            i += 2;
        } else if at(i) == ' ' && mark(at(i + 1)) && digit(i + 2) {
            seps.push(at(i + 1));
            i += 2;
        } else if at(i) == ' ' && digit(i + 1) {
            seps.push(' ');
            i += 1;
        } else {
            return Run { groups, seps };
        }
    }
}

pub(super) struct Number {
    pub(super) minor: i64,
    pub(super) decimals: u8,
    pub(super) end: usize,
    /// How many groups were used.
    pub(super) used: usize,
}

pub(super) fn value(chars: &[char], groups: &[(usize, usize)], decimals: usize) -> Option<i64> {
    let digits: String = groups.iter().flat_map(|&(a, b)| chars[a..b].iter()).collect();
    if digits.len() > 14 {
        return None;
    }
    let n: i64 = digits.parse().ok()?;
    Some(match decimals {
        0 => n.checked_mul(100)?,
        1 => n.checked_mul(10)?,
        2 => n,
        // Thousandths are weights and litres; hundredths are enough for what is done with them.
        _ => (n + 5) / 10,
    })
}

/// Reads as many groups as make one number; spaces join only full thousands that end in decimals.
pub(super) fn number(chars: &[char], run: &Run, from: usize, join_spaces: bool) -> Option<Number> {
    let len = |g: usize| run.groups[g].1 - run.groups[g].0;
    let whole_euros = whole_follows(chars, run, from);
    // Up to the first space that does not group thousands.
    let mut last = from;
    while last < run.seps.len() {
        let space = run.seps[last] == ' ';
        let joins = !space
            || (join_spaces
                && len(last + 1) == 3
                && len(from) <= 3
                && (groups_end_in_decimals(run, last) || whole_euros));
        if !joins {
            break;
        }
        last += 1;
    }
    let groups = &run.groups[from..=last];
    let seps = &run.seps[from..last];
    let end = groups.last()?.1;
    let used = last - from + 1;
    let number = |decimals: usize| {
        value(chars, groups, decimals).map(|minor| Number {
            minor,
            decimals: u8::try_from(decimals).unwrap_or(3),
            end,
            used,
        })
    };
    let tail = len(last);
    let thousands = |inner: &[(usize, usize)]| {
        inner
            .iter()
            .enumerate()
            .all(|(i, g)| if i == 0 { (1..=3).contains(&(g.1 - g.0)) } else { g.1 - g.0 == 3 })
    };
    match seps {
        [] => number(0),
        [one] => match (one, tail) {
            ('\'', 3) => number(0),
            (' ', 3) if whole_euros => number(0),
            ('.' | ',', 3) if euro_cents(chars, end) => number(0),
            ('.' | ',', 1..=3) => number(tail),
            _ => None,
        },
        [inner @ .., decimal] => {
            let same = inner.iter().all(|s| s == &inner[0]);
            let body = &groups[..groups.len() - 1];
            if *decimal != '\'' && *decimal != ' ' && tail == 2 && same && thousands(body) {
                number(2)
            } else if same && *decimal == inner[0] && thousands(groups) {
                number(0)
            } else {
                None
            }
        }
    }
}

/// `€50` behind whole euros.
pub(super) fn euro_cents(chars: &[char], at: usize) -> bool {
    let digit = |i: usize| chars.get(i).is_some_and(char::is_ascii_digit);
    chars.get(at) == Some(&'€') && digit(at + 1) && digit(at + 2) && !digit(at + 3)
}

/// Whether full thousands between spaces end in a currency: `1 234 €`, `1 234€50`.
fn whole_follows(chars: &[char], run: &Run, from: usize) -> bool {
    let mut last = from;
    while last < run.seps.len() && run.seps[last] == ' ' {
        last += 1;
    }
    let end = run.groups[last].1;
    let full = run.groups[from + 1..=last].iter().all(|g| g.1 - g.0 == 3);
    let mut next = end;
    while chars.get(next) == Some(&' ') {
        next += 1;
    }
    let word: String = chars[next..].iter().take_while(|c| c.is_alphabetic()).collect();
    let sign = chars.get(next).is_some_and(|c| matches!(c, '€' | '$' | '£'));
    last > from && last == run.seps.len() && full && (sign || sign_of(&word).is_some())
}

fn groups_end_in_decimals(run: &Run, at: usize) -> bool {
    let mut i = at;
    while i < run.seps.len() && run.seps[i] == ' ' {
        i += 1;
    }
    i < run.seps.len() && run.groups[i + 1].1 - run.groups[i + 1].0 == 2
}
