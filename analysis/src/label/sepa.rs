//! Fields that banks write into one line: `/DE …  /MOTIF …`, `ECH/… ID EMETTEUR/…`, `SVWZ+…`.

/// What a field is good for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Party,
    Memo,
    Nothing,
}

/// How a field begins.
const MARKERS: &[(&str, Use)] = &[
    ("/DE ", Use::Party),
    ("/BEN ", Use::Party),
    ("/FROM ", Use::Party),
    ("/TO ", Use::Party),
    ("/NAME/", Use::Party),
    ("ABWA+", Use::Party),
    ("/MOTIF ", Use::Memo),
    ("/REMI/", Use::Memo),
    ("MOTIF:", Use::Memo),
    ("MOTIF :", Use::Memo),
    ("LIB/", Use::Memo),
    ("SVWZ+", Use::Memo),
    ("/REF ", Use::Nothing),
    ("ECH/", Use::Nothing),
    ("ID EMETTEUR/", Use::Nothing),
    ("ID EMETTEUR :", Use::Nothing),
    ("MDT/", Use::Nothing),
    ("REF/", Use::Nothing),
    ("REF:", Use::Nothing),
    ("REF :", Use::Nothing),
    ("REFERENCE:", Use::Nothing),
    ("MANDAT ", Use::Nothing),
    ("MANDAT:", Use::Nothing),
    ("RUM:", Use::Nothing),
    ("RUM ", Use::Nothing),
    ("ICS:", Use::Nothing),
    ("ICS ", Use::Nothing),
    ("EREF+", Use::Nothing),
    ("KREF+", Use::Nothing),
    ("MREF+", Use::Nothing),
    ("CRED+", Use::Nothing),
    ("DEBT+", Use::Nothing),
    ("IBAN+", Use::Nothing),
    ("BIC+", Use::Nothing),
    ("IBAN:", Use::Nothing),
    ("BIC:", Use::Nothing),
    ("/EREF/", Use::Nothing),
    ("/MARF/", Use::Nothing),
    ("/CSID/", Use::Nothing),
    ("/IBAN/", Use::Nothing),
    ("/TRTP/", Use::Nothing),
];

/// The two fields that say something.
pub(super) struct Fields<'a> {
    pub(super) party: &'a str,
    pub(super) memo: Option<&'a str>,
}

pub(super) fn split(text: &str) -> Fields<'_> {
    let mut found: Vec<(usize, usize, Use)> = Vec::new();
    for (marker, field) in MARKERS {
        for (at, _) in text.match_indices(marker) {
            let begins = at == 0
                || marker.starts_with('/')
                || !text.as_bytes()[at - 1].is_ascii_alphanumeric();
            if begins && !found.iter().any(|(start, end, _)| *start <= at && at < *end) {
                found.push((at, at + marker.len(), *field));
            }
        }
    }
    if found.is_empty() {
        return Fields { party: text, memo: None };
    }
    found.sort_unstable_by_key(|(at, ..)| *at);
    let mut party = text[..found[0].0].trim();
    let mut memo = None;
    for (index, (_, start, field)) in found.iter().enumerate() {
        let end = found.get(index + 1).map_or(text.len(), |next| next.0);
        let value = text.get(*start..end).unwrap_or("").trim();
        match field {
            Use::Party if party.is_empty() && !value.is_empty() => party = value,
            Use::Memo if memo.is_none() && !value.is_empty() => memo = Some(value),
            Use::Party | Use::Memo | Use::Nothing => {}
        }
    }
    // A transfer that names nobody is best described by its purpose.
    Fields { party: if party.is_empty() { memo.unwrap_or("") } else { party }, memo }
}
