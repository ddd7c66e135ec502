//! The code pages of DOS, in which old programs of banks still write: the web's encodings have none of them.

/// A code page: ASCII below, these characters from 128 on.
#[derive(Debug)]
pub(crate) struct CodePage {
    /// As IANA calls it.
    pub(super) name: &'static str,
    /// 128 characters.
    upper: &'static str,
}

/// Western Europe; where the dotless i was, version 858 has the euro, which alone occurs.
pub(super) const CP850: CodePage = CodePage {
    name: "IBM850",
    upper: "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈ€ÍÎÏ┘┌█▄¦Ì▀\
            ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}",
};

/// The first of them all: the letters of French and German stand where [`CP850`] has them.
pub(super) const CP437: CodePage = CodePage {
    name: "IBM437",
    upper: "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
            αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}",
};

impl CodePage {
    /// By a label such as `CP850`, `ibm437`, `858`.
    pub(super) fn by_label(label: &str) -> Option<&'static Self> {
        let label = label.to_ascii_lowercase().replace(['-', '_', ' '], "");
        let number = label.strip_prefix("cp").or_else(|| label.strip_prefix("ibm"));
        match number.unwrap_or(&label).trim_start_matches('0') {
            "850" | "858" => Some(&CP850),
            "437" => Some(&CP437),
            _ => None,
        }
    }

    /// The bytes as text.
    pub(super) fn decode(&self, bytes: &[u8]) -> String {
        let upper: Vec<char> = self.upper.chars().collect();
        let one = |byte: &u8| {
            let beyond = usize::from(*byte).checked_sub(128).and_then(|at| upper.get(at));
            beyond.copied().unwrap_or(char::from(*byte))
        };
        bytes.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_is_whole() {
        for page in [&CP850, &CP437] {
            assert_eq!(page.upper.chars().count(), 128, "{}", page.name);
            assert_eq!(
                page.decode(b"Libell\x82 D\x82bit \x8a\x85\x87\x88 K\x84se \xe1"),
                "Libellé Débit èàçê Käse ß"
            );
        }
        for (label, name) in
            [("cp850", "IBM850"), ("IBM-858", "IBM850"), ("IBM00858", "IBM850"), ("437", "IBM437")]
        {
            assert_eq!(CodePage::by_label(label).map(|page| page.name), Some(name), "{label}");
        }
        assert!(CodePage::by_label("852").is_none());
    }
}
