//! What the integration tests stand on: real servers on free loopback ports, real `quittance` processes, a client.

pub(crate) mod client;
pub(crate) mod cut;
pub(crate) mod expect;
pub(crate) mod gate;
pub(crate) mod ground;
pub(crate) mod invariants;
pub(crate) mod pgbouncer;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod redis;
pub(crate) mod shop;
pub(crate) mod stack;
pub(crate) mod tls;

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
};

/// A loopback port nobody listens on right now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// A file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The bytes of a file of the repository.
pub(crate) fn bytes_of(path: &str) -> Vec<u8> {
    std::fs::read(repository(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// A small receipt: cheap to read, with merchant, date and total on it.
pub(crate) fn slip() -> Vec<u8> {
    bytes_of("tests/fixtures/slip.png")
}

/// Six pages: long enough to be interrupted.
pub(crate) fn long_document() -> Vec<u8> {
    bytes_of("tests/fixtures/long.pdf")
}

/// A PDF of one page with a text of its own: left edge, height above the foot, size of the letters, text in Latin 1.
pub(crate) fn page(lines: &[(u32, u32, u32, &str)]) -> Vec<u8> {
    let mut content = Vec::new();
    for (x, y, size, text) in lines {
        content.extend(format!("BT /F1 {size} Tf {x} {y} Td (").bytes());
        content.extend(text.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin 1")));
        content.extend(b") Tj ET\n");
    }
    let length = content.len();
    pdf(&[
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R \
          /Resources << /Font << /F1 4 0 R >> >> >>"
            .to_vec(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_vec(),
        [format!("<< /Length {length} >>\nstream\n").into_bytes(), content, b"endstream".to_vec()]
            .concat(),
    ])
}

/// A PDF of as many scans of the same receipt.
pub(crate) fn scans(pages: usize) -> Vec<u8> {
    let jpeg = bytes_of("samples/restaurant-fr.jpg");
    let kids: Vec<String> = (0..pages).map(|n| format!("{} 0 R", n + 5)).collect();
    let content = b"q 595 0 0 842 0 0 cm /Im0 Do Q";
    let stream = |head: String, bytes: &[u8]| {
        [
            format!("<< {head} /Length {} >>\nstream\n", bytes.len()).as_bytes(),
            bytes,
            b"\nendstream",
        ]
        .concat()
    };
    let head = "/Type /XObject /Subtype /Image /Width 924 /Height 1733 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode";
    let page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /XObject << /Im0 3 0 R >> >> >>";
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{}] /Count {pages} >>", kids.join(" ")).into_bytes(),
        stream(head.to_owned(), &jpeg),
        stream(String::new(), content),
    ];
    objects.resize(pages + 4, page.as_bytes().to_vec());
    pdf(&objects)
}

fn pdf(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut pdf = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(objects) {
        places.push(pdf.len());
        pdf.extend(format!("{number} 0 obj\n").bytes());
        pdf.extend(object);
        pdf.extend(b"\nendobj\n");
    }
    let (table, size) = (pdf.len(), objects.len() + 1);
    pdf.extend(format!("xref\n0 {size}\n0000000000 65535 f \n").bytes());
    for place in places {
        pdf.extend(format!("{place:010} 00000 n \n").bytes());
    }
    pdf.extend(
        format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n").bytes(),
    );
    pdf
}

/// The test material that is not part of the repository, or `None` after saying loudly that a test is skipped.
pub(crate) fn shared_data(what: &str) -> Option<PathBuf> {
    let root = std::env::var_os("QUITTANCE_SHARED")
        .map_or_else(|| repository("../shared"), PathBuf::from)
        .join("data")
        .join(what);
    if root.is_dir() {
        return Some(root);
    }
    eprintln!(
        "\n*** SKIPPED: no {}; set QUITTANCE_SHARED to the folder that holds data/ ***\n",
        root.display()
    );
    None
}
