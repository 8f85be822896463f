//! A search along a line of eight kernels, of which some are 7.1 and the others the default.

use libtest_mimic::{Arguments, Failed, Trial};
use scrubjay_check::Target;
use scrubjay_check::bisect::{self, Built, Line, Nothing, Search};
use scrubjay_kernels::{Found, Mark, Standing};
use scrubjay_suites::bench::Bench;
use scrubjay_suites::matrix;

const OLDER: &str = "7.1";
/// The later of the two refuses what the older one answers.
const SESSION: &str = "get-count-beyond-out-len";

fn main() {
    let arguments = Arguments::from_args();
    let is_here = matrix::member(OLDER).is_ok_and(|older| older.is_here());
    let trial = |name: &str, body: fn() -> anyhow::Result<()>| {
        let trial = Trial::test(name, move || body().map_err(|e| Failed::from(format!("{e:#}"))));
        trial.with_ignored_flag(!is_here)
    };
    let trials = vec![
        trial("the_first_kernel_that_gives_something_else_is_found", the_first),
        trial("beside_a_kernel_that_does_not_build_or_boot_no_single_one_is_named", beside_a_gap),
        trial("ends_that_give_the_same_are_no_line", alike),
        trial("a_finding_is_found_by_its_fingerprint", by_fingerprint),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

/// What stands at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Older,
    Later,
    DoesNotBuild,
    DoesNotBoot,
}

/// Places `0` to `7`, asked from the first to the last.
struct Eight {
    kinds: [Kind; 8],
    older: Target,
    later: Target,
    marks: Vec<(usize, Mark)>,
}

impl Eight {
    fn new(bench: &Bench, kinds: [Kind; 8]) -> anyhow::Result<Self> {
        let member = matrix::member(OLDER)?;
        let older = Target::new(&member.manifest, &member.image()?);
        Ok(Self { kinds, older, later: bench.target().clone(), marks: Vec::new() })
    }
}

impl Line for Eight {
    type Error = anyhow::Error;

    fn good(&self) -> &str {
        "0"
    }

    fn bad(&self) -> &str {
        "7"
    }

    fn standing(&self) -> anyhow::Result<Standing> {
        let at = self.marks.len() + 1;
        if at < 7 {
            return Ok(Standing::Next(at.to_string()));
        }
        let of = |wanted: Mark| self.marks.iter().filter(move |(_, mark)| *mark == wanted).map(|(at, _)| *at);
        let first = of(Mark::Bad).min().unwrap_or(7);
        let from = of(Mark::Good).max().map_or(1, |last| last + 1);
        Ok(match first - from {
            0 => Standing::Ended(Found::First(first.to_string())),
            _ => Standing::Ended(Found::Among((from..=first).map(|at| at.to_string()).collect())),
        })
    }

    fn mark(&mut self, place: &str, mark: Mark) -> anyhow::Result<()> {
        self.marks.push((place.parse()?, mark));
        Ok(())
    }

    fn build(&mut self, place: &str) -> anyhow::Result<Built> {
        let target = match self.kinds[place.parse::<usize>()?] {
            Kind::Older => self.older.clone(),
            Kind::Later => self.later.clone(),
            Kind::DoesNotBuild => return Ok(Built::Not("make refused".to_owned())),
            Kind::DoesNotBoot => {
                let mut target = self.later.clone();
                target.kernel.image = matrix::root().join("Cargo.toml");
                target
            }
        };
        Ok(Built::Target(Box::new(target)))
    }

    fn told(&self, place: &str) -> String {
        place.to_owned()
    }
}

/// What a search finds among these, and what it says on its way.
fn search(kinds: [Kind; 8], finding: Option<&str>) -> anyhow::Result<(Result<Found, Nothing>, Vec<String>)> {
    let bench = Bench::of_the_default()?;
    let mut line = Eight::new(&bench, kinds)?;
    let (lab, library) = (bench.lab(), bench.library());
    let sessions: Vec<_> = library.sessions.iter().filter(|session| session.id == SESSION).collect();
    let search = Search { library, lab: &lab, sessions: &sessions, finding };
    let mut said = Vec::new();
    let compared = bisect::ends(&mut line)?
        .and_then(|targets| search.compare(&line, &targets, &mut |text| said.push(text)));
    let mut ends = match compared {
        Ok(ends) => ends,
        Err(nothing) => return Ok((Err(nothing), said)),
    };
    assert_eq!(ends.finding().rule, "framing-tightened");
    let found = search.search(&mut line, &mut ends, &mut |text| said.push(text))?;
    Ok((Ok(found), said))
}

fn the_first() -> anyhow::Result<()> {
    let mut kinds = [Kind::Older; 8];
    kinds[5..].fill(Kind::Later);
    let (found, said) = search(kinds, None)?;
    assert_eq!(found, Ok(Found::First("5".to_owned())), "{said:?}");
    assert_eq!(said[0], "7: has it, seen in 10 of 10 runs: framing-tightened");
    assert_eq!(said[1..3], ["0: does not have it, 3 runs", "good  1: does not have it, 3 runs"]);
    assert_eq!(said[6], "bad   5: has it, seen in 2 of 2 runs");
    Ok(())
}

fn beside_a_gap() -> anyhow::Result<()> {
    let mut kinds = [Kind::Older; 8];
    kinds[3..].fill(Kind::Later);
    (kinds[2], kinds[1]) = (Kind::DoesNotBuild, Kind::DoesNotBoot);
    let (found, said) = search(kinds, None)?;
    let among = ["1", "2", "3"].map(str::to_owned).to_vec();
    assert_eq!(found, Ok(Found::Among(among)), "{said:?}");
    assert!(said[2].starts_with("skip  1: not tested: "), "{said:?}");
    assert_eq!(said[3], "skip  2: not tested: make refused");
    Ok(())
}

fn alike() -> anyhow::Result<()> {
    let (found, _) = search([Kind::Later; 8], None)?;
    assert_eq!(
        found,
        Err(Nothing::Alike("7 gives what 0 gives in session get-count-beyond-out-len, 10 runs".to_owned()))
    );
    Ok(())
}

fn by_fingerprint() -> anyhow::Result<()> {
    let mut kinds = [Kind::Older; 8];
    kinds[7] = Kind::Later;
    let (found, said) = search(kinds, Some("c350929870658f0f"))?;
    assert_eq!(found, Ok(Found::First("7".to_owned())), "{said:?}");
    let (found, _) = search(kinds, Some("0123456789abcdef"))?;
    assert_eq!(
        found,
        Err(Nothing::Alike(
            "7 does not show the finding 0123456789abcdef in session get-count-beyond-out-len, 10 runs"
                .to_owned()
        ))
    );
    Ok(())
}
