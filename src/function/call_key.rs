use std::fmt::{Display, Write as _};

use serde::Serialize;

use super::{KeyText, serializer};
use crate::{Error, ErrorKind, Result};

/// The key of a call, derived from the function and its arguments.
///
/// ```
/// use larder::function::CallKey;
///
/// let mut key = CallKey::new("app::users::load");
/// key.argument("id", &7)?;
/// key.argument("name", "ann lee")?;
/// assert_eq!(key.end().as_str(), r#"app::users::load(7,"ann%20lee")"#);
/// # Ok::<_, larder::Error>(())
/// ```
///
/// Calls of different functions, in different namespaces, with different types or different arguments
/// never share a key, and there is neither white space nor a control character in it. The parts, in this
/// order:
///
/// | part | written as |
/// |---|---|
/// | the function | `app::users::load`, `app::Repo<u8>::load`; of a program, not of its library: `bin:app::load` |
/// | a namespace | `[eu]` |
/// | type and const parameters | `<app::User,3>` |
/// | arguments | `(7,"ann%20lee")` |
///
/// An argument is written as its [`Serialize`] tells it:
///
/// | value | written as |
/// |---|---|
/// | numbers, `bool` | `7`, `-1`, `1.5`, `NaN`, `true` |
/// | text, `char` | `"ann%20lee"`, `'x'` |
/// | bytes that say so (`serde_bytes`) | `#00ff` |
/// | `None`, `Some(7)`, `Some(None)` | `?`, `?7`, `??` |
/// | `()` | `_` |
/// | lists, sets, slices | `[1,2]` |
/// | tuples, arrays | `(1,"a")` |
/// | maps, in the order of their texts | `{"a"=1,"b"=2}` |
/// | structs | `User{id:7}`, `Id[7]`, `Point(1,2)`, `Unit[]` |
/// | enums | `Color::Red`, `Shape::Disc[2.5]`, `Shape::Box(1,2)`, `Shape::Rect{w:1,h:2}` |
///
/// White space, control characters, `%`, and the quote around a text are written as `%` and two
/// hexadecimal digits for each byte. The width of a number is not told: `1_u8` and `1_u64` are the same.
/// Two equal hash *sets* may have different keys, because they tell themselves as lists, in any order;
/// take a sorted one. What a `Serialize` leaves out (`#[serde(skip)]`) is not in the key.
#[derive(Clone, Debug)]
pub struct CallKey {
    text: KeyText,
    /// What stands before the next part.
    part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Nothing but the function and the namespace so far.
    Function,
    Types,
    Arguments,
}

impl CallKey {
    /// Begins the key of a call of `function`, a path that is unique in the program.
    #[must_use]
    pub fn new(function: &str) -> Self {
        let mut text = KeyText::new();
        text.push_str(function);
        Self { text, part: Part::Function }
    }

    /// Begins the key of a call of the function that the type `F` stands for. `in_program` tells the
    /// functions of a program from those of a library of the same name: they begin with `bin:`.
    #[must_use]
    pub fn of<F: ?Sized>(in_program: bool) -> Self {
        let mut text = KeyText::new();
        if in_program {
            text.push_str("bin:");
        }
        text.push_escaped(std::any::type_name::<F>(), |_| false);
        Self { text, part: Part::Function }
    }

    /// Makes it the function `name` of that type.
    pub fn method(&mut self, name: &str) {
        self.text.push_str("::");
        self.text.push_str(name);
    }

    /// Adds the namespace; before types and arguments.
    pub fn namespace(&mut self, namespace: &str) {
        self.text.push_str("[");
        self.text.push_escaped(namespace, |c| c == ']');
        self.text.push_str("]");
    }

    /// Adds the name of a type parameter; before arguments.
    pub fn type_parameter<T: ?Sized>(&mut self) {
        self.generic();
        self.text.push_escaped(std::any::type_name::<T>(), |_| false);
    }

    /// Adds a const parameter; before arguments.
    pub fn const_parameter(&mut self, value: impl Display) {
        self.generic();
        let mut shown = KeyText::new();
        let _infallible = write!(shown, "{value}");
        self.text.push_escaped(shown.as_str(), |c| matches!(c, ',' | '>'));
    }

    /// Adds the argument `name`.
    ///
    /// # Errors
    ///
    /// [`Encode`](ErrorKind::Encode), when its `Serialize` fails or it nests deeper than 127 levels.
    pub fn argument<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<()> {
        self.begin_arguments();
        serializer::write(value, &mut self.text).map_err(|error| {
            let function = self.text.as_str().split(['[', '<', '(']).next().unwrap_or_default();
            Error::new(ErrorKind::Encode, "function").with_message(format!(
                "the argument `{name}` of {function} cannot be part of a key: {error}; skip it, or \
                 write a `key`"
            ))
        })
    }

    /// The whole key.
    #[must_use]
    pub fn end(mut self) -> KeyText {
        if self.part == Part::Arguments {
            self.text.push_str(")");
        } else {
            self.close_types();
            self.text.push_str("()");
        }
        self.text
    }

    fn generic(&mut self) {
        self.text.push(if self.part == Part::Types { ',' } else { '<' });
        self.part = Part::Types;
    }

    fn close_types(&mut self) {
        if self.part == Part::Types {
            self.text.push_str(">");
        }
    }

    fn begin_arguments(&mut self) {
        if self.part == Part::Arguments {
            self.text.push_str(",");
        } else {
            self.close_types();
            self.text.push_str("(");
            self.part = Part::Arguments;
        }
    }
}
