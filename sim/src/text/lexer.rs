//! From characters to tokens: the part of RON that scenarios use, with comments skipped.

use super::diagnostic::Diagnostic;
use super::diagnostic::Spot;

/// The smallest parts of a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// One of `( ) [ ] { } , :`.
    Mark(char),
    /// A bare word.
    Word(String),
    /// A number as written.
    Number(String),
    /// Text in quotes, escapes resolved.
    Text(String),
    /// Nothing is left.
    End,
}

/// The first mistake ends the reading.
pub(super) type Read<T> = Result<T, Diagnostic>;

/// Reads one token after the other.
pub(super) struct Lexer<'a> {
    text: &'a str,
    file: u16,
    at: usize,
}

impl<'a> Lexer<'a> {
    /// Reads `text` from a byte on.
    pub fn new(text: &'a str, file: u16, at: usize) -> Self {
        Lexer { text, file, at }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn spot(&self, start: usize) -> Spot {
        Spot { file: self.file, start: start as u32, end: self.at as u32 }
    }

    fn error<T>(&self, start: usize, message: String, help: Option<String>) -> Read<T> {
        Err(Diagnostic::here(self.spot(start), message).maybe_help(help))
    }

    /// The next token and its place.
    pub fn next(&mut self) -> Read<(Token, Spot)> {
        self.skip_blanks()?;
        let start = self.at;
        let Some(first) = self.rest().chars().next() else {
            return Ok((Token::End, self.spot(start)));
        };
        let token = match first {
            '(' | ')' | '[' | ']' | '{' | '}' | ',' | ':' => {
                self.at += 1;
                Token::Mark(first)
            }
            '"' => self.text_in_quotes()?,
            'r' if self.rest().starts_with("r\"") || self.rest().starts_with("r#") => {
                self.raw_text()?
            }
            c if c.is_ascii_digit() || "+-.".contains(c) => self.number()?,
            c if c.is_ascii_alphabetic() || c == '_' => self.word()?,
            c => return self.stray(c),
        };
        Ok((token, self.spot(start)))
    }

    fn skip_blanks(&mut self) -> Read<()> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("//") {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if trimmed.starts_with("/*") {
                self.block_comment()?;
            } else if trimmed.starts_with("#![") {
                // An attribute for editors: extensions are always on, schemas are not for us.
                self.at += trimmed.find(']').map_or(trimmed.len(), |end| end + 1);
            } else {
                return Ok(());
            }
        }
    }

    fn block_comment(&mut self) -> Read<()> {
        let (start, mut depth) = (self.at, 0);
        loop {
            let rest = self.rest();
            let Some(next) = rest.find("*/").into_iter().chain(rest.find("/*")).min() else {
                self.at = start + 2;
                return self.error(start, "this comment is never closed".into(), None);
            };
            depth += if rest[next..].starts_with("/*") { 1 } else { -1 };
            self.at += next + 2;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn word(&mut self) -> Read<Token> {
        let start = self.at;
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        self.at += self.rest().find(|c| !is_word(c)).unwrap_or(self.rest().len());
        // `shop/3`, `order-db`, `edge.buy`: names, which are always quoted.
        if self.rest().starts_with(['-', '.', '/', '*', '>', '%']) && !self.at_comment() {
            self.at += bare_length(self.rest());
            let name = &self.text[start..self.at];
            let help = Some(format!("write \"{name}\""));
            return self.error(start, "names and selectors are written in quotes".into(), help);
        }
        Ok(Token::Word(self.text[start..self.at].into()))
    }

    fn at_comment(&self) -> bool {
        self.rest().starts_with("//") || self.rest().starts_with("/*")
    }

    fn number(&mut self) -> Read<Token> {
        let start = self.at;
        self.at += number_length(self.rest());
        let digits = self.text[start..self.at].replace('_', "");
        if self.rest().starts_with(is_unit) && !self.at_comment() {
            self.at += bare_length(self.rest());
            let written = &self.text[start..self.at];
            let help = Some(format!("write \"{written}\""));
            return self.error(start, "a value with a unit is written in quotes".into(), help);
        }
        if digits.parse::<f64>().is_err() {
            self.at = self.at.max(start + 1);
            let message = format!("`{}` is not a number", &self.text[start..self.at]);
            return self.error(start, message, None);
        }
        Ok(Token::Number(self.text[start..self.at].into()))
    }

    fn text_in_quotes(&mut self) -> Read<Token> {
        let start = self.at;
        let mut text = String::new();
        self.at += 1;
        loop {
            let next = self.rest().chars().next();
            self.at += next.map_or(0, char::len_utf8);
            match next {
                None | Some('\n') => {
                    self.at = start + self.text[start..].find('\n').unwrap_or(self.at - start);
                    let message = "this text is not closed on its line".into();
                    return self.error(start, message, Some("add a `\"` where it ends".into()));
                }
                Some('"') => return Ok(Token::Text(text)),
                Some('\\') => text.push(self.escape()?),
                Some(c) => text.push(c),
            }
        }
    }

    /// The character that follows a backslash stands for.
    fn escape(&mut self) -> Read<char> {
        let start = self.at - 1;
        let Some(next) = self.rest().chars().next() else { return Ok('\\') };
        self.at += next.len_utf8();
        let plain = match next {
            'n' => Some('\n'),
            't' => Some('\t'),
            'r' => Some('\r'),
            '0' => Some('\0'),
            '\\' | '"' | '\'' => Some(next),
            'u' => self.code_point(),
            _ => None,
        };
        let help = Some("for a backslash itself, write `\\\\`".into());
        match plain {
            Some(c) => Ok(c),
            None => self.error(start, "there is no such escape".into(), help),
        }
    }

    fn code_point(&mut self) -> Option<char> {
        let body = self.rest().strip_prefix('{')?;
        let end = body.find('}')?;
        let code = u32::from_str_radix(&body[..end], 16).ok()?;
        self.at += end + 2;
        char::from_u32(code)
    }

    fn raw_text(&mut self) -> Read<Token> {
        let start = self.at;
        self.at += 1;
        let hashes = self.rest().len() - self.rest().trim_start_matches('#').len();
        self.at += hashes;
        let close = format!("\"{}", "#".repeat(hashes));
        let body = self.rest().strip_prefix('"');
        let Some((body, end)) = body.and_then(|body| Some((body, body.find(&close)?))) else {
            return self.error(start, "this raw text is never closed".into(), None);
        };
        self.at += 1 + end + close.len();
        Ok(Token::Text(body[..end].into()))
    }

    fn stray(&mut self, c: char) -> Read<(Token, Spot)> {
        let start = self.at;
        self.at += c.len_utf8();
        let help = match c {
            '\'' => "text is written in double quotes: \"…\"",
            '=' => "a field or key is followed by `:`",
            ';' => "values are separated by `,`",
            '#' => "a comment begins with `//`",
            '“' | '”' => "use the plain quote `\"`",
            _ => return self.error(start, format!("{c:?} has no meaning here"), None),
        };
        self.error(start, format!("`{c}` has no meaning here"), Some(help.into()))
    }
}

/// How many bytes belong to a number: sign, digits, point, exponent.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = usize::from(text.starts_with(['+', '-']));
    while let Some(byte) = bytes.get(at) {
        let exponent = matches!(byte, b'e' | b'E') && exponent_follows(&bytes[at + 1..]);
        if exponent {
            at += 1 + usize::from(!bytes[at + 1].is_ascii_digit());
        } else if !(byte.is_ascii_digit() || matches!(byte, b'.' | b'_')) {
            break;
        }
        at += 1;
    }
    at
}

fn exponent_follows(rest: &[u8]) -> bool {
    match rest {
        [b'+' | b'-', digit, ..] | [digit, ..] => digit.is_ascii_digit(),
        [] => false,
    }
}

fn is_unit(c: char) -> bool {
    c.is_alphabetic() || c == '%' || c == '/'
}

/// How far an unquoted name or quantity reaches.
fn bare_length(text: &str) -> usize {
    let ends = |c: char| c.is_whitespace() || "()[]{},:\"".contains(c);
    text.find(ends).unwrap_or(text.len())
}
