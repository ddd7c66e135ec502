//! The currencies of ISO 4217 that money is kept in, by how many digits they have behind the decimal sign.
//!
//! Left out are codes that have no such digits (metals, `XDR`, `XTS` for tests, `XXX` for none) and the two units of
//! account with four (`CLF`, `UYW`): amounts are kept in thousandths at most.

/// No digits, today and in old statements.
const NONE: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF \
    BEF BYR ESP GRD ITL LUF PTE TRL";

/// Two digits.
const TWO: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE \
    CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR \
    ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN \
    NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP \
    SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG";

/// Two digits, withdrawn: in statements from before.
const TWO_FORMER: &str = "ANG ATS BGL BGN CUC CYP DEM EEK FIM FRF GHC HRK IEP LTL LVL MRO MTL MZM NLG ROL SIT SKK SLL STD \
    VEF ZMK ZWL";

/// Three digits.
const THREE: &str = "BHD IQD JOD KWD LYD OMR TND";

/// What most people mean: of these the nearest is proposed.
const USUAL: &str = "EUR USD GBP CHF CAD AUD JPY SEK NOK DKK PLN CZK HUF RON MAD TND DZD XOF XAF CNY INR BRL MXN ZAR";

/// All of them.
pub(super) fn codes() -> impl Iterator<Item = &'static str> {
    [TWO, NONE, THREE, TWO_FORMER].into_iter().flat_map(str::split_ascii_whitespace)
}

/// Digits behind the decimal sign of a code in upper case; `None` where it is no currency's.
pub(super) fn digits(code: [u8; 3]) -> Option<u32> {
    // Each code has four bytes with the blank behind it.
    let listed = |codes: &str| codes.as_bytes().chunks(4).any(|known| known.starts_with(&code));
    let lists = [(TWO, 2), (NONE, 0), (THREE, 3), (TWO_FORMER, 2)];
    lists.into_iter().find(|(codes, _)| listed(codes)).map(|(_, digits)| digits)
}

/// The usual code that somebody surely meant who wrote this: a sign, a word that begins with the code, or the code
/// with one letter wrong or two in each other's place. `None` where several are as near.
pub(super) fn nearest(written: &str) -> Option<&'static str> {
    let upper = written.trim().to_uppercase();
    match upper.as_str() {
        "€" => return Some("EUR"),
        "£" => return Some("GBP"),
        _ => {}
    }
    let mut near = USUAL.split_ascii_whitespace().filter(|code| is_near(&upper, code));
    let first = near.next()?;
    near.next().is_none().then_some(first)
}

fn is_near(written: &str, code: &str) -> bool {
    if written.chars().count() != 3 {
        return written.starts_with(code);
    }
    let pairs = || written.chars().zip(code.chars());
    let wrong = pairs().filter(|(a, b)| a != b).count();
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    wrong == 1 || wrong == 2 && sorted(written) == sorted(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_stands_once() {
        let mut all: Vec<&str> = [NONE, TWO, TWO_FORMER, THREE]
            .into_iter()
            .flat_map(str::split_ascii_whitespace)
            .collect();
        let count = all.len();
        assert!(all.iter().all(|c| c.len() == 3 && c.bytes().all(|b| b.is_ascii_uppercase())));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        for code in all.iter().copied().chain(USUAL.split_ascii_whitespace()) {
            assert!(digits(code.as_bytes().try_into().unwrap()).is_some(), "{code}");
        }
    }

    #[test]
    fn the_nearest_is_proposed_where_it_is_one() {
        for (written, meant) in [
            ("euro", Some("EUR")),
            ("€", Some("EUR")),
            ("EUT", Some("EUR")),
            ("UER", Some("EUR")),
            ("Dollar", None),
            ("ZZZ", None),
            ("$", None),
            ("", None),
        ] {
            assert_eq!(nearest(written), meant, "{written}");
        }
    }
}
