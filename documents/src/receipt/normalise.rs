//! Text made comparable: case, accents, spaces and the usual confusions of OCR.

use regex::Regex;

/// A regular expression that stands in the code.
#[expect(clippy::expect_used, reason = "constant patterns, compiled in every test run")]
pub(crate) fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

/// Lower case without accents; everything else stays, one input character may become two.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        fold_char(c, &mut out);
    }
    out
}

fn fold_char(c: char, out: &mut String) {
    let plain = match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ą' | 'À' | 'Á' | 'Â' | 'Ã' | 'Ä' | 'Å' => {
            'a'
        }
        'ç' | 'ć' | 'č' | 'Ç' | 'Č' => 'c',
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'È' | 'É' | 'Ê' | 'Ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'Ì' | 'Í' | 'Î' | 'Ï' | 'ı' => 'i',
        'ñ' | 'ń' | 'Ñ' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ö' | 'Ø' => 'o',
        'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'Ù' | 'Ú' | 'Û' | 'Ü' => 'u',
        'ý' | 'ÿ' | 'Ý' => 'y',
        '’' | '‘' | '`' | '´' | '′' => '\'',
        '−' | '–' | '—' | '‐' => '-',
        '\u{a0}' | '\u{202f}' | '\u{2009}' | '\t' => ' ',
        '：' => ':',
        '，' => ',',
        '．' | '。' => '.',
        '（' => '(',
        '）' => ')',
        'œ' | 'Œ' => return out.push_str("oe"),
        'æ' | 'Æ' => return out.push_str("ae"),
        'ß' => return out.push_str("ss"),
        _ if c.is_ascii() => c.to_ascii_lowercase(),
        _ => return out.extend(c.to_lowercase()),
    };
    out.push(plain);
}

/// What a byte range of the folded text was before; capitals where folding made one character two.
pub(crate) fn spelt(original: &str, folded: &str, range: std::ops::Range<usize>) -> String {
    let Some(found) = folded.get(range.clone()) else { return String::new() };
    if original.chars().count() != folded.chars().count() {
        return found.to_uppercase();
    }
    let start = folded.get(..range.start).unwrap_or_default().chars().count();
    original.chars().skip(start).take(found.chars().count()).collect()
}

/// Folded letters and digits only: what is left when spaces and points cannot be trusted.
pub(crate) fn squash(text: &str) -> String {
    fold(text).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Folded letters only, with digits that OCR mistakes for letters turned back (`T0TA1` → `total`) where a word has
/// more letters than digits. Words are kept apart by nothing: keywords are matched without spaces.
pub(crate) fn label_key(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        let digits = mostly_letters(word);
        for c in word.chars() {
            letter(c, digits, &mut out);
        }
    }
    out
}

/// Whether digits in this word are letters misread.
pub(crate) fn mostly_letters(word: &str) -> bool {
    let folded = fold(word);
    let letters = folded.chars().filter(|c| c.is_alphabetic()).count();
    letters > folded.chars().count() - letters
}

/// Adds a character of a word as [`label_key`] has it; false where it leaves it out.
pub(crate) fn letter(c: char, digits: bool, out: &mut String) -> bool {
    match c {
        '0' if digits => out.push('o'),
        '1' if digits => out.push('l'),
        '5' if digits => out.push('s'),
        '8' if digits => out.push('b'),
        _ if digits || c.is_alphabetic() => fold_char(c, out),
        _ => return false,
    }
    true
}

/// Folded letters and digits with those that look alike in print made one: `k0hls` and `kohls`, `oldnauy` and `oldnavy`.
pub(crate) fn skeleton(key: &str) -> String {
    let one = |c: char| match c {
        '0' | 'q' => 'o',
        '1' | 'i' | 'j' => 'l',
        '5' => 's',
        '8' => 'b',
        'v' => 'u',
        other => other,
    };
    key.chars().map(one).collect::<String>().replace("rn", "m")
}

/// The words of a text, folded.
pub(crate) fn words(text: &str) -> Vec<String> {
    fold(text)
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(Into::into)
        .collect()
}

/// Whether two words differ by at most one inserted, lost or changed character.
pub(crate) fn near(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let (short, long) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
    if long.len() - short.len() > 1 {
        return false;
    }
    let head = short.iter().zip(long.iter()).take_while(|(x, y)| x == y).count();
    let tail =
        short[head..].iter().rev().zip(long[head..].iter().rev()).take_while(|(x, y)| x == y);
    head + tail.count() + 1 >= long.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_accents_and_ligatures() {
        assert_eq!(fold("NET À PAYER"), "net a payer");
        assert_eq!(fold("Œufs Straße"), "oeufs strasse");
        assert_eq!(squash("T.V.A. 5,5 %"), "tva55");
    }

    #[test]
    fn labels_survive_ocr() {
        assert_eq!(label_key("T0TA1 TTC"), "totalttc");
        assert_eq!(label_key("TVA 20% (1)"), "tva");
        assert_eq!(label_key("Sous-total : 12"), "soustotal");
    }

    #[test]
    fn letters_that_look_alike_are_one() {
        assert_eq!(skeleton("c0rner"), skeleton("comer"));
        assert_ne!(skeleton("kohls"), skeleton("khols"));
    }

    #[test]
    fn near_is_one_edit() {
        assert!(near("total", "toal") && near("change", "cuange") && near("a", "a"));
        assert!(!near("total", "tal") && !near("cash", "card"));
    }
}
