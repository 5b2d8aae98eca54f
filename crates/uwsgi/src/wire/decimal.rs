//! Numbers in decimal text, as the protocol writes them.

/// Why text is not a number of 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotDecimal {
    /// A byte is not a digit, or the text is empty.
    NotDigits,
    /// The number needs more than 64 bits.
    Overflow,
}

/// Reads a number that consists of digits. Leading zeros are allowed; signs and spaces are not.
pub(crate) fn parse(text: &[u8]) -> Result<u64, NotDecimal> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return Err(NotDecimal::NotDigits);
    }
    // Every number of 19 digits fits into 64 bits.
    if text.len() <= 19 {
        let add = |number: u64, digit: &u8| number.wrapping_mul(10).wrapping_add(u64::from(digit.wrapping_sub(b'0')));
        return Ok(text.iter().fold(0, add));
    }
    text.iter()
        .try_fold(0_u64, |number, digit| number.checked_mul(10)?.checked_add(u64::from(digit.wrapping_sub(b'0'))))
        .ok_or(NotDecimal::Overflow)
}

/// A number as text, without allocation.
pub(crate) struct Decimal {
    digits: [u8; 20],
    first: usize,
}

impl Decimal {
    pub(crate) fn new(number: u64) -> Self {
        let mut digits = [b'0'; 20];
        let mut first = digits.len();
        let mut left = number;
        for digit in digits.iter_mut().rev() {
            // The remainder is below 10.
            *digit = b'0'.saturating_add(u8::try_from(left % 10).unwrap_or(0));
            left /= 10;
            first = first.saturating_sub(1);
            if left == 0 {
                break;
            }
        }
        Self { digits, first }
    }
}

impl AsRef<[u8]> for Decimal {
    fn as_ref(&self) -> &[u8] {
        self.digits.get(self.first..).unwrap_or_default()
    }
}
