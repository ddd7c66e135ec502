//! Reading and rewriting of protobuf messages without their schema: what stays the same is copied as it is.

use super::model::ModelError;

/// What becomes of a field.
pub(super) enum Change {
    Keep,
    Drop,
    Replace(Vec<u8>),
}

#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Other,
}

pub(super) struct Field<'a> {
    pub(super) number: u64,
    pub(super) value: Value<'a>,
    pub(super) whole: &'a [u8],
}

/// Decides about a field by its number and bytes.
type Decide<'a> = dyn FnMut(u64, &[u8]) -> Result<Change, ModelError> + 'a;

/// Copies a message; `f` decides about each field that has bytes.
pub(super) fn rewrite(bytes: &[u8], f: &mut Decide<'_>) -> Result<Vec<u8>, ModelError> {
    let mut out = Vec::with_capacity(bytes.len());
    each(bytes, &mut |field| {
        let change = match field.value {
            Value::Bytes(part) => f(field.number, part)?,
            Value::Number(_) | Value::Other => Change::Keep,
        };
        match change {
            Change::Keep => out.extend_from_slice(field.whole),
            Change::Drop => {}
            Change::Replace(part) => put_bytes(&mut out, field.number, &part),
        }
        Ok(())
    })?;
    Ok(out)
}

pub(super) fn each<'a>(
    mut bytes: &'a [u8],
    f: &mut dyn FnMut(Field<'a>) -> Result<(), ModelError>,
) -> Result<(), ModelError> {
    while !bytes.is_empty() {
        let start = bytes;
        let tag = varint(&mut bytes)?;
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut bytes)?),
            1 => take(&mut bytes, 8).map(|_| Value::Other)?,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).map_err(|_| broken())?;
                Value::Bytes(take(&mut bytes, length)?)
            }
            5 => take(&mut bytes, 4).map(|_| Value::Other)?,
            _ => return Err(broken()),
        };
        let whole = &start[..start.len() - bytes.len()];
        f(Field { number: tag >> 3, value, whole })?;
    }
    Ok(())
}

fn broken() -> ModelError {
    ModelError("the recogniser's file is not an ONNX model".into())
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8], ModelError> {
    let (head, tail) = bytes.split_at_checked(length).ok_or_else(broken)?;
    *bytes = tail;
    Ok(head)
}

pub(super) fn varint(bytes: &mut &[u8]) -> Result<u64, ModelError> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(broken())
}

pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn put_bytes(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    put_varint(out, (number << 3) | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
