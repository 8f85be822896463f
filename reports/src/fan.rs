//! Hands every event to all consumers, from whichever thread, and sees that a run is finished once.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scrubjay_run::{Consumer, RunEvent};
use scrubjay_run::{ExitStatus, Tally};

/// The reports of one run. Clones share them: one belongs into the hook that a signal calls.
#[derive(Clone)]
pub struct Reports(Arc<Mutex<Inner>>);

struct Inner {
    consumers: Vec<Listener>,
    tally: Tally,
    /// Reports that could not be written, as events.
    failed: Vec<RunEvent>,
    finished: bool,
}

struct Listener {
    consumer: Box<dyn Consumer + Send>,
    /// Of how many failed reports it was told.
    told: usize,
}

impl Listener {
    /// Hands on one event, and before it what failed since the last.
    fn event(&mut self, failed: &[RunEvent], event: &RunEvent) -> io::Result<()> {
        for failure in &failed[self.told..] {
            self.told += 1;
            self.consumer.event(failure)?;
        }
        self.consumer.event(event)
    }
}

impl Inner {
    fn hand_on(&mut self, event: &RunEvent) {
        let Inner { consumers, tally, failed, .. } = self;
        // It counts, and writes nothing that could fail.
        let _ = tally.event(event);
        consumers.retain_mut(|listener| match listener.event(failed, event) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => false,
            Err(error) => {
                let failure = RunEvent::ReportFailed { why: error.to_string() };
                let _ = tally.event(&failure);
                failed.push(failure);
                false
            }
        });
    }
}

impl Reports {
    /// With these consumers. Each is told what became of those before it: the one that says how it all ends
    /// comes last.
    pub fn new(consumers: Vec<Box<dyn Consumer + Send>>) -> Self {
        let consumers = consumers.into_iter().map(|consumer| Listener { consumer, told: 0 }).collect();
        Reports(Arc::new(Mutex::new(Inner {
            consumers,
            tally: Tally::default(),
            failed: Vec::new(),
            finished: false,
        })))
    }

    /// Hands on one event; nothing after the run was finished. A report that cannot be written ends, the
    /// others are told, and the run counts as not tested whole ([`Reports::failures`]). A reader who has
    /// gone away (a closed pipe) is no failure: his report ends, the run goes on.
    pub fn event(&self, event: &RunEvent) {
        let mut inner = self.lock();
        if !inner.finished {
            inner.finished = matches!(event, RunEvent::RunFinished { .. });
            inner.hand_on(event);
        }
    }

    /// Finishes a run that cannot go on, if it is not finished: every report is written and says
    /// so. `status` is how the command then ends.
    pub fn cut(&self, status: ExitStatus) {
        self.event(&RunEvent::RunFinished { cut: Some(status) });
    }

    /// The exit status of what has been handed on so far.
    pub fn exit_status(&self) -> ExitStatus {
        self.lock().tally.exit_status()
    }

    /// Why each report that could not be written was not.
    pub fn failures(&self) -> Vec<String> {
        let why = |event: &RunEvent| match event {
            RunEvent::ReportFailed { why } => Some(why.clone()),
            _ => None,
        };
        self.lock().failed.iter().filter_map(why).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use std::fs::{self, File};

    use scrubjay_host::Signal;
    use scrubjay_samples::{catalogue, clean};

    use super::*;
    use crate::{Bar, Colour, Terminal};

    struct Count(Sender<bool>);

    impl Consumer for Count {
        fn event(&mut self, event: &RunEvent) -> io::Result<()> {
            let _ = self.0.send(matches!(event, RunEvent::RunFinished { .. }));
            Ok(())
        }
    }

    struct Failing(io::ErrorKind);

    impl Consumer for Failing {
        fn event(&mut self, _: &RunEvent) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    fn note() -> RunEvent {
        RunEvent::Note { text: "n".into() }
    }

    #[test]
    fn a_run_is_finished_once() {
        let (tx, rx) = channel();
        let reports = Reports::new(vec![Box::new(Count(tx))]);
        let hook = reports.clone();
        reports.event(&note());
        hook.cut(ExitStatus::Interrupted(Signal::SIGINT));
        reports.event(&RunEvent::RunFinished { cut: None });
        reports.event(&note());
        assert_eq!(rx.try_iter().collect::<Vec<_>>(), [false, true]);
        assert_eq!(reports.exit_status(), ExitStatus::Interrupted(Signal::SIGINT));
    }

    #[test]
    fn a_reader_who_went_away_ends_his_report_only() {
        let (tx, rx) = channel();
        let pipe = Failing(io::ErrorKind::BrokenPipe);
        let reports = Reports::new(vec![Box::new(pipe), Box::new(Count(tx))]);
        reports.event(&note());
        reports.event(&note());
        assert_eq!(rx.try_iter().count(), 2);
    }

    #[test]
    fn a_report_that_cannot_be_written_costs_no_other_report_and_makes_no_pass() {
        let (tx, rx) = channel();
        let full = Failing(io::ErrorKind::StorageFull);
        let reports = Reports::new(vec![Box::new(full), Box::new(Count(tx))]);
        reports.event(&note());
        reports.event(&RunEvent::RunFinished { cut: None });
        // The failure, the note, the end.
        assert_eq!(rx.try_iter().collect::<Vec<_>>(), [false, false, true]);
        assert_eq!(reports.exit_status(), ExitStatus::Untested);
        assert_eq!(reports.failures().len(), 1);
    }

    /// Fails at the end, as a document on a full disk does.
    struct FailingAtTheEnd;

    impl Consumer for FailingAtTheEnd {
        fn event(&mut self, event: &RunEvent) -> io::Result<()> {
            match event {
                RunEvent::RunFinished { .. } => Err(io::ErrorKind::StorageFull.into()),
                _ => Ok(()),
            }
        }
    }

    #[test]
    fn a_text_never_says_that_all_is_well_when_the_report_before_it_was_lost() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("text");
        let text = Terminal::new(File::create(&path).unwrap(), Colour::Never, catalogue(), Bar::hidden());
        let reports = Reports::new(vec![Box::new(FailingAtTheEnd), Box::new(text)]);
        for event in clean() {
            reports.event(&event);
        }
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("a report could not be written: ") && text.contains("exit status 3"), "{text}");
        assert!(!text.contains("exit status 0"), "{text}");
    }
}
