//! What the bank writes about a movement: plain lines, German `?20` fields, or `/CODE/` fields.

/// Fields found in the details.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Details {
    pub(super) label: String,
    pub(super) name: Option<String>,
    pub(super) account: Option<String>,
    pub(super) reference: Option<String>,
}

/// Width of a line of `:86:`: a full one may break a word.
const WIDTH: usize = 65;
/// Width of a `?20` field.
const FIELD: usize = 27;

/// Whether a text begins as `166?00GUTSCHRIFT`: three digits, a separator, two digits.
pub(super) fn structured(text: &str) -> bool {
    separator(text).is_some()
}

fn separator(text: &str) -> Option<char> {
    let text = text.trim_start();
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| {
        bytes.get(range).is_some_and(|d| d.iter().all(u8::is_ascii_digit))
    };
    let mark = char::from(*bytes.get(3)?);
    (digits(0..3) && digits(4..6) && mark.is_ascii_punctuation() && !"/.,-:".contains(mark))
        .then_some(mark)
}

pub(super) fn read(supplement: &[String], lines: &[String]) -> Details {
    let first = lines.first().map(String::as_str).unwrap_or_default();
    let mut details = if let Some(mark) = separator(first) {
        german(&lines.concat(), mark)
    } else {
        let text = joined(lines);
        if code_at(&text).is_some() { coded(&text) } else { plain(lines, text) }
    };
    let extra = supplement
        .iter()
        .filter(|s| !details.label.contains(s.as_str()))
        .cloned()
        .collect::<Vec<_>>()
        .join(" ");
    details.label = [extra.as_str(), &details.label]
        .iter()
        .filter(|s| !s.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join(" ");
    details
}

/// Lines as running text: a full line goes on without a space.
fn joined(lines: &[String]) -> String {
    let mut text = String::new();
    let mut full = true;
    for line in lines {
        if !full {
            text.push(' ');
        }
        text.push_str(line);
        full = line.chars().count() == WIDTH;
    }
    squeezed(&text)
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn given(text: &str) -> Option<String> {
    let text = squeezed(text);
    (!text.is_empty() && !text.eq_ignore_ascii_case("NOTPROVIDED") && text != "NONREF")
        .then_some(text)
}

/// Dutch banks begin with the other party's IBAN and name.
fn plain(lines: &[String], text: String) -> Details {
    let first = lines.first().map(|l| l.trim()).unwrap_or_default();
    let (account, name) = first.split_once(' ').unwrap_or((first, ""));
    if !iban(account) {
        return Details { label: text, ..Details::default() };
    }
    Details { label: text, name: given(name), account: Some(account.to_owned()), reference: None }
}

/// ISO 13616: letters as numbers, modulo 97.
fn iban(text: &str) -> bool {
    let bytes = text.as_bytes();
    if !(15..=34).contains(&bytes.len())
        || !bytes.iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
    {
        return false;
    }
    let country =
        bytes[..2].iter().all(u8::is_ascii_uppercase) && bytes[2..4].iter().all(u8::is_ascii_digit);
    let rest = bytes[4..].iter().chain(&bytes[..4]).fold(0_u32, |sum, b| match b {
        b'0'..=b'9' => (sum * 10 + u32::from(b - b'0')) % 97,
        _ => (sum * 100 + u32::from(b - b'A') + 10) % 97,
    });
    // Test files and masked statements have an IBAN's shape without its sum.
    country && (rest == 1 || bytes.len() >= 18)
}

/// `166?00GUTSCHRIFT?20EREF+…?32NAME`
fn german(text: &str, mark: char) -> Details {
    let mut details = Details::default();
    let (mut posting, mut purpose, mut name, mut more) =
        (String::new(), String::new(), String::new(), Vec::new());
    let mut short = false;
    let body = text.trim_start().get(3..).unwrap_or_default();
    for field in body.split(mark).skip(1) {
        let Some((code, value)) = field
            .get(..2)
            .filter(|c| c.bytes().all(|b| b.is_ascii_digit()))
            .map(|c| (c, &field[2..]))
        else {
            // The mark itself, inside a text.
            purpose.push(mark);
            purpose.push_str(field);
            continue;
        };
        match code {
            "00" => value.clone_into(&mut posting),
            _ if code.starts_with('2') || matches!(code, "60" | "61" | "62" | "63") => {
                if short && !purpose.is_empty() {
                    purpose.push(' ');
                }
                short = value.chars().count() < FIELD;
                purpose.push_str(value);
            }
            "31" => details.account = given(value),
            "38" => details.account = given(value).or(details.account.take()),
            "32" | "33" => name.push_str(value),
            // Prima nota, bank code, text key: numbers of the bank's own.
            "10" | "30" | "34" => {}
            _ => more.push(value),
        }
    }
    details.name = given(&name);
    details.reference = sepa(&purpose, "EREF+").or_else(|| sepa(&purpose, "KREF+"));
    let parts = [posting.as_str(), &purpose].into_iter().chain(more);
    details.label = squeezed(&parts.filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" "));
    details
}

const SEPA: [&str; 14] = [
    "EREF+", "KREF+", "MREF+", "BREF+", "RREF+", "CRED+", "DEBT+", "COAM+", "OAMT+", "SVWZ+",
    "ABWA+", "ABWE+", "IBAN+", "BIC+",
];

/// The value behind one of the SEPA marks.
fn sepa(purpose: &str, mark: &str) -> Option<String> {
    let rest = &purpose[purpose.find(mark)? + mark.len()..];
    let end = SEPA.iter().filter_map(|m| rest.find(m)).min().unwrap_or(rest.len());
    given(&rest[..end])
}

const CODES: [&str; 24] = [
    "TRTP", "IBAN", "BIC", "NAME", "REMI", "EREF", "CNTP", "BENM", "ORDP", "MARF", "CSID", "PREF",
    "IREF", "RTRN", "ISDT", "ADDR", "ID", "TRCD", "PURP", "ULTC", "ULTD", "SVCL", "KREF", "ACCT",
];

/// A `/CODE/` at the beginning of a text, and what follows it.
fn code_at(text: &str) -> Option<(&'static str, &str)> {
    let rest = text.strip_prefix('/')?;
    let end = rest.bytes().take(6).position(|b| b == b'/')?;
    let code = CODES.iter().find(|c| **c == &rest[..end])?;
    Some((code, &rest[end + 1..]))
}

/// `/TRTP/SEPA OVERBOEKING/IBAN/NL…/NAME/…/REMI/…/EREF/…`
fn coded(text: &str) -> Details {
    let mut details = Details::default();
    let mut label: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some((code, after)) = code_at(rest) {
        let end = after
            .match_indices('/')
            .map(|(at, _)| at)
            .find(|at| code_at(&after[*at..]).is_some())
            .unwrap_or(after.len());
        let value = after[..end].trim_matches('/');
        rest = &after[end..];
        match code {
            "IBAN" | "ACCT" => details.account = given(value),
            "NAME" => details.name = given(value),
            "EREF" => details.reference = given(value),
            // IBAN/BIC/name/town in one.
            "CNTP" => {
                let mut parts = value.split('/');
                details.account = parts.next().and_then(given);
                details.name = parts.nth(1).and_then(given);
            }
            "REMI" => {
                label.extend(given(value.trim_start_matches("USTD//").trim_start_matches("STRD/")));
            }
            "BIC" | "ID" | "ADDR" => {}
            _ => label.extend(given(value)),
        }
    }
    label.extend(given(rest));
    details.label = label.join(" ");
    details
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.split('\n').map(str::to_owned).collect()
    }

    #[test]
    fn german_fields() {
        let text = "166?00GUTSCHRIFT?100399?20EREF+TFNR 0300300004?21SVWZ+Strukturier\nter Verwend?22ungszweck 30030004 DE?30DRESDEFF508?31DE03508800500\n194791600?32Quentin Quast?34171";
        let details = read(&[], &lines(text));
        assert_eq!(details.name.as_deref(), Some("Quentin Quast"));
        assert_eq!(details.account.as_deref(), Some("DE03508800500194791600"));
        assert_eq!(details.reference.as_deref(), Some("TFNR 0300300004"));
        assert_eq!(
            details.label,
            "GUTSCHRIFT EREF+TFNR 0300300004 SVWZ+Strukturierter Verwendungszweck 30030004 DE"
        );
    }

    #[test]
    fn dutch_codes_and_plain_lines() {
        let text = "/TRTP/SEPA OVERBOEKING/IBAN/NL91ABNA0417164300/BIC/ABNANL2A/NAME/J. JANSEN/REMI/Huur a/b maart/EREF/NOTPROVIDED";
        let details = read(&[], &lines(text));
        assert_eq!(details.account.as_deref(), Some("NL91ABNA0417164300"));
        assert_eq!((details.name.as_deref(), details.reference), (Some("J. JANSEN"), None));
        assert_eq!(details.label, "SEPA OVERBOEKING Huur a/b maart");
        let ing = read(
            &[],
            &lines(
                "/CNTP/NL32INGB0000012345/INGBNL2A/ING BANK NV/AMSTERDAM///REMI/USTD//Factuur 7/",
            ),
        );
        assert_eq!((ing.name.as_deref(), ing.label.as_str()), (Some("ING BANK NV"), "Factuur 7"));
        let asn = read(
            &["paulissen".into()],
            &lines("NL56ASNB9999999999 paulissen g j l m\n   \nINTERNE OVERBOEKING"),
        );
        assert_eq!(asn.account.as_deref(), Some("NL56ASNB9999999999"));
        assert_eq!(asn.name.as_deref(), Some("paulissen g j l m"));
        let full = read(
            &[],
            &lines(
                "GIRO   428428 KPN - DIGITENNE    BETALINGSKENMERK 000000042188659\n5314606715 FACTUUR",
            ),
        );
        assert!(full.label.ends_with("0000000421886595314606715 FACTUUR"), "{}", full.label);
    }
}
