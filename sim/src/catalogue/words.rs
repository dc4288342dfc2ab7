//! What a comment on a type or a parameter says, by paragraph: apart from the reading of sources,
//! because the labels are a convention of ours and not Rust.

/// A comment. Paragraphs that begin with a label are kept apart; the others are its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// What it is.
    pub text: String,
    /// `Source:` whose documentation the behaviour and the defaults follow.
    pub source: String,
    /// `Not modelled:` what a user of the real thing might look for in vain.
    pub not_modelled: String,
    /// `Example:` as a scenario writes it.
    pub example: String,
}

impl Words {
    /// Reads the lines of a comment.
    pub fn read(lines: &[String]) -> Words {
        let mut words = Words::default();
        let mut label = "";
        for line in lines {
            let line = line.trim();
            if line.is_empty() {
                label = "";
                continue;
            }
            let begun = ["Source: ", "Not modelled: ", "Example: "];
            let begun = begun.into_iter().find(|label| line.starts_with(label));
            label = begun.unwrap_or(label);
            let rest = begun.and_then(|label| line.strip_prefix(label)).unwrap_or(line);
            let part = match label {
                "Source: " => &mut words.source,
                "Not modelled: " => &mut words.not_modelled,
                "Example: " => &mut words.example,
                _ => &mut words.text,
            };
            *part += if part.is_empty() { "" } else { " " };
            *part += rest;
        }
        words.example = words.example.replace('`', "");
        words
    }

    /// What it is, in a sentence.
    pub fn first_sentence(&self) -> &str {
        let ends = [". ", ": `"].iter().filter_map(|end| self.text.find(end)).min();
        self.text[..ends.unwrap_or(self.text.len())].trim_end_matches('.')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labelled_paragraphs_are_kept_apart() {
        let comment = "A thing. It\nlasts.\n\nSource: the\nmanual.\n\nNot modelled: rust.\n\n\
                       More.\nExample: `Thing(n: 1,\nm: 2)`";
        let lines: Vec<String> = comment.lines().map(str::to_string).collect();
        let words = Words::read(&lines);
        assert_eq!(words.text, "A thing. It lasts. More.");
        assert_eq!(words.first_sentence(), "A thing");
        assert_eq!((&*words.source, &*words.not_modelled), ("the manual.", "rust."));
        assert_eq!(words.example, "Thing(n: 1, m: 2)");
    }
}
