//! Text without case and accents, as words are compared here.

/// Upper-case ASCII letters without accents; white space collapsed to single spaces; everything else kept.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() {
            gap = true;
            continue;
        }
        if gap && !out.is_empty() {
            out.push(' ');
        }
        gap = false;
        push_folded(&mut out, c);
    }
    out
}

fn push_folded(out: &mut String, c: char) {
    if c.is_ascii() {
        out.push(c.to_ascii_uppercase());
        return;
    }
    match c {
        'à' | 'â' | 'ä' | 'á' | 'ã' | 'å' | 'À' | 'Â' | 'Ä' | 'Á' | 'Ã' | 'Å' => {
            out.push('A');
        }
        'ç' | 'Ç' => out.push('C'),
        'é' | 'è' | 'ê' | 'ë' | 'É' | 'È' | 'Ê' | 'Ë' => out.push('E'),
        'î' | 'ï' | 'í' | 'ì' | 'Î' | 'Ï' | 'Í' | 'Ì' => out.push('I'),
        'ñ' | 'Ñ' => out.push('N'),
        'ô' | 'ö' | 'ó' | 'ò' | 'õ' | 'ø' | 'Ô' | 'Ö' | 'Ó' | 'Ò' | 'Õ' | 'Ø' => {
            out.push('O');
        }
        'ù' | 'û' | 'ü' | 'ú' | 'Ù' | 'Û' | 'Ü' | 'Ú' => out.push('U'),
        'ÿ' | 'ý' | 'Ÿ' | 'Ý' => out.push('Y'),
        'œ' | 'Œ' => out.push_str("OE"),
        'æ' | 'Æ' => out.push_str("AE"),
        'ß' | 'ẞ' => out.push_str("SS"),
        '’' | '‘' | '`' => out.push('\''),
        other => out.extend(other.to_uppercase()),
    }
}

/// The words of folded text: runs of letters and digits. An apostrophe ends a word (`L'EAU` is `L`, `EAU`).
pub(crate) fn words(folded: &str) -> impl Iterator<Item = &str> {
    folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// Letters and digits only.
pub(crate) fn squash(folded: &str) -> String {
    folded.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// `LE GRAND BAOBAB` as people write it: `Le Grand Baobab`.
pub(crate) fn title(folded: &str) -> String {
    let mut out = String::with_capacity(folded.len());
    let mut start = true;
    for c in folded.chars() {
        if start {
            out.push(c);
        } else {
            out.extend(c.to_lowercase());
        }
        start = !c.is_alphanumeric() && c != '\'';
    }
    out
}

/// How alike two names are, 0..1: words in common over the words of the shorter one, weighted by their length. A word
/// that begins the other counts, because banks cut names short.
#[must_use]
pub fn similarity(a: &str, b: &str) -> f32 {
    let (a, b) = (fold(a), fold(b));
    let (left, right): (Vec<&str>, Vec<&str>) = (words(&a).collect(), words(&b).collect());
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    let weight = |word: &str| u16::try_from(word.chars().count().min(12)).unwrap_or(12);
    let total: u16 = short.iter().map(|word| weight(word)).sum();
    if total == 0 {
        return 0.0;
    }
    let common: u16 = short
        .iter()
        .filter(|word| {
            long.iter().any(|other| {
                **word == *other
                    || (word.len() >= 4 && other.starts_with(**word))
                    || (other.len() >= 4 && word.starts_with(other))
            })
        })
        .map(|word| weight(word))
        .sum();
    let by_words = f32::from(common) / f32::from(total);
    let (x, y) = (squash(&a), squash(&b));
    let (x, y) = if x.len() <= y.len() { (x, y) } else { (y, x) };
    if x.len() >= 5 && y.starts_with(&x) { by_words.max(0.9) } else { by_words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_and_spaces_fold() {
        assert_eq!(fold("  Crédit   Agricole\tœuvre "), "CREDIT AGRICOLE OEUVRE");
        assert_eq!(title("PAUL'S TAVERN"), "Paul's Tavern");
        assert_eq!(words("L'EAU VIVE*12").collect::<Vec<_>>(), ["L", "EAU", "VIVE", "12"]);
    }

    #[test]
    fn cut_names_are_alike_and_others_are_not() {
        assert!(similarity("Le Grand Baobab", "LE GRAND BAOB") > 0.95);
        assert!(similarity("CARREFOURMARKET", "Carrefour Market") > 0.85);
        assert!(similarity("Franprix", "Monoprix") < 0.3);
        assert!(similarity("", "Monoprix") < 0.01);
    }
}
