//! The language of the text, by words that only it uses.

use super::{normalise::fold, num::count};

const WORDS: &[(&str, &[&str])] = &[
    (
        "fr",
        &[
            "le", "la", "les", "de", "des", "du", "et", "merci", "votre", "vos", "vous", "visite",
            "caisse", "carte", "tva", "ttc", "article", "articles", "payer", "bientot", "espèces",
            "especes", "client", "sous", "montant", "ticket", "au", "pour", "rue", "vendeur",
            "serveur", "facture", "tps", "tvq", "heure", "commande", "remise", "prix",
        ],
    ),
    (
        "en",
        &[
            "the", "and", "you", "thank", "for", "your", "please", "tax", "change", "cash",
            "subtotal", "invoice", "item", "items", "receipt", "of", "amount", "card", "qty",
            "visit", "again", "server", "table", "order", "sale", "with", "balance", "due",
        ],
    ),
    (
        "de",
        &[
            "und",
            "der",
            "die",
            "das",
            "summe",
            "mwst",
            "danke",
            "einkauf",
            "bar",
            "ihr",
            "ihren",
            "uhr",
            "datum",
            "betrag",
            "netto",
            "brutto",
            "beleg",
            "kasse",
            "strasse",
            "gmbh",
            "stk",
            "vielen",
            "dank",
            "es",
            "bediente",
            "sie",
            "steuer",
            "rechnung",
            "tisch",
            "kundenbeleg",
            "zahlung",
        ],
    ),
    (
        "nl",
        &[
            "het",
            "een",
            "bedankt",
            "totaal",
            "btw",
            "bon",
            "kassa",
            "betaald",
            "uw",
            "bezoek",
            "te",
            "betalen",
            "van",
            "klant",
            "wisselgeld",
            "terug",
            "datum",
            "bedrag",
            "aantal",
            "korting",
        ],
    ),
    (
        "es",
        &[
            "el",
            "los",
            "las",
            "gracias",
            "iva",
            "por",
            "su",
            "visita",
            "factura",
            "fecha",
            "importe",
            "tarjeta",
            "mesa",
            "uds",
            "hora",
            "cambio",
            "efectivo",
            "simplificada",
            "calle",
            "camarero",
            "precio",
            "incluido",
            "euros",
            "y",
        ],
    ),
    (
        "it",
        &[
            "il",
            "grazie",
            "scontrino",
            "totale",
            "euro",
            "contanti",
            "resto",
            "documento",
            "reparto",
            "arrivederci",
        ],
    ),
    ("ms", &["terima", "kasih", "jumlah", "tunai", "baki", "sila", "datang", "lagi"]),
];

/// ISO 639-1, or nothing when there is too little to tell.
pub(crate) fn detect(text: &str) -> Option<&'static str> {
    let mut scores: Vec<(&'static str, f32)> = WORDS.iter().map(|(l, _)| (*l, 0.0)).collect();
    let mut seen = 0_usize;
    let folded = fold(text);
    for word in folded.split(|c: char| !c.is_alphabetic()).filter(|w| w.len() > 1) {
        seen += 1;
        for (language, words) in WORDS {
            if words.contains(&word)
                && let Some(s) = scores.iter_mut().find(|s| s.0 == *language)
            {
                s.1 += 1.0;
            }
        }
    }
    scores.sort_by(|a, b| b.1.total_cmp(&a.1));
    (seen >= 4 && scores[0].1 >= 2.0 && scores[0].1 / count(seen) > 0.02).then_some(scores[0].0)
}

/// Whether the text has a word of a language that no other of ours has.
pub(crate) fn spoken(text: &str, language: &str) -> bool {
    let folded = fold(text);
    let of = |l: &str, word: &str| WORDS.iter().any(|(k, words)| *k == l && words.contains(&word));
    let only = |word: &str| {
        of(language, word) && !WORDS.iter().any(|(k, _)| *k != language && of(k, word))
    };
    folded.split(|c: char| !c.is_alphabetic()).filter(|w| w.len() > 2).any(only)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages() {
        assert_eq!(detect("Merci de votre visite, à bientôt"), Some("fr"));
        assert_eq!(detect("Vielen Dank für Ihren Einkauf, SUMME"), Some("de"));
        assert_eq!(detect("Thank you, please come again. TOTAL"), Some("en"));
        assert_eq!(detect("XQ 12"), None);
    }
}
