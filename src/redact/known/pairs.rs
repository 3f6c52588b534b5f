//! Which two bytes stand side by side in any of the secrets, and with which one begins: a text is full of what may be an
//! escape, and nearly all of it stands where no secret does.

pub struct Pairs {
    pairs: Box<[u64; 1 << 10]>,
    firsts: [bool; 256],
}

impl Pairs {
    pub fn of<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Pairs {
        let mut pairs = Pairs { pairs: Box::new([0; _]), firsts: [false; _] };
        for text in texts {
            text.first().inspect(|first| pairs.firsts[usize::from(**first)] = true);
            for [a, b] in text.array_windows() {
                let (word, bit) = place(*a, *b);
                pairs.pairs[word] |= 1 << bit;
            }
        }
        pairs
    }

    /// Whether there may be a secret of which the first byte that does not stand for itself is where `before` ends; it is
    /// `first` up to `last`, where it is any; `after` follows, as far as it stands for itself, and stops where the text
    /// does.
    pub fn meet(&self, before: &[u8], inner: Option<(u8, u8)>, after: &[Option<u8>; 2]) -> bool {
        let has = |a: u8, b: Option<u8>| b.is_none_or(|b| self.has(a, b));
        let goes_on = |from: u8| has(from, after[0]) && after[0].is_none_or(|a| has(a, after[1]));
        let begun = |to: Option<u8>| match *before {
            // Two of it, or its first one, stand before.
            [.., b2, b1] if self.has(b2, b1) && has(b1, to) => true,
            [.., b1] => {
                self.firsts[usize::from(b1)] && has(b1, to) && inner.is_none_or(|(_, last)| has(last, after[0]))
            }
            [] => false,
        };
        match inner {
            None => begun(after[0]),
            Some((first, last)) => begun(Some(first)) || self.firsts[usize::from(first)] && goes_on(last),
        }
    }

    fn has(&self, a: u8, b: u8) -> bool {
        let (word, bit) = place(a, b);
        self.pairs[word] >> bit & 1 == 1
    }
}

fn place(a: u8, b: u8) -> (usize, u32) {
    (usize::from(a) << 2 | usize::from(b >> 6), u32::from(b & 63))
}
