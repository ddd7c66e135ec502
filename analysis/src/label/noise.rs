//! What stands around a name: card numbers, dates, shop numbers, countries, towns.

use super::Kind;

/// Towns that end card labels. Only for cutting them off behind a name.
const TOWNS: &[&str] = &[
    "PARIS",
    "LYON",
    "MARSEILLE",
    "LILLE",
    "TOULOUSE",
    "NICE",
    "NANTES",
    "BORDEAUX",
    "STRASBOURG",
    "MONTPELLIER",
    "RENNES",
    "REIMS",
    "GRENOBLE",
    "DIJON",
    "ANGERS",
    "NIMES",
    "TOULON",
    "ROUEN",
    "CAEN",
    "NANCY",
    "METZ",
    "TOURS",
    "AMIENS",
    "LIMOGES",
    "PERPIGNAN",
    "BESANCON",
    "ORLEANS",
    "MULHOUSE",
    "AVIGNON",
    "ANNECY",
    "PAU",
    "BAYONNE",
    "BIARRITZ",
    "CANNES",
    "ANTIBES",
    "VERSAILLES",
    "BOULOGNE BILL",
    "BOULOGNE BILLANCOURT",
    "MONTREUIL",
    "NANTERRE",
    "COURBEVOIE",
    "CRETEIL",
    "PANTIN",
    "LEVALLOIS PER",
    "LEVALLOIS PERRET",
    "LEVALLOIS",
    "ISSY LES MOUL",
    "NEUILLY SUR S",
    "PUTEAUX",
    "ROUBAIX",
    "TOURCOING",
    "VILLEURBANNE",
    "BRUXELLES",
    "BRUSSELS",
    "LIEGE",
    "ANVERS",
    "GENT",
    "GAND",
    "LUXEMBOURG",
    "GENEVE",
    "LAUSANNE",
    "MONTREAL",
    "QUEBEC",
    "LONDON",
    "MANCHESTER",
    "BIRMINGHAM",
    "BERLIN",
    "MUENCHEN",
    "MUNCHEN",
    "HAMBURG",
    "KOELN",
    "KOLN",
    "FRANKFURT",
    "STUTTGART",
    "AMSTERDAM",
    "ROTTERDAM",
    "MADRID",
    "BARCELONA",
    "MILANO",
    "ROMA",
    "DUBLIN",
    "IDF",
    "ROISSY CDG CE",
    "ROISSY CDG",
];

/// Words after which a town belongs to the name: `CAFE DE PARIS`.
const BINDING: &[&str] = &["DE", "DU", "D", "LE", "LA", "A", "AU", "OF", "ST", "SAINT", "VILLE"];

/// The name without what stands around it.
pub(super) fn remove(text: &str, kind: Kind) -> String {
    let spaced: String = text
        .chars()
        .map(|c| if matches!(c, '-' | '_' | ',' | ';' | '|') { ' ' } else { c })
        .collect();
    let mut tokens: Vec<&str> = spaced.split_whitespace().collect();
    cut_card(&mut tokens, kind);
    let mut kept: Vec<&str> = Vec::with_capacity(tokens.len());
    for token in tokens {
        let token = token.trim_end_matches('/');
        match shape(token) {
            Shape::Word => kept.push(token),
            Shape::LettersThenDigits(letters) => kept.push(letters),
            Shape::Number if !kept.is_empty() => kept.push(token),
            Shape::Number | Shape::Noise => {}
        }
    }
    // Contactless marks before a name: `SC-CAFE`, `SC.CARREFOUR`.
    if let Some(first) = kept.first().copied()
        && kind == Kind::Card
    {
        if let Some(rest) = first.strip_prefix("SC.") {
            if rest.is_empty() {
                kept.remove(0);
            } else {
                kept[0] = rest;
            }
        } else if first == "SC" && kept.len() > 1 {
            kept.remove(0);
        }
    }
    cut_town(&mut kept);
    kept.join(" ")
}

enum Shape<'a> {
    Word,
    LettersThenDigits(&'a str),
    /// One to three digits: part of a name, or a shop's number when it stands last.
    Number,
    Noise,
}

fn shape(token: &str) -> Shape<'_> {
    let digits = token.bytes().filter(u8::is_ascii_digit).count();
    let letters = token.chars().filter(|c| c.is_alphabetic()).count();
    if letters == 0 {
        return match digits {
            // A lone `*`, `/` or `.` says nothing; `&` and `+` belong to names.
            0 if matches!(token, "&" | "+") => Shape::Word,
            1..=3 if digits == token.len() => Shape::Number,
            _ => Shape::Noise,
        };
    }
    // 5132****, 0005132********8801 (`X` for `*` as well), 18H05
    let masked =
        digits > 0 && token.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'X' | b'*'));
    let hour = letters == 1 && token.len() <= 5 && digits >= 3 && token.contains('H');
    if masked && token.len() >= 4 || hour {
        return Shape::Noise;
    }
    if digits >= 3 {
        let start = token.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
        return if start >= 4 { Shape::LettersThenDigits(&token[..start]) } else { Shape::Noise };
    }
    Shape::Word
}

/// `… CARTE 5132********8801 FRA 12,34EUR` and what a cut line leaves of it.
fn cut_card(tokens: &mut Vec<&str>, kind: Kind) {
    let masked = |token: &str| {
        token.len() >= 2 && token.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'X' | b'*'))
    };
    // A line cut short keeps one digit of it.
    let begun =
        |at: usize| at + 1 == tokens.len() && tokens[at].bytes().all(|byte| byte.is_ascii_digit());
    let number = (2..tokens.len()).find(|&at| {
        matches!(tokens[at - 1], "CARTE" | "CARD" | "KARTE" | "CB")
            && (masked(tokens[at]) || begun(at))
    });
    if let Some(at) = number {
        tokens.truncate(at - 1);
        return;
    }
    if kind != Kind::Card {
        return;
    }
    if let Some(at) = tokens
        .iter()
        .position(|token| token.len() > 8 && masked(token) && token.contains(['X', '*']))
        && at > 0
    {
        tokens.truncate(at);
    }
    while tokens.len() > 2
        && matches!(tokens[tokens.len() - 1], "CARTE" | "CART" | "CAR" | "CA" | "C")
    {
        tokens.pop();
    }
}

/// Takes off a town, `CEDEX` and numbers at the end, as long as a name is left.
fn cut_town(tokens: &mut Vec<&str>) {
    let number = |token: &&str| token.bytes().all(|b| b.is_ascii_digit());
    let mut end = tokens.len();
    while end > 1 && (number(&tokens[end - 1]) || tokens[end - 1] == "CEDEX") {
        end -= 1;
    }
    // A number alone behind a name stays when no town precedes it: `HOTEL 7`.
    let mut cut = false;
    for length in [3, 2, 1] {
        if end > length {
            let town = tokens[end - length..end].join(" ");
            if TOWNS.contains(&town.as_str()) && !BINDING.contains(&tokens[end - length - 1]) {
                end -= length;
                cut = true;
                break;
            }
        }
    }
    if cut || tokens.len() - end > 1 || tokens.last().is_some_and(|last| last.len() > 1) {
        tokens.truncate(end);
    }
    // `LUMAS PARIS PARIS`
    if cut
        && tokens.len() > 1
        && TOWNS.contains(&tokens[tokens.len() - 1])
        && !BINDING.contains(&tokens[tokens.len() - 2])
    {
        tokens.pop();
    }
}
