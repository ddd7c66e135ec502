//! Whether the letters beyond ASCII of a text stand where a language of western Europe has them.

/// Each language's letters, lower case: French, German, Spanish, Italian, Portuguese, Dutch, those of the north.
const LANGUAGES: [&str; 7] =
    ["àâæçéèêëîïôœùûüÿ", "äöüßéè", "áéíóúñüï", "àèéìíòóù", "ãõáâàçéêíóôúü", "éèëïöüáóê", "åäöæøéü"];
/// Letters that are words by themselves.
const WORDS: &str = "àáåèéóö";
/// Signs that stand beside words and numbers.
const SIGNS: &str = "€£§°º«»“”–—…·\u{a0}";

/// How well a text reads.
pub(super) struct Fit {
    /// Characters beyond ASCII.
    pub(super) beyond: usize,
    /// Those of them that stand where no language has them, in the language where these are fewest.
    pub(super) strange: usize,
    /// All letters, and those of them beyond ASCII.
    letters: usize,
    accented: usize,
}

impl Fit {
    pub(super) fn of(text: &str) -> Self {
        let mut fit = Self { beyond: 0, strange: 0, letters: 0, accented: 0 };
        let mut strange = [0_usize; LANGUAGES.len()];
        let mut chars = text.chars().peekable();
        let mut before = ' ';
        while let Some(c) = chars.next() {
            let behind = chars.peek().copied().unwrap_or(' ');
            fit.letters += usize::from(c.is_alphabetic());
            if !c.is_ascii() {
                fit.beyond += 1;
                fit.accented += usize::from(c.is_alphabetic());
                let placed = stands(before, c, behind);
                let lower = c.to_lowercase().next().unwrap_or(c);
                for (count, letters) in strange.iter_mut().zip(LANGUAGES) {
                    let known = !c.is_alphabetic() || letters.contains(lower);
                    *count += usize::from(!(placed && known));
                }
            }
            before = c;
        }
        fit.strange = strange.into_iter().min().unwrap_or_default();
        fit
    }

    /// Nearly every character is where it belongs, and words are not made of such letters alone, as those of other
    /// scripts would be.
    pub(super) fn is_good(&self) -> bool {
        self.strange * 50 <= self.beyond && self.accented * 4 <= self.letters
    }

    /// Half of them and more are out of place.
    pub(super) fn is_bad(&self) -> bool {
        self.strange * 2 >= self.beyond
    }
}

/// Whether a character can stand between these two.
fn stands(before: char, c: char, behind: char) -> bool {
    if !c.is_alphabetic() {
        let inside = before.is_alphabetic() && behind.is_alphabetic();
        return if c == '’' { inside } else { SIGNS.contains(c) && !inside };
    }
    let alone = !before.is_alphabetic() && !behind.is_alphabetic();
    let lower = c.to_lowercase().next().unwrap_or(c);
    let fits = if c.is_lowercase() { !behind.is_uppercase() } else { !before.is_lowercase() };
    fits && (!alone || WORDS.contains(lower))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_in_their_places_read_well() {
        for text in [
            "Libellé;Débit;Crédit",
            "CAFÉ DE LA GARE À NÎMES – n° 12 « Été »",
            "Gebühr für Überweisung, Straße",
            "l’achat à crédit de 5 €",
            "Señor Muñoz, operación",
        ] {
            assert!(Fit::of(text).is_good(), "{text}");
        }
        for text in [
            "Libell‚;D‚bit",
            "LibellÇ;DÇbit",
            "Geb�hr",
            "Gebhr f\u{81}r",
            "pÉage rÈglement",
            "Ѐатаж ёёё",
        ] {
            assert!(Fit::of(text).is_bad(), "{text}");
        }
        assert!(!Fit::of("ÇüÇé äàå").is_good());
    }
}
