//! Accents that the recogniser cannot see: its alphabet is weak on î, ï, û and œ. A French word that is none without
//! them gets them back, where the print has small letters; capitals are printed without accents anyway. Words that
//! exist in both spellings stay as they were read.

/// As read, and as spelt. Only words that differ by î, ï, û and œ, and mean nothing else without.
const WORDS: &[(&str, &str)] = &[
    ("abimer", "abîmer"),
    ("aout", "août"),
    ("boeuf", "bœuf"),
    ("boeufs", "bœufs"),
    ("boite", "boîte"),
    ("boites", "boîtes"),
    ("boitier", "boîtier"),
    ("bceuf", "bœuf"),
    ("buche", "bûche"),
    ("buches", "bûches"),
    ("ceuf", "œuf"),
    ("ceufs", "œufs"),
    ("chaine", "chaîne"),
    ("chaines", "chaînes"),
    ("choeur", "chœur"),
    ("cloitre", "cloître"),
    ("coeur", "cœur"),
    ("coeurs", "cœurs"),
    ("cout", "coût"),
    ("couts", "coûts"),
    ("croute", "croûte"),
    ("croutes", "croûtes"),
    ("croutons", "croûtons"),
    ("diner", "dîner"),
    ("diners", "dîners"),
    ("flute", "flûte"),
    ("flutes", "flûtes"),
    ("fraiche", "fraîche"),
    ("fraiches", "fraîches"),
    ("fraicheur", "fraîcheur"),
    ("gite", "gîte"),
    ("gites", "gîtes"),
    ("gout", "goût"),
    ("gouts", "goûts"),
    ("gouter", "goûter"),
    ("huitre", "huître"),
    ("huitres", "huîtres"),
    ("laique", "laïque"),
    ("maitre", "maître"),
    ("maitres", "maîtres"),
    ("maitrise", "maîtrise"),
    ("manoeuvre", "manœuvre"),
    ("moeurs", "mœurs"),
    ("mosaique", "mosaïque"),
    ("naif", "naïf"),
    ("noeud", "nœud"),
    ("noeuds", "nœuds"),
    ("oeil", "œil"),
    ("oeillet", "œillet"),
    ("oeillets", "œillets"),
    ("oeuf", "œuf"),
    ("oeufs", "œufs"),
    ("oeuvre", "œuvre"),
    ("oeuvres", "œuvres"),
    ("paraitre", "paraître"),
    ("plait", "plaît"),
    ("soeur", "sœur"),
    ("soeurs", "sœurs"),
    ("traitre", "traître"),
    ("voeux", "vœux"),
    ("voute", "voûte"),
];

/// The text with its words' accents back.
pub(crate) fn repair(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_alphabetic() {
            word.push(c);
            continue;
        }
        out.push_str(&spelt(&word));
        word.clear();
        out.push(c);
    }
    out.pop();
    out
}

fn spelt(word: &str) -> String {
    let small = word.chars().skip(1).all(char::is_lowercase) && word.is_ascii();
    let known = WORDS.iter().find(|(read, _)| small && word.eq_ignore_ascii_case(read));
    let Some((_, right)) = known else { return word.to_owned() };
    let mut letters = right.chars();
    match letters.next() {
        Some(first) if word.starts_with(char::is_uppercase) => {
            first.to_uppercase().chain(letters).collect()
        }
        _ => (*right).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_that_are_none_without() {
        assert_eq!(repair("Crème fraiche, 6 oeufs"), "Crème fraîche, 6 œufs");
        assert_eq!(repair("Au Maitre Boulanger"), "Au Maître Boulanger");
        for kept in ["MAITRE BOULANGER", "sur la cote", "Patisserie du coin", "du pain", "McDiner"]
        {
            assert_eq!(repair(kept), kept);
        }
    }

    #[test]
    fn the_list_only_adds_what_cannot_be_read() {
        for (read, right) in WORDS {
            let plain = super::super::normalise::fold(right);
            assert!(plain == *read || plain == read.replace("ce", "oe"), "{read}");
            assert!(right.chars().all(|c| c.is_ascii() || "îïûœ".contains(c)), "{right}");
        }
    }
}
