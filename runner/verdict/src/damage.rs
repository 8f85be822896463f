//! Which rule names what hurt the kernel.

use crate::rule::id;
use scrubjay_session::Observation;
use scrubjay_session::klog::Class;
use scrubjay_session::observation::StepEnd;

/// The rule for an observation's damage; `None` where there is none.
///
/// What came first is what has to be looked at: the first report that is more than a warning, else
/// how the step ended, else the warning.
pub fn rule(seen: &Observation) -> Option<&'static str> {
    let mut classes = Vec::new();
    let mut ends = Vec::new();
    collect(seen, &mut classes, &mut ends);
    let report = classes.iter().copied().find(|class| *class != Class::Warning);
    report.or(ends.first().copied()).or(classes.first().copied()).map(of)
}

fn collect(seen: &Observation, classes: &mut Vec<Class>, ends: &mut Vec<Class>) {
    classes.extend(seen.log.iter().map(|event| event.class).filter(|class| class.is_damage()));
    match seen.end {
        StepEnd::CameBack | StepEnd::NotReached => {}
        StepEnd::Hung => ends.push(Class::HungTask),
        StepEnd::Died | StepEnd::GuestDied => ends.push(Class::Oops),
    }
    for step in seen.branches.iter().flat_map(|branch| &branch.steps) {
        collect(&step.observation, classes, ends);
    }
}

/// The rule for a class of report.
pub fn of(class: Class) -> &'static str {
    match class {
        Class::Warning => id::KERNEL_WARNING,
        Class::Oops | Class::Panic => id::KERNEL_OOPS,
        Class::Kasan | Class::Ubsan | Class::Slub | Class::Leak => id::KERNEL_SANITIZER,
        Class::Lockdep => id::KERNEL_LOCKDEP,
        Class::HungTask => id::KERNEL_HUNG,
        Class::Message => id::MESSAGE_ADDED,
    }
}
