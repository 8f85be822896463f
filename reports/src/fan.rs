//! Hands every event to all consumers, from whichever thread, and sees that a run is finished once.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scrubjay_run::{Consumer, RunEvent};
use scrubjay_run::{ExitStatus, Tally};

/// The reports of one run. Clones share them: one belongs into the hook that a signal calls.
#[derive(Clone)]
pub struct Reports(Arc<Mutex<Inner>>);

struct Inner {
    consumers: Vec<Box<dyn Consumer + Send>>,
    tally: Tally,
    finished: bool,
}

impl Reports {
    /// With these consumers.
    pub fn new(consumers: Vec<Box<dyn Consumer + Send>>) -> Self {
        Reports(Arc::new(Mutex::new(Inner { consumers, tally: Tally::default(), finished: false })))
    }

    /// Hands on one event; nothing after the run was finished.
    ///
    /// # Errors
    /// The first report that cannot be written; the others have the event all the same. A reader
    /// who has gone away (a closed pipe) is no error: its report ends, the run goes on.
    pub fn event(&self, event: &RunEvent) -> io::Result<()> {
        let mut inner = self.lock();
        if inner.finished {
            return Ok(());
        }
        inner.finished = matches!(event, RunEvent::RunFinished { .. });
        inner.tally.event(event)?;
        let mut failed = None;
        inner.consumers.retain_mut(|consumer| match consumer.event(event) {
            Ok(()) => true,
            Err(error) => {
                if error.kind() != io::ErrorKind::BrokenPipe {
                    failed.get_or_insert(error);
                }
                false
            }
        });
        failed.map_or(Ok(()), Err)
    }

    /// Finishes a run that cannot go on, if it is not finished: every report is written and says
    /// so. `status` is how the command then ends.
    pub fn cut(&self, status: ExitStatus) {
        // Who ends a run in its middle has something more important to say than this.
        let _ = self.event(&RunEvent::RunFinished { cut: Some(status) });
    }

    /// The exit status of what has been handed on so far.
    pub fn exit_status(&self) -> ExitStatus {
        self.lock().tally.exit_status()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

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
        reports.event(&note()).unwrap();
        hook.cut(ExitStatus::Interrupted);
        reports.event(&RunEvent::RunFinished { cut: None }).unwrap();
        reports.event(&note()).unwrap();
        assert_eq!(rx.try_iter().collect::<Vec<_>>(), [false, true]);
        assert_eq!(reports.exit_status(), ExitStatus::Interrupted);
    }

    #[test]
    fn a_reader_who_went_away_ends_his_report_only() {
        let (tx, rx) = channel();
        let pipe = Failing(io::ErrorKind::BrokenPipe);
        let reports = Reports::new(vec![Box::new(pipe), Box::new(Count(tx))]);
        reports.event(&note()).unwrap();
        reports.event(&note()).unwrap();
        assert_eq!(rx.try_iter().count(), 2);
    }

    #[test]
    fn a_report_that_cannot_be_written_is_an_error_and_costs_no_other_report() {
        let (tx, rx) = channel();
        let full = Failing(io::ErrorKind::StorageFull);
        let reports = Reports::new(vec![Box::new(full), Box::new(Count(tx))]);
        assert_eq!(reports.event(&note()).unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(rx.try_iter().count(), 1);
    }
}
