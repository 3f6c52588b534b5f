//! Where long numbers begin: cards, accounts, telephones. Ordinary text is full of short ones (times, sizes,
//! versions), so blocks with few digits are passed over before any digit is looked at.

/// The fewest digits of a number that any rule takes: that many are in one of the blocks that it touches.
const FEW: u8 = 4;

const BLOCK: usize = 16;

/// Calls `begins` where a number begins that may be long, in order.
pub fn each(text: &[u8], mut begins: impl FnMut(usize)) {
    let mut tried = 0;
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    let few = |block: &[u8]| block.iter().map(|b| u8::from(b.is_ascii_digit())).sum::<u8>() < FEW;
    let last = (!rest.is_empty()).then(|| few(rest));
    for (index, few) in blocks.iter().map(|block| few(block)).chain(last).enumerate() {
        if few {
            continue;
        }
        // The number that this block is in the middle of may have begun in the one before.
        let start = (index * BLOCK).saturating_sub(BLOCK).max(tried);
        let end = (index * BLOCK + BLOCK).min(text.len());
        let mut before = start.checked_sub(1).map_or(b'\n', |before| text[before]);
        for (at, b) in (start..).zip(&text[start..end]) {
            let begin = b.is_ascii_digit() && !before.is_ascii_alphanumeric() && !matches!(before, b'.' | b'-' | b'_');
            before = *b;
            if begin && is_long(&text[at..]) {
                begins(at);
            }
        }
        tried = end;
    }
}

/// Whether a number goes on as long as the shortest that any rule takes, as far as it is there.
fn is_long(number: &[u8]) -> bool {
    let head = &number[..number.len().min(11)];
    head.len() >= 7 && head.iter().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'-' | b'(' | b')'))
}
