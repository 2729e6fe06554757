//! What became of the logins, and which goals are missed.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use serde::Serialize;

use crate::{
    figures::{count, millis},
    machine::{Machine, Used},
    record::{Summary, Times},
    report::OfFunction,
};

use super::{
    plan::{Cast, Who},
    response::Answer,
};

/// Guesses of a network at one account that may reach the check of the password: the limit `sign_in`, in the two windows that a
/// short run may meet.
const MOST_GUESSES: u64 = 2 * domain::limits::SIGN_IN.requests as u64;

/// Report of a run.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) at: String,
    pub(crate) revision: String,
    pub(crate) command: String,
    pub(crate) seed: u64,
    pub(crate) functions_built: &'static str,
    pub(crate) machine: Machine,
    pub(crate) seconds: i64,
    /// Time from the start of the run to the last answer.
    pub(crate) last_answer_seconds: f64,
    pub(crate) kinds: Vec<Kind>,
    /// Answers to all owners, who signed in once after the attack.
    pub(crate) after: BTreeMap<String, u64>,
    pub(crate) cpu_seconds: Option<Used>,
    pub(crate) functions: Vec<OfFunction>,
    /// Errors that the functions logged.
    pub(crate) log: Vec<String>,
    /// Goals that were missed.
    pub(crate) findings: Vec<String>,
}

/// Logins of one kind of caller.
#[derive(Serialize)]
pub(crate) struct Kind {
    pub(crate) kind: &'static str,
    pub(crate) logins: u64,
    /// Number of answers by status.
    pub(crate) answers: BTreeMap<String, u64>,
    /// From the planned start.
    pub(crate) latency_ms: Summary,
}

/// Records of all logins so far.
#[derive(Clone, Default)]
pub(crate) struct Tally {
    /// Answers by caller.
    answers: BTreeMap<Who, BTreeMap<String, u64>>,
    times: BTreeMap<&'static str, Times>,
}

impl Tally {
    /// Records a login.
    pub(crate) fn note(&mut self, who: Who, latency: Duration, answer: &Answer) {
        let answers = self.answers.entry(who).or_default();
        *answers.entry(answer.name()).or_default() += 1;
        let times = self.times.entry(kind(who)).or_insert_with(Times::new);
        times.add(latency);
    }

    /// The logins by kind of caller.
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        let kinds = self.times.iter().map(|(name, times)| Kind {
            kind: name,
            logins: times.count(),
            answers: self.of(name),
            latency_ms: times.summary(),
        });
        kinds.collect()
    }

    /// Answers to a kind of caller.
    fn of(&self, name: &str) -> BTreeMap<String, u64> {
        let mut sum: BTreeMap<String, u64> = BTreeMap::new();
        for (who, answers) in &self.answers {
            if kind(*who) == name {
                for (answer, number) in answers {
                    *sum.entry(answer.clone()).or_default() += number;
                }
            }
        }
        sum
    }

    fn number(&self, who: Who, answer: &str) -> u64 {
        let answers = self.answers.get(&who);
        let number = answers.and_then(|answers| answers.get(answer));
        number.copied().unwrap_or_default()
    }
}

fn kind(who: Who) -> &'static str {
    match who {
        Who::Owner(_) => "owners",
        Who::TargetsOwner => "the target's owner",
        Who::Guesser => "guesses at the target",
        Who::Sprayer { .. } => "guesses at many addresses",
    }
}

/// Answers counted by status.
pub(crate) fn statuses<'a>(answers: impl Iterator<Item = &'a Answer>) -> BTreeMap<String, u64> {
    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    for answer in answers {
        *counted.entry(answer.name()).or_default() += 1;
    }
    counted
}

/// The goals that were missed.
pub(crate) fn findings(tally: &Tally, after: &BTreeMap<Who, Answer>, cast: &Cast) -> Vec<String> {
    let mut findings = Vec::new();
    for (who, answers) in &tally.answers {
        let allowed: &[&str] = match who {
            Who::Owner(_) | Who::TargetsOwner => &["200", "503"],
            Who::Guesser | Who::Sprayer { .. } => &["401", "429", "503"],
        };
        let others = answers
            .iter()
            .filter(|(answer, _)| !allowed.contains(&answer.as_str()));
        for (answer, number) in others {
            let meaning = match (answer.as_str(), who) {
                ("none", _) => ": nobody may wait in vain",
                ("429", _) => ": locked out by others",
                ("200", _) => ": a guess was right",
                _ => "",
            };
            findings.push(format!("{who:?}: {number} times {answer}{meaning}"));
        }
    }
    let owners = (0..cast.owners).map(Who::Owner);
    for who in owners.chain([Who::TargetsOwner]) {
        if tally.number(who, "200") == 0 {
            findings.push(format!("{who:?}: did not get in during the attack"));
        }
        match after.get(&who) {
            Some(Answer::SignedIn) => {}
            Some(answer) => findings.push(format!("{who:?}: got {} after it", answer.name())),
            None => findings.push(format!("{who:?}: was not asked after it")),
        }
    }
    let guesses = tally.number(Who::Guesser, "401");
    if guesses > MOST_GUESSES {
        findings.push(format!(
            "{guesses} guesses at the target were looked at, and not at most {MOST_GUESSES}: the limit does not apply"
        ));
    }
    findings
}

/// The report for a terminal.
pub(crate) fn text(report: &Report) -> String {
    let mut text = format!(
        "\n{:<28} {:>8} {:>8} {:>8} {:>8}  answers\n",
        "ms from the planned start", "logins", "p50", "p99", "max"
    );
    for kind in &report.kinds {
        let times = kind.latency_ms;
        let _ = writeln!(
            text,
            "{:<28} {:>8} {:>8} {:>8} {:>8}  {}",
            kind.kind,
            count(kind.logins),
            millis(times.p50),
            millis(times.p99),
            millis(times.max),
            listed(&kind.answers)
        );
    }
    let _ = writeln!(text, "owners after the attack: {}", listed(&report.after));
    let _ = writeln!(
        text,
        "the last answer came {:.1} s after the start",
        report.last_answer_seconds
    );
    if let Some(used) = report.cpu_seconds {
        let _ = writeln!(
            text,
            "CPU: {:.1} s functions, {:.1} s gateway and emulators, {:.1} s generator, {:.1} s other programs",
            used.functions, used.emulators, used.generator, used.others
        );
    }
    for line in &report.log {
        let _ = writeln!(text, "logged: {line}");
    }
    for finding in &report.findings {
        let _ = writeln!(text, "missed: {finding}");
    }
    text
}

fn listed(answers: &BTreeMap<String, u64>) -> String {
    let each = answers
        .iter()
        .map(|(answer, number)| format!("{} × {answer}", count(number)));
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAST: Cast = Cast {
        owners: 1,
        guesses: 30,
        sprayed: 1,
    };

    fn fine() -> Tally {
        let mut tally = Tally::default();
        let mut note = |who, answer| tally.note(who, Duration::from_millis(50), &answer);
        note(Who::Owner(0), Answer::SignedIn);
        note(Who::Owner(0), Answer::Busy(1));
        note(Who::TargetsOwner, Answer::SignedIn);
        note(Who::Sprayer { network: 0 }, Answer::Refused);
        for _ in 0..10 {
            note(Who::Guesser, Answer::Refused);
            note(Who::Guesser, Answer::Limited(900));
        }
        tally
    }

    fn in_again() -> BTreeMap<Who, Answer> {
        let owners = [Who::Owner(0), Who::TargetsOwner];
        owners.map(|who| (who, Answer::SignedIn)).into()
    }

    #[test]
    fn an_attack_that_harms_nobody_has_no_findings() {
        let tally = fine();
        assert_eq!(findings(&tally, &in_again(), &CAST), Vec::<String>::new());
        let kinds = tally.kinds();
        assert_eq!(kinds.len(), 4);
        assert_eq!(kinds.iter().map(|kind| kind.logins).sum::<u64>(), 24);
        let guesses = tally.of("guesses at the target");
        assert_eq!(listed(&guesses), "10 × 401, 10 × 429");
    }

    #[test]
    fn each_missed_goal_is_found() {
        let cases = [
            (Who::Owner(0), Answer::Limited(9), "locked out"),
            (Who::TargetsOwner, Answer::Refused, "401"),
            (Who::Guesser, Answer::None, "in vain"),
            (Who::Guesser, Answer::SignedIn, "was right"),
            (Who::Guesser, Answer::Wrong("500".to_owned()), "500"),
        ];
        for (who, answer, what) in cases {
            let mut tally = fine();
            tally.note(who, Duration::ZERO, &answer);
            let found = findings(&tally, &in_again(), &CAST);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(what), "{found:?}");
        }
        let mut after = in_again();
        after.insert(Who::TargetsOwner, Answer::Limited(1));
        assert!(findings(&fine(), &after, &CAST)[0].contains("429 after it"));
        after.remove(&Who::TargetsOwner);
        assert!(findings(&fine(), &after, &CAST)[0].contains("not asked"));
        let nobody = findings(&Tally::default(), &in_again(), &CAST);
        assert_eq!(nobody.len(), 2, "{nobody:?}");
        let mut guessed = fine();
        for _ in 0..20 {
            guessed.note(Who::Guesser, Duration::ZERO, &Answer::Refused);
        }
        assert!(findings(&guessed, &in_again(), &CAST)[0].contains("30 guesses"));
    }
}
