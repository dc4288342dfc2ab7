//! Arithmetic of conditions and statements: whole numbers, draws and variables, `+ - * / %`, and
//! one comparison. Nothing more, ever: what needs more is a component.

use engine::Request;

/// The most variables a flow may have.
pub const VARIABLES: usize = 4;

/// What a flow keeps in its variables.
pub type Variables = [i64; VARIABLES];

/// A value, compiled.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Term {
    Number(i64),
    Draw(u8),
    Variable(u8),
    Apply(Operator),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// An expression in postfix order.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    terms: Vec<Term>,
}

/// `a op b`.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    left: Expr,
    is: Comparison,
    right: Expr,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
}

/// Where names mean something.
pub struct Names<'a> {
    /// Names of draws, in their places.
    pub draws: &'a [String],
    /// Names of variables, in their places.
    pub variables: &'a [String],
}

const COMPARISONS: [(&str, Comparison); 6] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::Unequal),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::MoreOrEqual),
    ("<", Comparison::Less),
    (">", Comparison::More),
];

impl Condition {
    /// Reads `a op b`. The error says what is wrong.
    pub fn parse(text: &str, names: &Names<'_>) -> Result<Condition, String> {
        let found = COMPARISONS
            .iter()
            .find_map(|(sign, is)| text.split_once(sign).map(|(left, right)| (left, *is, right)));
        let Some((left, is, right)) = found else {
            return Err(format!(
                "`{text}` is no condition: write `a < b`, with one of == != < <= > >="
            ));
        };
        let (left, right) = (Expr::parse(left, names)?, Expr::parse(right, names)?);
        Ok(Condition { left, is, right })
    }

    /// Holds always: what stands in for a condition that could not be read.
    pub fn always() -> Condition {
        let zero = Expr::number(0);
        Condition { left: zero.clone(), is: Comparison::Equal, right: zero }
    }

    /// Whether it holds.
    pub fn holds(&self, request: &Request, variables: &Variables) -> bool {
        let left = self.left.value(request, variables);
        let right = self.right.value(request, variables);
        match self.is {
            Comparison::Equal => left == right,
            Comparison::Unequal => left != right,
            Comparison::Less => left < right,
            Comparison::LessOrEqual => left <= right,
            Comparison::More => left > right,
            Comparison::MoreOrEqual => left >= right,
        }
    }
}

impl Expr {
    /// A number.
    pub fn number(value: i64) -> Expr {
        Expr { terms: vec![Term::Number(value)] }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<i64> {
        match self.terms[..] {
            [Term::Number(value)] => Some(value),
            _ => None,
        }
    }

    /// Reads sums of products. The error says what is wrong.
    pub fn parse(text: &str, names: &Names<'_>) -> Result<Expr, String> {
        let mut reader = Reader { words: words(text)?, next: 0, names, terms: Vec::new() };
        reader.sum(0)?;
        match reader.words.get(reader.next) {
            None => Ok(Expr { terms: reader.terms }),
            Some(word) => Err(format!("`{word}` is out of place in `{}`", text.trim())),
        }
    }

    /// Its value. Overflow saturates; a division by zero gives zero.
    pub fn value(&self, request: &Request, variables: &Variables) -> i64 {
        let (mut stack, mut top) = ([0i64; 16], 0);
        for term in &self.terms {
            let value = match *term {
                Term::Number(value) => value,
                Term::Draw(place) => i64::from(request.draws[place as usize]),
                Term::Variable(place) => variables[place as usize],
                Term::Apply(operator) => {
                    top -= 2;
                    operator.apply(stack[top], stack[top + 1])
                }
            };
            stack[top] = value;
            top += 1;
        }
        stack[0]
    }
}

impl Operator {
    fn apply(self, a: i64, b: i64) -> i64 {
        match self {
            Operator::Add => a.saturating_add(b),
            Operator::Subtract => a.saturating_sub(b),
            Operator::Multiply => a.saturating_mul(b),
            Operator::Divide => a.checked_div(b).unwrap_or(0),
            Operator::Remainder => a.checked_rem(b).unwrap_or(0),
        }
    }
}

/// Splits into numbers, names and signs.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words: Vec<String> = Vec::new();
    let mut glue = false;
    for letter in text.chars() {
        let part_of_word = letter.is_alphanumeric() || letter == '_';
        match letter {
            _ if part_of_word && glue => words.last_mut().expect("glued").push(letter),
            _ if part_of_word => words.push(letter.into()),
            '+' | '-' | '*' | '/' | '%' | '(' | ')' => words.push(letter.into()),
            _ if letter.is_whitespace() => {}
            other => return Err(format!("`{other}` means nothing in an expression")),
        }
        glue = part_of_word;
    }
    if words.len() > 32 { Err("an expression this long is a component".into()) } else { Ok(words) }
}

struct Reader<'a> {
    words: Vec<String>,
    next: usize,
    names: &'a Names<'a>,
    terms: Vec<Term>,
}

/// Deeper than this, parentheses would outgrow the stack of `value`.
const DEEPEST: u32 = 6;

impl Reader<'_> {
    fn sign(&mut self, signs: &[(&str, Operator)]) -> Option<Operator> {
        let word = self.words.get(self.next)?;
        let operator = signs.iter().find(|(sign, _)| sign == word)?.1;
        self.next += 1;
        Some(operator)
    }

    fn sum(&mut self, depth: u32) -> Result<(), String> {
        self.product(depth)?;
        while let Some(operator) = self.sign(&[("+", Operator::Add), ("-", Operator::Subtract)]) {
            self.product(depth)?;
            self.terms.push(Term::Apply(operator));
        }
        Ok(())
    }

    fn product(&mut self, depth: u32) -> Result<(), String> {
        self.term(depth)?;
        let signs =
            [("*", Operator::Multiply), ("/", Operator::Divide), ("%", Operator::Remainder)];
        while let Some(operator) = self.sign(&signs) {
            self.term(depth)?;
            self.terms.push(Term::Apply(operator));
        }
        Ok(())
    }

    fn term(&mut self, depth: u32) -> Result<(), String> {
        let Some(word) = self.words.get(self.next).cloned() else {
            return Err("an expression ends too early".into());
        };
        self.next += 1;
        if word == "(" {
            if depth == DEEPEST {
                return Err("parentheses nest too deep".into());
            }
            self.sum(depth + 1)?;
            let closed = self.words.get(self.next).is_some_and(|word| word == ")");
            self.next += 1;
            return if closed { Ok(()) } else { Err("a `)` is missing".into()) };
        }
        if word == "-" {
            self.terms.push(Term::Number(0));
            self.term(depth)?;
            self.terms.push(Term::Apply(Operator::Subtract));
            return Ok(());
        }
        let term = self.meaning(&word)?;
        self.terms.push(term);
        Ok(())
    }

    fn meaning(&self, word: &str) -> Result<Term, String> {
        if word.starts_with(|letter: char| letter.is_ascii_digit()) {
            let digits: String = word.chars().filter(|&letter| letter != '_').collect();
            return digits.parse().map(Term::Number).map_err(|_| format!("`{word}` is no number"));
        }
        let place = |names: &[String]| names.iter().position(|name| name == word);
        if let Some(place) = place(self.names.variables) {
            return Ok(Term::Variable(place as u8));
        }
        if let Some(place) = place(self.names.draws) {
            return Ok(Term::Draw(place as u8));
        }
        let known: Vec<&str> =
            self.names.variables.iter().chain(self.names.draws).map(String::as_str).collect();
        let help = crate::wiring::did_you_mean(word, &known);
        let help = help.map_or(String::new(), |help| format!("; {help}"));
        Err(format!("`{word}` is neither a draw nor a variable set before this{help}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::{OpId, Time};

    fn names(test: impl FnOnce(&Names<'_>)) {
        let (draws, variables) = (["user", "items"].map(String::from), ["n".to_string()]);
        test(&Names { draws: &draws, variables: &variables });
    }

    #[test]
    fn products_bind_tighter_than_sums() {
        let mut request = Request::internal(OpId(0), Time(0));
        request.draws = [7, 3, 0, 0];
        let values = [
            ("n - items", 7),
            ("1 + 2 * items", 7),
            ("(1 + 2) * items", 9),
            ("-n", -10),
            ("user % 4 / 2", 1),
            ("user / (items - 3)", 0),
            ("1_000", 1000),
        ];
        names(|names| {
            for (text, value) in values {
                let expr = Expr::parse(text, names).unwrap();
                assert_eq!(expr.value(&request, &[10, 0, 0, 0]), value, "{text}");
            }
            let holds =
                |text| Condition::parse(text, names).unwrap().holds(&request, &[10, 0, 0, 0]);
            assert!(holds("n >= 10") && holds("n != items") && !holds("user < items"));
        });
    }

    #[test]
    fn mistakes_are_named() {
        names(|names| {
            let error = |text| Expr::parse(text, names).unwrap_err();
            assert_eq!(error("1 +"), "an expression ends too early");
            assert_eq!(error("1 2"), "`2` is out of place in `1 2`");
            assert_eq!(error("(1"), "a `)` is missing");
            assert_eq!(error("1 ^ 2"), "`^` means nothing in an expression");
            assert!(error("itms").contains("did you mean `items`?"));
            assert!(Condition::parse("n", names).unwrap_err().contains("is no condition"));
            assert_eq!(error(&"(".repeat(20)), "parentheses nest too deep");
        });
    }
}
