//! QR codes, as one SVG path.

use core::fmt::Write as _;

use fast_qr::qr::{QRBuilder, QRCodeError};

/// Modules of white around the code (ISO/IEC 18004 asks for four).
const QUIET_ZONE: usize = 4;

/// A QR code ready to be drawn: `<svg viewBox="0 0 size size"><path d=path/></svg>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QrImage {
    /// Width and height in modules, the quiet zone of four on each side included.
    pub size: usize,
    /// SVG path data that covers the dark modules.
    pub path: String,
}

/// The data does not fit into a QR code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too much data for a QR code")]
pub struct QrError;

/// Draws `data` (text or bytes) as a QR code.
///
/// # Errors
/// [`QrError`] when there is more data than the largest code holds.
pub fn qr_path(data: impl Into<Vec<u8>>) -> Result<QrImage, QrError> {
    let code = QRBuilder::new(data.into()).build().map_err(|error| match error {
        QRCodeError::EncodedData | QRCodeError::SpecifiedVersion => QrError,
    })?;
    let mut path = String::new();
    for row in 0..code.size {
        let modules = code.data.iter().skip(row * code.size).take(code.size);
        let mut run = 0;
        for (column, module) in modules.map(|module| module.value()).chain([false]).enumerate() {
            if module {
                run += 1;
            } else if run > 0 {
                let (x, y) = (column - run + QUIET_ZONE, row + QUIET_ZONE);
                // Writing to a String cannot fail.
                let _ = write!(path, "M{x} {y}h{run}v1h-{run}z");
                run = 0;
            }
        }
    }
    Ok(QrImage { size: code.size + 2 * QUIET_ZONE, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_finder_pattern_is_where_it_belongs() {
        let image = qr_path("https://sotto.example/i#v1.abc").unwrap();
        assert!(image.path.starts_with("M4 4h7v1h-7z"), "{}", &image.path[..40]);
        assert_eq!((image.size - 2 * QUIET_ZONE) % 4, 1);
    }

    #[test]
    fn too_much_is_refused() {
        assert_eq!(qr_path(vec![0; 5000]), Err(QrError));
    }
}
