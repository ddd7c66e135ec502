//! What worker and decoder say to each other: a line of JSON each way, then bytes. The worker trusts nothing of it.

use super::{Bounds, Walls};
use crate::reader::{DecodeError, Decoded, DecodedPage};
use image::RgbImage;
use quittance_shared::domain::document::{TextLine, Warning};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Read, Write};

/// Longest line, bytes: the text of born-digital pages is in it.
const LONGEST_LINE: u64 = 64 << 20;
/// Pixels of all pages together, at most: a little over what drawing a PDF gives.
const MOST_PIXELS: u64 = 128_000_000;

/// What the decoder answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) walls: Walls,
    pub(super) outcome: Result<Shape, DecodeError>,
}

/// A decoded document without its pixels.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Shape {
    pages: Vec<PageShape>,
    warnings: Vec<Warning>,
    preprocessed: bool,
    invoice: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PageShape {
    width: u32,
    height: u32,
    rotation: u16,
    text: Option<Vec<TextLine>>,
}

/// Asks for a document to be decoded.
pub(super) fn ask(to: &mut impl Write, bounds: &Bounds, bytes: &[u8]) -> io::Result<()> {
    line(to, bounds)?;
    to.write_all(bytes)?;
    to.flush()
}

/// What is asked for; the document follows.
pub(super) fn bounds(from: &mut impl BufRead) -> io::Result<Bounds> {
    read_line(from)
}

/// Answers.
pub(super) fn answer(
    to: &mut impl Write,
    walls: Walls,
    outcome: Result<Decoded, DecodeError>,
) -> io::Result<()> {
    let decoded = match outcome {
        Ok(decoded) => decoded,
        Err(error) => return line(to, &Answer { walls, outcome: Err(error) }),
    };
    let Decoded { pages, warnings, preprocessed, invoice } = decoded;
    let (shapes, pixels): (Vec<_>, Vec<_>) = pages.into_iter().map(shape).unzip();
    line(
        to,
        &Answer { walls, outcome: Ok(Shape { pages: shapes, warnings, preprocessed, invoice }) },
    )?;
    for image in pixels {
        to.write_all(image.as_raw())?;
    }
    to.flush()
}

fn shape(page: DecodedPage) -> (PageShape, RgbImage) {
    let (width, height) = page.image.dimensions();
    (PageShape { width, height, rotation: page.rotation, text: page.text }, page.image)
}

/// Reads an answer.
pub(super) fn answered(
    from: &mut impl BufRead,
) -> io::Result<(Walls, Result<Decoded, DecodeError>)> {
    let Answer { walls, outcome } = read_line(from)?;
    let Shape { pages: shapes, warnings, preprocessed, invoice } = match outcome {
        Ok(shape) => shape,
        Err(error) => return Ok((walls, Err(error))),
    };
    let all = shapes.iter().try_fold(0_u64, |sum, page| {
        sum.checked_add(u64::from(page.width) * u64::from(page.height))
    });
    if (shapes.is_empty() && invoice.is_none()) || all.is_none_or(|all| all > MOST_PIXELS) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no pages, or too many pixels"));
    }
    let mut pages = Vec::with_capacity(shapes.len());
    for page in shapes {
        pages.push(pixels(from, page)?);
    }
    Ok((walls, Ok(Decoded { pages, warnings, preprocessed, invoice })))
}

fn pixels(from: &mut impl Read, page: PageShape) -> io::Result<DecodedPage> {
    let PageShape { width, height, rotation, text } = page;
    let size =
        usize::try_from(u64::from(width) * u64::from(height) * 3).map_err(io::Error::other)?;
    let mut raw = vec![0; size];
    from.read_exact(&mut raw)?;
    let image = RgbImage::from_raw(width, height, raw);
    let image = image.ok_or_else(|| io::Error::other("pixels without a page"))?;
    Ok(DecodedPage { image, rotation, text })
}

fn line(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    to.write_all(&text)
}

fn read_line<T: for<'de> Deserialize<'de>>(from: &mut impl BufRead) -> io::Result<T> {
    let mut text = Vec::new();
    from.take(LONGEST_LINE).read_until(b'\n', &mut text)?;
    if text.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_slice(&text)?)
}
