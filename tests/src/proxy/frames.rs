//! What browsers send over a WebSocket is masked (RFC 6455, section 5.3); a search for words needs it unmasked.

/// Turns a stream of masked frames into the payloads they carry.
#[derive(Default)]
pub struct Unmasked {
    pending: Vec<u8>,
    is_raw: bool,
}

impl Unmasked {
    /// For streams that are not masked: everything comes out as it went in.
    pub fn raw() -> Unmasked {
        Unmasked { pending: Vec::new(), is_raw: true }
    }

    /// Takes further bytes; hands back the payloads of the frames that are now complete.
    pub fn next(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.is_raw {
            return bytes.to_vec();
        }
        self.pending.extend_from_slice(bytes);
        let mut payloads = Vec::new();
        while let Some((payload, used)) = first_frame(&self.pending) {
            payloads.extend(payload);
            self.pending.drain(..used);
        }
        payloads
    }
}

/// The payload of the first frame, and the length of that frame.
fn first_frame(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let second = *bytes.get(1)?;
    let (length, head) = match second & 0x7f {
        126 => (u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4_usize),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?), 10),
        short => (u64::from(short), 2),
    };
    let mask_length = if second & 0x80 == 0 { 0 } else { 4 };
    let mask = bytes.get(head..head.checked_add(mask_length)?)?;
    let start = head.checked_add(mask_length)?;
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    let masked = bytes.get(start..end)?;
    let payload = match mask {
        [] => masked.to_vec(),
        mask => masked.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect(),
    };
    Some((payload, end))
}

#[cfg(test)]
mod tests {
    use super::Unmasked;

    // RFC 6455, section 5.7: "Hello" in a masked frame, here twice and cut in the middle.
    #[test]
    fn payloads_come_out_of_split_frames() {
        let frame = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        let stream = [frame, frame].concat();
        let mut unmasked = Unmasked::default();
        let first = unmasked.next(&stream[..7]);
        let second = unmasked.next(&stream[7..]);
        assert_eq!(first, b"");
        assert_eq!(second, b"HelloHello");
    }

    #[test]
    fn long_frames_are_read_by_their_length() {
        let mut frame = vec![0x82, 126, 1, 0];
        frame.extend([7; 256]);
        assert_eq!(Unmasked::default().next(&frame), [7; 256]);
    }
}
