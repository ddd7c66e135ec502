//! Cuts a recogniser's last layer down to the characters that receipts here are printed in, from its pinned file each
//! time it is opened: there is no second file to keep in step, and it takes milliseconds. The model knows 18,708
//! characters, nearly all of them Chinese, and compares each step of a line with every one; what was read stays the same
//! for everything printed in the letters kept, and stains become signs less often.
//!
//! The format is protobuf, `onnx.proto3` of ONNX 1.x.

use super::{
    model::ModelError,
    protobuf::{Change, Value, each, put_bytes, put_varint, rewrite, varint},
};

/// Field numbers of `ModelProto`, `GraphProto`, `ValueInfoProto` and below, `TensorProto`, `StringStringEntryProto`.
mod number {
    pub(super) const MODEL_GRAPH: u64 = 7;
    pub(super) const MODEL_METADATA: u64 = 14;
    pub(super) const GRAPH_INITIALIZER: u64 = 5;
    pub(super) const GRAPH_OUTPUT: u64 = 12;
    pub(super) const GRAPH_VALUE_INFO: u64 = 13;
    /// Type, tensor type, shape, dimension: one inside the other.
    pub(super) const TO_DIMENSION: [u64; 4] = [2, 1, 2, 1];
    pub(super) const DIMENSION_VALUE: u64 = 1;
    pub(super) const TENSOR_DIMS: u64 = 1;
    pub(super) const TENSOR_TYPE: u64 = 2;
    pub(super) const TENSOR_RAW: u64 = 9;
    pub(super) const ENTRY_KEY: u64 = 1;
    pub(super) const ENTRY_VALUE: u64 = 2;
}

/// `TensorProto.DataType.FLOAT`.
const FLOAT: u64 = 1;

/// Whether a character stays: Latin with all its accents, Greek, punctuation, currencies, signs.
#[must_use]
pub fn is_kept(character: &str) -> bool {
    let mut chars = character.chars();
    let (Some(c), None) = (chars.next(), chars.next()) else { return false };
    matches!(c,
        '\u{20}'..='\u{24f}' | '\u{370}'..='\u{3ff}' | '\u{1e00}'..='\u{1eff}' | '\u{2010}'..='\u{2044}'
        | '\u{20a0}'..='\u{20cf}' | '№' | '™' | '℃' | '√' | '≈' | '≠' | '≤' | '≥' | '−'
        | '←'..='↓' | '■' | '□' | '▲' | '▼' | '▶' | '◆' | '○' | '●' | '★' | '☆' | '✓' | '✔')
}

/// A model whose last layer knows the blank, `kept` (places in the alphabet before the cut, ascending) and the space.
///
/// # Errors
/// When the bytes are not a model, or no layer of it has as many outputs as the alphabet has `classes`.
pub(crate) fn trim(model: &[u8], classes: usize, kept: &[usize]) -> Result<Vec<u8>, ModelError> {
    let mut cut = 0;
    let trimmed = rewrite(model, &mut |field, graph| {
        if field != number::MODEL_GRAPH {
            return Ok(Change::Keep);
        }
        let graph = rewrite(graph, &mut |field, part| match field {
            number::GRAPH_INITIALIZER => {
                let tensor = tensor(part, classes, kept)?;
                cut += usize::from(tensor.is_some());
                Ok(tensor.map_or(Change::Keep, Change::Replace))
            }
            number::GRAPH_OUTPUT => {
                dimension(part, &number::TO_DIMENSION, classes, kept.len()).map(Change::Replace)
            }
            // Shapes of what lies between, all optional, some now wrong.
            number::GRAPH_VALUE_INFO => Ok(Change::Drop),
            _ => Ok(Change::Keep),
        })?;
        Ok(Change::Replace(graph))
    })?;
    if cut == 0 {
        return Err(ModelError(format!("no layer of the recogniser has {classes} classes")));
    }
    Ok(trimmed)
}

/// A value of the model's metadata.
///
/// # Errors
/// When the bytes are not a model.
pub(crate) fn metadata(model: &[u8], key: &str) -> Result<Option<String>, ModelError> {
    let mut found = None;
    each(model, &mut |field| {
        if let (number::MODEL_METADATA, Value::Bytes(entry)) = (field.number, field.value) {
            let (mut name, mut value) = (&[][..], &[][..]);
            each(entry, &mut |part| {
                match (part.number, part.value) {
                    (number::ENTRY_KEY, Value::Bytes(bytes)) => name = bytes,
                    (number::ENTRY_VALUE, Value::Bytes(bytes)) => value = bytes,
                    _ => {}
                }
                Ok(())
            })?;
            if name == key.as_bytes() {
                found = Some(String::from_utf8_lossy(value).into_owned());
            }
        }
        Ok(())
    })?;
    Ok(found)
}

/// The tensor with only the kept places along its axis of `classes`; `None` when it has no such axis.
fn tensor(bytes: &[u8], classes: usize, kept: &[usize]) -> Result<Option<Vec<u8>>, ModelError> {
    let (mut dims, mut kind, mut raw) = (Vec::new(), 0, &[][..]);
    each(bytes, &mut |field| {
        match (field.number, field.value) {
            (number::TENSOR_DIMS, Value::Number(n)) => dims.push(n),
            (number::TENSOR_DIMS, Value::Bytes(mut packed)) => {
                while !packed.is_empty() {
                    dims.push(varint(&mut packed)?);
                }
            }
            (number::TENSOR_TYPE, Value::Number(n)) => kind = n,
            (number::TENSOR_RAW, Value::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
        Ok(())
    })?;
    let sides: Vec<usize> = dims.iter().map(|&d| usize::try_from(d).unwrap_or(0)).collect();
    let Some(axis) = sides.iter().position(|&side| side == classes) else { return Ok(None) };
    let inner: usize = sides[axis + 1..].iter().product::<usize>() * size_of::<f32>();
    let outer: usize = sides[..axis].iter().product();
    if kind != FLOAT || raw.len() != outer * classes * inner || inner == 0 {
        return Err(ModelError("the recogniser's last layer is not of plain floats".into()));
    }
    let mut values = Vec::with_capacity(outer * kept.len() * inner);
    for block in raw.chunks_exact(classes * inner) {
        for &place in kept {
            values.extend_from_slice(&block[place * inner..(place + 1) * inner]);
        }
    }
    let mut packed = Vec::new();
    for (i, &dim) in dims.iter().enumerate() {
        put_varint(&mut packed, if i == axis { kept.len() as u64 } else { dim });
    }
    let mut out = Vec::with_capacity(values.len() + 256);
    each(bytes, &mut |field| {
        if !matches!(field.number, number::TENSOR_DIMS | number::TENSOR_RAW) {
            out.extend_from_slice(field.whole);
        }
        Ok(())
    })?;
    put_bytes(&mut out, number::TENSOR_DIMS, &packed);
    put_bytes(&mut out, number::TENSOR_RAW, &values);
    Ok(Some(out))
}

/// A message with each dimension of `classes` at the end of `path` changed.
fn dimension(bytes: &[u8], path: &[u64], classes: usize, to: usize) -> Result<Vec<u8>, ModelError> {
    if let [first, rest @ ..] = path {
        return rewrite(bytes, &mut |field, part| {
            if field != *first {
                return Ok(Change::Keep);
            }
            dimension(part, rest, classes, to).map(Change::Replace)
        });
    }
    let mut out = Vec::new();
    each(bytes, &mut |field| {
        match field.value {
            Value::Number(n) if field.number == number::DIMENSION_VALUE && n == classes as u64 => {
                put_varint(&mut out, number::DIMENSION_VALUE << 3);
                put_varint(&mut out, to as u64);
            }
            Value::Number(_) | Value::Bytes(_) | Value::Other => out.extend_from_slice(field.whole),
        }
        Ok(())
    })?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(fields: &[(u64, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (number, bytes) in fields {
            put_bytes(&mut out, *number, bytes);
        }
        out
    }

    fn layer(rows: usize, classes: usize) -> Vec<u8> {
        let raw: Vec<u8> = (0..rows * classes).flat_map(|i| (i as f32).to_le_bytes()).collect();
        // Dimensions one by one, as writers of proto2 leave them.
        let mut out = vec![8, rows as u8, 8, classes as u8, 16, 1];
        put_bytes(&mut out, 8, b"weights");
        put_bytes(&mut out, number::TENSOR_RAW, &raw);
        out
    }

    fn model() -> Vec<u8> {
        let value = message(&[(2, &message(&[(1, &message(&[(2, &message(&[(1, &[8, 5])]))]))]))]);
        let graph = message(&[
            (1, b"a node"),
            (number::GRAPH_INITIALIZER, &layer(2, 5)),
            (number::GRAPH_INITIALIZER, &layer(2, 3)),
            (number::GRAPH_VALUE_INFO, b"stale"),
            (number::GRAPH_OUTPUT, &value),
        ]);
        let entry = message(&[(1, b"character"), (2, "é\nb".as_bytes())]);
        let mut out = vec![8, 10];
        out.extend(message(&[(number::MODEL_GRAPH, &graph), (number::MODEL_METADATA, &entry)]));
        out
    }

    #[test]
    fn only_the_kept_classes_stay() {
        let cut = trim(&model(), 5, &[0, 2, 4]).unwrap();
        assert_eq!(metadata(&cut, "character").unwrap().as_deref(), Some("é\nb"));
        assert_eq!(&cut[..2], [8, 10]);
        // The second layer has three classes by itself; the first has them now.
        let raw: Vec<u8> =
            [0.0_f32, 2.0, 4.0, 5.0, 7.0, 9.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let holds = |needle: &[u8]| cut.windows(needle.len()).any(|w| w == needle);
        assert!(holds(&raw) && holds(b"a node") && !holds(b"stale"));
        // The output's last dimension.
        assert!(holds(&[10, 2, 8, 3]));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(trim(&model(), 7, &[0]).is_err());
        assert!(trim(b"\x3a\xff", 5, &[0]).is_err());
        assert!(metadata(&[0xff; 20], "character").is_err());
        let mut half = layer(2, 5);
        half.truncate(half.len() - 4);
        assert!(tensor(&half, 5, &[0]).is_err());
    }

    #[test]
    fn latin_and_greek_stay() {
        for c in ["a", "É", "œ", "€", "’", "ß", "ő", "Ω", "№", "½"] {
            assert!(is_kept(c), "{c}");
        }
        assert!(!is_kept("中") && !is_kept("い") && !is_kept("🛅") && !is_kept(""));
    }
}
