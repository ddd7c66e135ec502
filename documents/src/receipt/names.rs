//! What names of shops look like, and what is cut from the lines that hold them.

use super::normalise::{pattern, squash, words};
use regex::Regex;
use std::sync::LazyLock;

macro_rules! patterns {
    ($($name:ident = $text:expr;)*) => { $(pub(crate) static $name: LazyLock<Regex> = LazyLock::new(|| pattern($text));)* };
}

patterns! {
    REGISTRATION = r"(?i)[\s,]*[\(\[{]?\s*(?:(?:co\.?|company|reg\.?|roc|no\.?|regn?|gst|cr)[\s.:#]*)*[0-9OoIl]{5,}[0-9a-z]*\s?[-–·.~\s]?\s?[A-Z]{0,2}\s*[\)\]}]?\s*$";
    PAREN_DIGITS = r"\s*[\(\[][^()\[\]]*[0-9]{3,}[^()\[\]]*[\)\]]?\s*$";
    WELCOME = r"(?i)^\W*(?:welcome\s*to|bienvenue\s*(?:chez|a|à|au)|thank\s*you\s*for\s*shopping\s*(?:at|with)?:?|willkommen\s*bei|bienvenidos\s*a|(?:own(?:ed|er)?|operated|managed)\s*by\s*[:;])\s*";
    OWNER = r"(?i)^\W*(?:own(?:ed|er)?|operated|managed)\s*by\b";
    COUNTED = r"(?i)^\s*[0-9]{1,3}\s*[x×*]\s*\p{L}";
    DOMAIN = r"(?i)(?:www\s?[.,]\s?|@)([a-z0-9-]{3,30})\s?\.\s?(?:com|fr|be|de|ca|es|net|org|co|my|nl|it|ie|sg|uk|at|ch|lu|eu)";
    BARE_DOMAIN = r"(?i)(?:^|[\s:/(])([a-z][a-z0-9-]{3,29})\.(?:com|fr|be|ca|co\.uk|org|net|eu)(?:$|[\s/),;])";
    HANDLE = r"(?i)(?:^|[\s:])[#@]([a-z][a-z0-9_]{4,30})";
    STORE_NUMBER = r"(?i)(?:\s*[-–#]\s*|\s+(?:n[o°º]\.?|nr\.?|store|magasin|filiale|fil\.)\s*[#:]?\s*)[0-9]{1,6}\s*\)?$";
    BRANCH_NUMBER = r"^(.*?[\p{L}0-9)])(?:\s*#\s*|\s+[-–]\s?)[0-9]{1,6}$|^(.*[0-9])-[0-9]{1,3}$";
    REGISTERED = r"(?i)\s*[\(\[][^()\[\]]{0,6}[0-9]{4,}[^()\[\]]*[\)\]]?|\s+(?:fka|formerly|a division of|licensee of|t/as?|dba|trading as)\b";
    AFTER_NAME = r"(?i)\b(?:t/as?|dba|trading as|operating as|enseigne)\s*:?\s+(\S.*)$";
    GREETING = r"(?i)(?:visite\s+(?:chez|à|au)|achats?\s+chez|confiance\s+(?:à|a)|bienvenue\s+(?:chez|à|au|a)|shopping\s+(?:at|with)|(?:dining|eating|stopping)\s+(?:at|with)|visit(?:ing)?\s+(?:to|us\s+at)|thank\s+you\s+for\s+(?:visiting|choosing)|welcome\s+to|einkauf\s+(?:bei|im)|willkommen\s+bei|bezoek\s+aan|bienvenidos?\s+a|compra\s+en)\s*:?\s+([^!.,;]{3,40})";
    GREETING_END = r"(?i)\b(?:thank|welcome|merci|bienvenue|danke|willkommen|gracias|bienvenidos?)\b.*\b(?:at|with|to|chez|à|au|bei|a)\s*[:.]?\s*$|^\W*(?:welcometo|thank\s?you\s?for\s?\w+\s?(?:at|with))\W*$";
    STORE_LINE = r"(?i)^\W*(?:store|shop|restaurant|magasin|filiale|tienda)\s*(?:n[o°º]\.?|id|nr\.?)?\s*[:#]?\s*[#0-9]";
    ONLY_STORE = r"(?i)^\W*(?:store|shop|magasin|filiale|tienda)\s*(?:n[o°º]\.?|id|nr\.?)?\s*[:#]\s*[#0-9][0-9\s]*\W*$";
    ADDRESS = r"(?i)\b(jalan|jln|lorong|taman|street|road|avenue|blvd|boulevard|rue|place|chemin|route|allee|quai|impasse|strasse|str\.|straat|steenweg|laan|plein|calle|avda|plaza|paseo|drive|lane|suite|floor|ground|level|lot|kampung|bandar|pusat|seksyen|section|batu|persiaran|lebuh|hwy|highway|pkwy|unit|block|blok|city|selangor|johor|kuala|singapore|france|canada|cedex|mall|wilayah|ctr)\b|(?i)(strasse|straße|steenweg|straat|laan)\b";
    ADDRESS_SHAPE = r"(?i)^\W*(?:no\.?\s*)?[0-9]{1,5}[a-z]?\s*[,\-/]?\s+[a-z]{2,}|\b[0-9]{4,6}\b|^\W*no\.?\s?[0-9]|^\W*lot\b|\b[A-Z]{2}\s?[0-9]{5}\b";
    PHONE = r"(?i)\b(tel|phone|ph|fax|hp|telephone|tél|mobile|call)\b|\(?[0-9]{2,4}\)?[\s\-./]?[0-9]{3,4}[\s\-./]?[0-9]{3,4}";
}

pub(crate) const LEGAL: &[&str] = &[
    "sdnbhd", "bhd", "sb", "sarl", "sas", "sasu", "eurl", "gmbh", "kg", "ltd", "limited", "inc",
    "llc", "plc", "bv", "nv", "sprl", "srl", "sl", "sa", "ag", "co", "ohg", "corp", "pte",
    "company", "enr",
];

pub(crate) const TRADE: &[&str] = &[
    "restaurant",
    "restoran",
    "cafe",
    "café",
    "coffee",
    "mart",
    "market",
    "supermarket",
    "supermarche",
    "hardware",
    "trading",
    "enterprise",
    "store",
    "shop",
    "boutique",
    "boulangerie",
    "patisserie",
    "brasserie",
    "pizzeria",
    "pharmacy",
    "pharmacie",
    "farmasi",
    "apotheke",
    "hotel",
    "bar",
    "grill",
    "bistro",
    "kitchen",
    "bakery",
    "books",
    "bookstores",
    "stationery",
    "garage",
    "station",
    "centre",
    "center",
    "electrical",
    "machinery",
    "seafood",
    "food",
    "foods",
    "kedai",
    "pasar",
    "house",
    "diner",
    "pub",
    "tavern",
    "sushi",
    "pizza",
    "burger",
    "epicerie",
    "traiteur",
    "salon",
    "spa",
    "clinic",
    "klinik",
    "optical",
    "fashion",
    "furniture",
    "motor",
    "auto",
    "wash",
    "catering",
    "group",
    "holdings",
    "services",
    "industries",
    "distributor",
    "marketing",
    "retail",
    "hypermarket",
    "deli",
    "tabac",
    "presse",
    "fleuriste",
    "librairie",
    "cinema",
    "theatre",
    "museum",
    "musee",
    "parking",
    "taxi",
    "gift",
];

pub(crate) const DOC_WORDS: &[&str] = &[
    "receipt",
    "invoice",
    "facture",
    "rechnung",
    "ticket",
    "vente",
    "quittung",
    "bon",
    "order",
    "table",
    "server",
    "cashier",
    "caissier",
    "caisse",
    "date",
    "tel",
    "fax",
    "welcome",
    "thank",
    "thanks",
    "merci",
    "bienvenue",
    "guest",
    "check",
    "chk",
    "bill",
    "copy",
    "duplicata",
    "duplicate",
    "reprint",
    "customer",
    "client",
    "tax",
    "gst",
    "vat",
    "tva",
    "siret",
    "www",
    "http",
    "cash",
    "sales",
    "official",
    "counter",
    "doc",
    "document",
    "terminal",
    "station",
    "kassa",
    "kasse",
    "kundenbeleg",
    "serveur",
    "couverts",
    "host",
    "pos",
    "original",
    "open",
    "hours",
    "register",
    "simplified",
    "simplificada",
    "factura",
    "recibo",
    "reg",
    "no",
    "id",
    "item",
    "qty",
    "description",
    "price",
    "total",
    "amount",
    "dine",
    "take",
    "eat",
    "pickup",
    "survey",
    "visa",
    "mastercard",
    "debit",
    "credit",
    "approved",
];

/// Words that mean nothing alone but stand beside those of a document: `THANK YOU FOR VISITING`.
const LITTLE: &str = "a about again and at been billing buy by chez come day de dine dinein dining do et for from go \
    have here how in is la le merchant nice number of on online our out please printed reference sale served shop \
    shopping stopping store tell the to today transaction us visit visiting votre vous was we were with you your";

/// Articles, prepositions and the like: a name is never these alone, and one that ends with one is not whole.
const JOINING: &str =
    "a am an and at d das de del der des di die du el et il in l la las le les los of the to und y";

/// Whether a folded word only joins others: `de`, `the`.
pub(crate) fn joins(word: &str) -> bool {
    JOINING.split(' ').any(|w| w == word)
}

/// Whether something must follow: `HARDWARE &`, `Golfo de`.
pub(crate) fn unfinished(name: &str) -> bool {
    name.trim_end().ends_with(['&', '+', '/']) || words(name).last().is_some_and(|w| joins(w))
}

/// Whether something must follow for certain, or a sentence goes on here: no name ends or begins so.
pub(crate) fn torn_off(name: &str) -> bool {
    const INNER: &[&str] = &["and", "or", "of", "et", "ou", "und", "oder"];
    const OPEN: &[&str] = &["the", "of", "and", "et", "und", "des", "du", "del", "der"];
    let first = name.split_whitespace().next().unwrap_or_default();
    let last = words(name).pop().unwrap_or_default();
    name.trim_end().ends_with('&') || OPEN.contains(&last.as_str()) || INNER.contains(&first)
}

/// Whether a name says nothing but what kind of shop it is.
pub(crate) fn only_kinds(name: &str) -> bool {
    words(name).iter().all(|w| TRADE.contains(&w.as_str()) || joins(w))
}

/// Whether a line, spaces lost or not, is nothing but words of a document: `customercopy`, `welcome to`.
pub(crate) fn only_document(key: &str) -> bool {
    // For each place whether words end there, and whether one of them is a document's.
    let mut ends = vec![(false, false); key.len() + 1];
    ends[0].0 = true;
    for at in 0..key.len() {
        let (reached, said) = ends[at];
        if !reached || !key.is_char_boundary(at) {
            continue;
        }
        let known =
            DOC_WORDS.iter().map(|w| (*w, true)).chain(LITTLE.split(' ').map(|w| (w, false)));
        for (word, says) in known.filter(|(w, _)| key[at..].starts_with(w)) {
            let end = &mut ends[at + word.len()];
            *end = (true, end.1 || said || says);
        }
    }
    ends[key.len()].1
}

/// Whether a word is or ends with what says the kind of shop: `steakrestaurant`.
pub(crate) fn kind_behind(word: &str) -> bool {
    TRADE.iter().any(|t| word == *t || t.len() >= SAID && word.ends_with(t))
}

/// Whether a word is or begins with what says the kind of shop.
pub(crate) fn kind_before(word: &str) -> bool {
    TRADE.iter().any(|t| word == *t || t.len() >= SAID && word.starts_with(t))
}

/// Kinds of shops this long are known in words glued together.
const SAID: usize = 6;

pub(crate) fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphabetic()).count()
}

pub(crate) fn ends_legal(text: &str) -> bool {
    let key = squash(text);
    let last = words(text).pop().unwrap_or_default();
    key.contains("sdnbhd")
        || key.ends_with("sdnbho")
        || LEGAL.contains(&last.as_str())
        || (key.ends_with("sb") && text.contains('/'))
}

/// Cuts what is no part of a name: ornaments, registration numbers, greetings.
pub(crate) fn clean(text: &str) -> String {
    let mut t = WELCOME.replace(text, "").into_owned();
    t = PAREN_DIGITS.replace(&t, "").into_owned();
    let cut = REGISTRATION.replace(&t, "").into_owned();
    if letters(&cut) >= 3 {
        t = cut;
    }
    let ornament = |c: char| c.is_whitespace() || "*=-~_.:;,<>|#+\"'`·•—–^".contains(c);
    let trimmed =
        t.trim_start_matches(ornament).trim_end_matches(|c: char| ornament(c) && c != '.');
    let trimmed = trimmed.trim_end_matches(|c: char| c == '(' || c == '[' || c.is_whitespace());
    // A final point stays behind an abbreviation ("S.A.", "BHD.") only.
    let plain = trimmed.trim_end_matches('.');
    let dotted = plain.len() != trimmed.len() && (ends_legal(plain) || plain.contains('.'));
    repair_legal(if dotted { trimmed } else { plain })
}

/// Legal forms that OCR likes to misread at the end of a line.
fn repair_legal(name: &str) -> String {
    const FORMS: &[(&str, &str)] = &[
        ("SDN BHO", "SDN BHD"),
        ("SDN BND", "SDN BHD"),
        ("SDN BHC", "SDN BHD"),
        ("SDN 8HD", "SDN BHD"),
        ("SON BHD", "SDN BHD"),
        ("SDN BHD)", "SDN BHD"),
        ("S/D", "S/B"),
        ("S/8", "S/B"),
        ("5/B", "S/B"),
        ("5/8", "S/B"),
        ("5/D", "S/B"),
        ("SDN. BHO", "SDN. BHD"),
    ];
    let upper = name.to_uppercase();
    for (wrong, right) in FORMS {
        if upper.ends_with(wrong) && name.is_char_boundary(name.len().saturating_sub(wrong.len())) {
            return format!("{}{right}", &name[..name.len() - wrong.len()]);
        }
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_their_registration() {
        for (text, name) in [
            ("ACME HARDWARE SDN BHD (519537-X)", "ACME HARDWARE SDN BHD"),
            ("NORTH MART S/D (519537·X)", "NORTH MART S/B"),
            ("*** Chez Louise ***", "Chez Louise"),
            ("BLUE SHOP (M) SDN. BHD.", "BLUE SHOP (M) SDN. BHD."),
            ("Welcome to Corner Deli", "Corner Deli"),
            ("Café 1900 Paris", "Café 1900 Paris"),
        ] {
            assert_eq!(clean(text), name, "{text}");
        }
    }

    #[test]
    fn lines_of_a_document_are_known_without_their_spaces() {
        for line in ["CUSTOMERCOPY", "Thank you for visiting", "WELCOMETO", "TICKETCLIENT"] {
            assert!(only_document(&squash(line)), "{line}");
        }
        for line in ["Le Bistro", "The Shop", "Table d'Or", "Welcome Inn Bar", "Billy's"] {
            assert!(!only_document(&squash(line)), "{line}");
        }
    }

    #[test]
    fn kinds_of_shops_are_known_glued_to_a_name() {
        assert!(kind_behind("korearestaurant") && kind_behind("bar") && !kind_behind("ajaccio"));
        assert!(kind_before("restaurantchezlouise") && !kind_before("barbara"));
    }

    #[test]
    fn the_number_of_a_branch_stands_behind_a_sign() {
        let sign = |text: &str| {
            let cut = BRANCH_NUMBER.captures(text);
            cut.and_then(|c| c.get(1).or(c.get(2))).map(|m| m.as_str().to_owned())
        };
        for (text, name) in [
            ("OLD MILL - 03986", "OLD MILL"),
            ("Café #12", "Café"),
            ("PIZZERIA NO.900-12", "PIZZERIA NO.900"),
        ] {
            assert_eq!(sign(text).as_deref(), Some(name), "{text}");
        }
        for text in ["Diner Route-66", "Pizzeria No.900", "Bar 10", "1664"] {
            assert_eq!(sign(text), None, "{text}");
        }
    }

    #[test]
    fn kinds_of_shops_alone_are_no_name() {
        assert!(only_kinds("PIZZERIA") && only_kinds("Le Restaurant & Bar"));
        assert!(!only_kinds("Pizzeria Napoli"));
    }

    #[test]
    fn a_line_that_ends_in_the_middle() {
        assert!(torn_off("IBER The") && torn_off("HOME &") && !torn_off("Drive In"));
        assert!(torn_off("and exchanges in store.") && !torn_off("Or et Argent"));
        assert!(unfinished("HOME HARDWARE &") && unfinished("Golfo de"));
        assert!(!unfinished("Home Hardware") && !unfinished("B & B"));
    }

    #[test]
    fn sites_without_www() {
        let site = |text: &str| BARE_DOMAIN.captures(text).map(|c| c[1].to_owned());
        assert_eq!(site("cards at bluefish.com/gifts").as_deref(), Some("bluefish"));
        assert_eq!(site("BLUEFISH.CO.UK").as_deref(), Some("BLUEFISH"));
        assert_eq!(site("12 av.de la Paix"), None);
    }
}
