use super::evaluate::StatusFunction;

/// A function as the language knows it.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: &'static str,
    least: usize,
    most: usize,
    pub(super) role: Role,
}

/// What a function is, by the way it is worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    And,
    Or,
    Counter,
    Status(StatusFunction),
    /// All arguments are worked out first.
    Plain(Plain),
}

/// Functions of nothing but their arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    Not,
    Xor,
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    In,
    NotIn,
    Contains,
    ContainsValue,
    StartsWith,
    EndsWith,
    Coalesce,
    Iif,
    Format,
    Join,
    Split,
    Replace,
    Lower,
    Upper,
    Trim,
    Length,
    ConvertToJson,
}

const fn plain(name: &'static str, least: usize, most: usize, role: Plain) -> Function {
    Function {
        name,
        least,
        most,
        role: Role::Plain(role),
    }
}

const fn status(name: &'static str, most: usize, role: StatusFunction) -> Function {
    Function {
        name,
        least: 0,
        most,
        role: Role::Status(role),
    }
}

const ANY: usize = usize::MAX;

static FUNCTIONS: [Function; 33] = [
    Function {
        name: "and",
        least: 2,
        most: ANY,
        role: Role::And,
    },
    Function {
        name: "or",
        least: 2,
        most: ANY,
        role: Role::Or,
    },
    Function {
        name: "counter",
        least: 0,
        most: 2,
        role: Role::Counter,
    },
    plain("not", 1, 1, Plain::Not),
    plain("xor", 2, 2, Plain::Xor),
    plain("eq", 2, 2, Plain::Equal),
    plain("ne", 2, 2, Plain::NotEqual),
    plain("gt", 2, 2, Plain::Greater),
    plain("ge", 2, 2, Plain::GreaterOrEqual),
    plain("lt", 2, 2, Plain::Less),
    plain("le", 2, 2, Plain::LessOrEqual),
    plain("in", 1, ANY, Plain::In),
    plain("notIn", 1, ANY, Plain::NotIn),
    plain("contains", 2, 2, Plain::Contains),
    plain("containsValue", 2, 2, Plain::ContainsValue),
    plain("startsWith", 2, 2, Plain::StartsWith),
    plain("endsWith", 2, 2, Plain::EndsWith),
    plain("coalesce", 2, ANY, Plain::Coalesce),
    plain("iif", 3, 3, Plain::Iif),
    plain("format", 1, ANY, Plain::Format),
    plain("join", 2, 2, Plain::Join),
    plain("split", 2, 2, Plain::Split),
    plain("replace", 3, 3, Plain::Replace),
    plain("lower", 1, 1, Plain::Lower),
    plain("upper", 1, 1, Plain::Upper),
    plain("trim", 1, 1, Plain::Trim),
    plain("length", 1, 1, Plain::Length),
    plain("convertToJson", 1, 1, Plain::ConvertToJson),
    status("always", 0, StatusFunction::Always),
    status("canceled", 0, StatusFunction::Canceled),
    status("failed", ANY, StatusFunction::Failed),
    status("succeeded", ANY, StatusFunction::Succeeded),
    status("succeededOrFailed", ANY, StatusFunction::SucceededOrFailed),
];

/// The function of this name, without regard to case.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS
        .iter()
        .find(|function| function.name.eq_ignore_ascii_case(name))
}

/// All names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|function| function.name)
}

impl Function {
    pub(super) fn takes(&self, count: usize) -> bool {
        (self.least..=self.most).contains(&count)
    }

    /// How many arguments it takes, in words.
    pub(super) fn arity(&self) -> String {
        match (self.least, self.most) {
            (0, 0) => "no arguments".to_owned(),
            (1, 1) => "1 argument".to_owned(),
            (least, most) if least == most => format!("{least} arguments"),
            (least, ANY) => format!("at least {least} argument{}", if least == 1 { "" } else { "s" }),
            (least, most) => format!("{least} to {most} arguments"),
        }
    }
}
