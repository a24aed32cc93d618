//! Passwords made by a machine for people who may have to type them.

use secrecy::SecretString;

use crate::clock::Source;

/// Characters of an invented password, out of 32: 120 random bits.
const LENGTH: usize = 24;

/// Digits, and letters that are not mistaken for them.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz234567890";

/// A password nobody chose and nobody has to remember.
pub fn invent(source: &Source) -> SecretString {
    let letters = source
        .bytes::<LENGTH>()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    letters.iter().collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_password_is_made_of_the_alphabet_and_differs_each_time() {
        let source = Source::system();
        let (one, other) = (invent(&source), invent(&source));
        assert_eq!(one.expose_secret().len(), LENGTH);
        assert!(one.expose_secret().bytes().all(|byte| ALPHABET.contains(&byte)));
        assert_ne!(one.expose_secret(), other.expose_secret());
    }
}
