//! Tags and text of SGML and XML alike, in one pass.

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Upper-case name and line.
    Open(String, u32),
    /// Upper-case name and line.
    Close(String, u32),
    /// Trimmed, entities resolved; never empty.
    Text(String),
    /// A DTD or an entity declaration, at a line.
    Forbidden(u32),
}

/// Walks the text once; what is no tag is text.
pub(super) struct Scanner<'a> {
    rest: &'a str,
    line: u32,
    /// Set behind `<NAME/>`.
    closing: Option<String>,
    /// What comes is the text of an element that people write into: in it only what OFX knows is a tag.
    free: bool,
}

/// Elements whose text is anybody's: names of firms may hold `<`.
const FREE: [&str; 3] = ["NAME", "EXTDNAME", "MEMO"];

/// What may stand behind such an element in the same line.
const KNOWN: [&str; 72] = [
    "OFX",
    "BANKMSGSRSV1",
    "CREDITCARDMSGSRSV1",
    "STMTTRNRS",
    "CCSTMTTRNRS",
    "STMTRS",
    "CCSTMTRS",
    "INVSTMTRS",
    "BANKTRANLIST",
    "BANKTRANLISTP",
    "INVTRANLIST",
    "INVBANKTRAN",
    "SUBACCTFUND",
    "STMTTRN",
    "STMTTRNP",
    "TRNTYPE",
    "DTPOSTED",
    "DTUSER",
    "DTAVAIL",
    "DTTRAN",
    "DTEXPIRE",
    "TRNAMT",
    "FITID",
    "CORRECTFITID",
    "CORRECTACTION",
    "SRVRTID",
    "SRVRTID2",
    "CHECKNUM",
    "REFNUM",
    "SIC",
    "PAYEEID",
    "PAYEEID2",
    "NAME",
    "EXTDNAME",
    "PAYEE",
    "ADDR1",
    "ADDR2",
    "ADDR3",
    "CITY",
    "STATE",
    "POSTALCODE",
    "COUNTRY",
    "PHONE",
    "BANKACCTTO",
    "CCACCTTO",
    "BANKACCTFROM",
    "CCACCTFROM",
    "BANKID",
    "BRANCHID",
    "ACCTID",
    "ACCTTYPE",
    "ACCTKEY",
    "MEMO",
    "MEMO2",
    "IMAGEDATA",
    "CURRENCY",
    "ORIGCURRENCY",
    "CURRATE",
    "CURSYM",
    "INV401KSOURCE",
    "LEDGERBAL",
    "AVAILBAL",
    "BALAMT",
    "DTASOF",
    "BALLIST",
    "BAL",
    "DESC",
    "BALTYPE",
    "VALUE",
    "MKTGINFO",
    "CATEGORY",
    "CLASS",
];

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, line: 1, closing: None, free: false }
    }

    /// 1-based line of what comes next.
    pub(super) fn line(&self) -> u32 {
        self.line
    }

    pub(super) fn next(&mut self) -> Option<Event> {
        if let Some(name) = self.closing.take() {
            return Some(Event::Close(name, self.line));
        }
        loop {
            if self.rest.is_empty() {
                return None;
            }
            if self.at_tag() {
                if let Some(event) = self.tag() {
                    return Some(event);
                }
                continue;
            }
            let text = self.text();
            if !text.is_empty() {
                return Some(Event::Text(text));
            }
        }
    }

    /// Whether a tag begins here: in a line of somebody's text only one that OFX knows, or a vendor's.
    fn at_tag(&self) -> bool {
        if !self.rest.starts_with('<') || !tag_begins(self.rest) {
            return false;
        }
        let inner = self.rest[1..].trim_start_matches('/');
        let end =
            inner.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')));
        let name = inner[..end.unwrap_or(inner.len())].to_ascii_uppercase();
        let declared = inner.starts_with(['!', '?']);
        !self.free || declared || name.contains('.') || KNOWN.contains(&name.as_str())
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        let lines = taken.bytes().filter(|b| *b == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.rest = rest;
        taken
    }

    fn tag(&mut self) -> Option<Event> {
        let line = self.line;
        self.free = false;
        if self.rest.starts_with("<!--") {
            let end = self.rest.find("-->").map_or(self.rest.len(), |e| e + 3);
            self.take(end);
            return None;
        }
        if self.rest.starts_with("<!") {
            self.take(self.rest.len());
            return Some(Event::Forbidden(line));
        }
        let end = self.rest.find('>').map_or(self.rest.len(), |e| e + 1);
        let tag = self.take(end);
        if tag.starts_with("<?") {
            return None;
        }
        let inner = tag.trim_start_matches('<').trim_end_matches('>');
        let name: String = inner
            .trim_start_matches('/')
            .chars()
            .take_while(|c| !c.is_whitespace() && *c != '/')
            .collect::<String>()
            .to_ascii_uppercase();
        if inner.starts_with('/') {
            return Some(Event::Close(name, line));
        }
        if inner.ends_with('/') {
            self.closing = Some(name.clone());
        } else {
            self.free = FREE.contains(&name.as_str());
        }
        Some(Event::Open(name, line))
    }

    /// Everything up to the next tag, character data included.
    fn text(&mut self) -> String {
        let mut text = String::new();
        while !self.rest.is_empty() {
            if self.rest.starts_with("<![CDATA[") {
                let end = self.rest.find("]]>").unwrap_or(self.rest.len());
                let inner = self.take(end);
                text.push_str(&inner["<![CDATA[".len().min(inner.len())..]);
                self.take(self.rest.len().min(3));
                continue;
            }
            if self.at_tag() {
                break;
            }
            let first = self.rest.chars().next().map_or(0, char::len_utf8);
            let end = self.rest[first..].find('<').map_or(self.rest.len(), |e| e + first);
            let plain = self.take(end);
            // A text ends with its line, but for tags that stand in the middle of one.
            self.free &= !plain.trim_end_matches([' ', '\t']).ends_with('\n');
            unescape(plain, &mut text);
        }
        text.trim().to_owned()
    }
}

/// Whether this `<` begins a tag: character data and `A < B` do not.
fn tag_begins(text: &str) -> bool {
    !text.starts_with("<![CDATA[")
        && text[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'))
}

/// The five predefined entities, `&nbsp;` and numbers; any other ampersand is itself, as banks write `AT&T`.
fn unescape(text: &str, into: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        into.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(10).position(|b| b == b';');
        let resolved = end.and_then(|end| Some((entity(rest.get(1..end)?)?, end + 1)));
        let (c, used) = resolved.unwrap_or(('&', 1));
        into.push(c);
        rest = &rest[used..];
    }
    into.push_str(rest);
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|c| !c.is_control())
        }
    }
}
