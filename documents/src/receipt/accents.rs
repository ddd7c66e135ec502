//! Accents that the recogniser cannot see: its alphabet is weak on î, ï, û and œ. A French word that is none without
//! them gets them back, where the print has small letters; capitals are printed without accents anyway. Words that
//! exist in both spellings stay as they were read. Of œ often only one letter is left (`beuf`, `bceuf`), in capitals too.

use super::normalise::fold;

/// As read, and as spelt. Only words that differ by î, ï, û and œ, and mean nothing else without.
const WORDS: &[(&str, &str)] = &[
    ("abimer", "abîmer"),
    ("aout", "août"),
    ("bceuf", "bœuf"),
    ("bceufs", "bœufs"),
    ("beuf", "bœuf"),
    ("beufs", "bœufs"),
    ("boeuf", "bœuf"),
    ("boeufs", "bœufs"),
    ("boite", "boîte"),
    ("boites", "boîtes"),
    ("boitier", "boîtier"),
    ("buche", "bûche"),
    ("buches", "bûches"),
    ("cceur", "cœur"),
    ("cceurs", "cœurs"),
    ("ceillet", "œillet"),
    ("ceillets", "œillets"),
    ("ceuf", "œuf"),
    ("ceufs", "œufs"),
    ("ceur", "cœur"),
    ("ceurs", "cœurs"),
    ("ceuvre", "œuvre"),
    ("ceuvres", "œuvres"),
    ("chaine", "chaîne"),
    ("chaines", "chaînes"),
    ("chceur", "chœur"),
    ("cheur", "chœur"),
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
    ("eillet", "œillet"),
    ("eillets", "œillets"),
    ("euf", "œuf"),
    ("eufs", "œufs"),
    ("euvre", "œuvre"),
    ("euvres", "œuvres"),
    ("flute", "flûte"),
    ("flutes", "flûtes"),
    ("fraiche", "fraîche"),
    ("fraiches", "fraîches"),
    ("fraicheur", "fraîcheur"),
    ("gite", "gîte"),
    ("gites", "gîtes"),
    ("gout", "goût"),
    ("gouter", "goûter"),
    ("gouts", "goûts"),
    ("huitre", "huître"),
    ("huitres", "huîtres"),
    ("laique", "laïque"),
    ("maitre", "maître"),
    ("maitres", "maîtres"),
    ("maitrise", "maîtrise"),
    ("maneuvre", "manœuvre"),
    ("manoeuvre", "manœuvre"),
    ("moeurs", "mœurs"),
    ("mosaique", "mosaïque"),
    ("naif", "naïf"),
    ("nceud", "nœud"),
    ("nceuds", "nœuds"),
    ("neud", "nœud"),
    ("neuds", "nœuds"),
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
    ("sceur", "sœur"),
    ("sceurs", "sœurs"),
    ("seurs", "sœurs"),
    ("soeur", "sœur"),
    ("soeurs", "sœurs"),
    ("traitre", "traître"),
    ("vceux", "vœux"),
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
    let Some((read, right)) = WORDS.iter().find(|(read, _)| word.eq_ignore_ascii_case(read)) else {
        return word.to_owned();
    };
    if !word.chars().skip(1).all(char::is_lowercase) {
        let capitals = word.chars().all(char::is_uppercase);
        let lost = fold(right) != *read;
        return if capitals && lost { right.to_uppercase() } else { word.to_owned() };
    }
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
        assert_eq!(repair("Bibimbap beuf, Cceur d'eillet"), "Bibimbap bœuf, Cœur d'œillet");
        assert_eq!(repair("6 EUFS, BCEUF"), "6 ŒUFS, BŒUF");
        for kept in [
            "MAITRE BOULANGER",
            "6 OEUFS",
            "sur la cote",
            "Patisserie du coin",
            "du pain",
            "McDiner",
            "je veux",
            "tu meurs",
            "Seur",
            "leur",
        ] {
            assert_eq!(repair(kept), kept);
        }
    }

    #[test]
    fn the_list_only_adds_what_cannot_be_read() {
        for (read, right) in WORDS {
            let plain = fold(right);
            let lost = plain.replacen("oe", "e", 1);
            assert!([plain, lost].contains(&(*read).to_owned()) || read.contains("ce"), "{read}");
            assert_eq!(fold(right), fold(&repair(read)), "{read}");
            assert!(right.chars().all(|c| c.is_ascii() || "îïûœ".contains(c)), "{right}");
        }
    }
}
