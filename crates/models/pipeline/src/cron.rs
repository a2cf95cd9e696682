//! The five fields of `schedules[].cron`: when such a schedule is next due. Times are UTC, as upstream's.

use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

/// What the five fields are, in order.
const FIELDS: [Field; 5] = [
    Field {
        what: "minute",
        from: 0,
        to: 59,
        names: &[],
    },
    Field {
        what: "hour",
        from: 0,
        to: 23,
        names: &[],
    },
    Field {
        what: "day of the month",
        from: 1,
        to: 31,
        names: &[],
    },
    Field {
        what: "month",
        from: 1,
        to: 12,
        names: &MONTHS,
    },
    Field {
        what: "day of the week",
        from: 0,
        to: 6,
        names: &DAYS,
    },
];

/// Days to look ahead: over the longest gap between two 29ths of February.
const HORIZON: usize = 9 * 366;

struct Field {
    what: &'static str,
    from: u8,
    to: u8,
    /// Full names, lower case; their first three letters mean the same.
    names: &'static [&'static str],
}

/// A schedule that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    /// One bit for each value.
    fields: [u64; 5],
    /// Whether day of the month and day of the week are both restricted: then either is enough.
    either_day: bool,
    notes: Vec<CronError>,
}

/// What is wrong with a schedule, or what its author may not expect of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CronError {
    /// In words, without the place.
    pub message: String,
    /// Which bytes of the text.
    pub range: Range<usize>,
    /// The field's name; empty for the whole.
    pub field: &'static str,
}

impl Cron {
    /// Understands a text of five fields.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let words: Vec<(usize, &str)> = text
            .split_ascii_whitespace()
            .map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
            .collect();
        if words.len() != FIELDS.len() {
            return Err(CronError {
                message: format!("`{text}` has {} fields, a schedule has five", words.len()),
                range: 0..text.len(),
                field: "",
            });
        }
        let mut cron = Self {
            fields: [0; 5],
            either_day: false,
            notes: Vec::new(),
        };
        for (index, ((start, word), field)) in words.iter().zip(&FIELDS).enumerate() {
            cron.fields[index] = field.parse(word, *start, &mut cron.notes)?;
        }
        let restricted = |index: usize| !words.get(index).is_some_and(|(_, word)| word.starts_with('*'));
        cron.either_day = restricted(2) && restricted(4);
        Ok(cron)
    }

    /// What its author may not expect.
    #[must_use]
    pub fn notes(&self) -> &[CronError] {
        &self.notes
    }

    /// Whether it names both days of the month and days of the week, of which either is enough.
    #[must_use]
    pub fn is_due_on_either_day(&self) -> bool {
        self.either_day
    }

    /// The first time after this one at which it is due; `None` when there is none, such as for the 31st of February.
    #[must_use]
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let after = after.to_zoned(TimeZone::UTC).datetime();
        let mut date = after.date();
        for ahead in 0..HORIZON {
            if self.has_day(date)
                && let Some(time) = self.first_time(if ahead == 0 { Some(after.time()) } else { None })
            {
                let found = DateTime::from_parts(date, time).to_zoned(TimeZone::UTC).ok()?;
                return Some(found.timestamp());
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn has(&self, field: usize, value: i8) -> bool {
        u8::try_from(value).is_ok_and(|value| self.fields[field] & (1 << value) != 0)
    }

    fn has_day(&self, date: Date) -> bool {
        let of_month = self.has(2, date.day());
        let of_week = self.has(4, date.weekday().to_sunday_zero_offset());
        let day = if self.either_day {
            of_month || of_week
        } else {
            of_month && of_week
        };
        day && self.has(3, date.month())
    }

    /// The first minute of a day, after a time of it.
    fn first_time(&self, after: Option<Time>) -> Option<Time> {
        let times = (0..24).flat_map(|hour| (0..60).map(move |minute| (hour, minute)));
        let mut fitting = times.filter(|(hour, minute)| self.has(1, *hour) && self.has(0, *minute));
        let late_enough =
            |hour: i8, minute: i8| after.is_none_or(|after| (hour, minute) > (after.hour(), after.minute()));
        let (hour, minute) = fitting.find(|(hour, minute)| late_enough(*hour, *minute))?;
        Time::new(hour, minute, 0, 0).ok()
    }
}

impl Field {
    fn parse(&self, word: &str, start: usize, notes: &mut Vec<CronError>) -> Result<u64, CronError> {
        let mut bits = 0;
        let mut at = start;
        for item in word.split(',') {
            bits |= self.item(item, at, notes)?;
            at += item.len() + 1;
        }
        Ok(bits)
    }

    /// `*`, `5`, `1-5`, each with `/2` behind it.
    fn item(&self, item: &str, start: usize, notes: &mut Vec<CronError>) -> Result<u64, CronError> {
        let range = start..start + item.len();
        let (values, step) = match item.split_once('/') {
            Some((values, step)) => (values, Some(step)),
            None => (item, None),
        };
        let every = match step {
            None => 1,
            Some(step) => step
                .parse::<u8>()
                .ok()
                .filter(|step| *step > 0)
                .ok_or_else(|| self.wrong(&format!("`{step}` is not a step"), &range))?,
        };
        let (from, to) = if values == "*" {
            (self.from, self.to)
        } else if let Some((first, last)) = values.split_once('-') {
            let (first, last) = (self.value(first, &range)?, self.value(last, &range)?);
            if first > last {
                notes.push(self.wrong(
                    &format!("`{values}` runs backwards and means {last}-{first}"),
                    &range,
                ));
            }
            // As upstream: `Mon-Sun` is Sunday and Monday.
            (first.min(last), first.max(last))
        } else {
            let value = self.value(values, &range)?;
            // `5/15` goes on to the end.
            (value, if step.is_some() { self.to } else { value })
        };
        let values = (from..=to).step_by(usize::from(every));
        Ok(values.fold(0, |bits, value| bits | 1 << value))
    }

    fn value(&self, text: &str, range: &Range<usize>) -> Result<u8, CronError> {
        let wrong = || {
            let names = match self.names {
                [] => String::new(),
                [first, ..] => format!(", or a name such as {}", &first[..3]),
            };
            let message = format!("`{text}` is none of {} to {}{names}", self.from, self.to);
            self.wrong(&message, range)
        };
        let lower = text.to_ascii_lowercase();
        let named = self
            .names
            .iter()
            .position(|name| *name == lower || name[..3] == lower);
        if let Some(position) = named {
            return u8::try_from(position)
                .map(|it| it + self.from)
                .map_err(|_| wrong());
        }
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let value = text.parse::<u8>().ok().filter(|_| digits);
        value
            .filter(|value| (self.from..=self.to).contains(value))
            .ok_or_else(wrong)
    }

    fn wrong(&self, message: &str, range: &Range<usize>) -> CronError {
        CronError {
            message: format!("{}: {message}", self.what),
            range: range.clone(),
            field: self.what,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The next three times, in minutes.
    fn check(cron: &str, after: &str, expected: &[&str]) {
        let cron_read = Cron::parse(cron).unwrap();
        let mut at: Timestamp = after.parse().unwrap();
        for expected in expected {
            at = cron_read.next(at).unwrap();
            assert_eq!(at.strftime("%Y-%m-%d %a %H:%M").to_string(), *expected, "{cron}");
        }
    }

    #[test]
    fn when_it_is_next_due() {
        let noon = "2026-11-22T12:00:00Z"; // a Sunday
        check(
            "0 0 * * *",
            noon,
            &["2026-11-23 Mon 00:00", "2026-11-24 Tue 00:00"],
        );
        check("0 12 * * *", noon, &["2026-11-23 Mon 12:00"]);
        check("0 12 * * *", "2026-11-22T11:59:59Z", &["2026-11-22 Sun 12:00"]);
        check(
            "*/20 * * * *",
            noon,
            &[
                "2026-11-22 Sun 12:20",
                "2026-11-22 Sun 12:40",
                "2026-11-22 Sun 13:00",
            ],
        );
        check(
            "5/30 9-10 * * *",
            noon,
            &[
                "2026-11-23 Mon 09:05",
                "2026-11-23 Mon 09:35",
                "2026-11-23 Mon 10:05",
            ],
        );
        for wednesdays in [
            "0 18 * * Mon,Wed,Fri",
            "0 18 * * 1,3,5",
            "0 18 * * 1-5/2",
            "0 18 * * monday,WEDNESDAY,fri",
        ] {
            check(
                wednesdays,
                noon,
                &[
                    "2026-11-23 Mon 18:00",
                    "2026-11-25 Wed 18:00",
                    "2026-11-27 Fri 18:00",
                ],
            );
        }
        for hours in ["0 0,6,12,18 * * *", "0 */6 * * *", "0 0-18/6 * * *"] {
            check(
                hours,
                noon,
                &[
                    "2026-11-22 Sun 18:00",
                    "2026-11-23 Mon 00:00",
                    "2026-11-23 Mon 06:00",
                ],
            );
        }
        check(
            "0 6 1 * *",
            noon,
            &["2026-12-01 Tue 06:00", "2027-01-01 Fri 06:00"],
        );
        check(
            "0 0 1 Jan,jul *",
            noon,
            &["2027-01-01 Fri 00:00", "2027-07-01 Thu 00:00"],
        );
        check(
            "0 0 29 2 *",
            noon,
            &["2028-02-29 Tue 00:00", "2032-02-29 Sun 00:00"],
        );
        check(
            "0 0 31 * *",
            noon,
            &[
                "2026-12-31 Thu 00:00",
                "2027-01-31 Sun 00:00",
                "2027-03-31 Wed 00:00",
            ],
        );
        assert_eq!(
            Cron::parse("0 0 31 2 *").unwrap().next(noon.parse().unwrap()),
            None
        );
    }

    #[test]
    fn of_days_of_the_month_and_of_the_week_either_is_enough() {
        let noon = "2026-11-22T12:00:00Z";
        check(
            "0 0 24 * Fri",
            noon,
            &[
                "2026-11-24 Tue 00:00",
                "2026-11-27 Fri 00:00",
                "2026-12-04 Fri 00:00",
            ],
        );
        // A field that begins with a star does not restrict.
        check(
            "0 0 */2 * Mon",
            noon,
            &["2026-11-23 Mon 00:00", "2026-12-07 Mon 00:00"],
        );
        assert!(Cron::parse("0 0 1 * 1").unwrap().is_due_on_either_day());
        assert!(!Cron::parse("0 0 1 * *").unwrap().is_due_on_either_day());
    }

    #[test]
    fn a_range_that_runs_backwards_is_turned_around() {
        let cron = Cron::parse("0 5 * * Mon-Sun").unwrap();
        assert_eq!(
            cron.notes()[0].message,
            "day of the week: `Mon-Sun` runs backwards and means 0-1"
        );
        check(
            "0 5 * * Mon-Sun",
            "2026-11-22T12:00:00Z",
            &["2026-11-23 Mon 05:00", "2026-11-29 Sun 05:00"],
        );
        check(
            "0 5 * * Sun-Sat",
            "2026-11-22T12:00:00Z",
            &["2026-11-23 Mon 05:00", "2026-11-24 Tue 05:00"],
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_its_field() {
        for (text, expected, piece) in [
            (
                "0 3 * *",
                "`0 3 * *` has 4 fields, a schedule has five",
                "0 3 * *",
            ),
            ("60 3 * * *", "minute: `60` is none of 0 to 59", "60"),
            ("0 24 * * *", "hour: `24` is none of 0 to 23", "24"),
            ("0 3 0 * *", "day of the month: `0` is none of 1 to 31", "0"),
            (
                "0 3 * Smarch *",
                "month: `Smarch` is none of 1 to 12, or a name such as jan",
                "Smarch",
            ),
            (
                "0 3 * * 1,7",
                "day of the week: `7` is none of 0 to 6, or a name such as sun",
                "7",
            ),
            ("*/0 3 * * *", "minute: `0` is not a step", "*/0"),
            ("*/x 3 * * *", "minute: `x` is not a step", "*/x"),
            ("1- 3 * * *", "minute: `` is none of 0 to 59", "1-"),
            ("+1 3 * * *", "minute: `+1` is none of 0 to 59", "+1"),
            ("0 3 ? * *", "day of the month: `?` is none of 1 to 31", "?"),
        ] {
            let error = Cron::parse(text).unwrap_err();
            assert_eq!(error.message, expected, "{text}");
            assert_eq!(&text[error.range], piece, "{text}");
        }
    }
}
