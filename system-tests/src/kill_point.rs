use std::fmt;
use std::str::FromStr;

/// What a relay does with changes, as its ports see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Reads some from the feed.
    Read,
    /// Publishes what was read.
    Publish,
    /// Acknowledges to the feed what was published.
    Acknowledge,
}

/// Where in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// When nothing of it is done.
    Before,
    /// When it was polled so often and has not returned yet, or when it returns.
    During(u32),
    /// When half of the changes are done. (Nothing is read by halves.)
    Halfway,
    /// When all of it is done, and nobody knows yet.
    After,
}

/// Where a relay is to die. Its text, such as `publish during-3 5`, can be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KillPoint {
    /// In which step.
    pub step: Step,
    /// Where in it.
    pub moment: Moment,
    /// How many steps of the kind were begun before. What fails, or is read and is nothing, does not count.
    pub begun_before: u32,
}

impl fmt::Display for KillPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = match self.step {
            Step::Read => "read",
            Step::Publish => "publish",
            Step::Acknowledge => "acknowledge",
        };
        let moment = match self.moment {
            Moment::Before => "before".to_owned(),
            Moment::During(polls) => format!("during-{polls}"),
            Moment::Halfway => "halfway".to_owned(),
            Moment::After => "after".to_owned(),
        };
        write!(f, "{step} {moment} {}", self.begun_before)
    }
}

impl FromStr for KillPoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let mut words = text.split(' ');
            let step = match words.next()? {
                "read" => Step::Read,
                "publish" => Step::Publish,
                "acknowledge" => Step::Acknowledge,
                _ => return None,
            };
            let moment = match words.next()? {
                "before" => Moment::Before,
                "halfway" => Moment::Halfway,
                "after" => Moment::After,
                during => Moment::During(during.strip_prefix("during-")?.parse().ok()?),
            };
            let begun_before = words.next()?.parse().ok()?;
            words.next().is_none().then_some(Self { step, moment, begun_before })
        };
        parse().ok_or_else(|| format!("{text:?} is no point to die at"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_read_as_it_is_written() {
        for step in [Step::Read, Step::Publish, Step::Acknowledge] {
            for moment in [Moment::Before, Moment::During(3), Moment::Halfway, Moment::After] {
                let point = KillPoint { step, moment, begun_before: 5 };
                assert_eq!(point.to_string().parse(), Ok(point));
            }
        }
        for wrong in ["", "read", "read before", "write before 5", "read during 5", "read before 5 6"] {
            wrong.parse::<KillPoint>().expect_err(wrong);
        }
    }
}
