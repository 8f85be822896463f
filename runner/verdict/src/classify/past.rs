//! What went before a step in its session.

use scrubjay_session::Action;
use scrubjay_session::Descriptors;
use scrubjay_session::action::Place;
use scrubjay_session::cxl::action::DriverName;
use scrubjay_session::descriptors::Behind;
use scrubjay_session::observation::OK;
use scrubjay_uapi::cxl::KnownFeature;
use scrubjay_wire::Anchor;

use super::asked::{self, Asked};
use super::{Moment, Scene};

impl Scene<'_> {
    fn before(&self, at: usize) -> impl Iterator<Item = &Moment<'_>> {
        self.moments[..at].iter()
    }

    /// Whether the process gave up rights before a step.
    pub fn gave_up_rights(&self, at: usize) -> bool {
        self.before(at).any(|moment| {
            let gives_up = matches!(
                moment.step.action,
                Action::DropCapability(_) | Action::Become(_) | Action::NewUserNamespace(_)
            );
            gives_up && moment.seen.errno == OK
        })
    }

    /// What is behind a descriptor at a step.
    fn behind(&self, at: usize, slot: &str) -> Option<Behind> {
        let mut descriptors = Descriptors::default();
        self.before(at).enumerate().for_each(|(i, moment)| descriptors.take(i, &moment.step.action));
        descriptors.behind(slot)
    }

    /// The device behind a descriptor at a step.
    pub fn device(&self, at: usize, slot: &str) -> Option<usize> {
        self.behind(at, slot).map(|behind| behind.device)
    }

    /// Whether the device behind a descriptor went away after it was opened.
    pub fn lost_its_device(&self, at: usize, slot: &str) -> bool {
        let Some(Behind { device, opened }) = self.behind(at, slot) else { return false };
        self.moments[opened..at].iter().any(|moment| takes_away(&moment.step.action, device))
    }

    /// Whether EDAC shows a Feature of a device: an attribute of it worked somewhere in the session.
    pub fn edac_shows(&self, feature: KnownFeature, device: usize) -> bool {
        self.moments.iter().any(|moment| {
            let place = match &moment.step.action {
                Action::Read(place) => place,
                Action::Write(write) => &write.at,
                _ => return false,
            };
            place.device == device && is_control_of(place, feature) && moment.seen.errno == OK
        })
    }

    /// Whether a step is a raw command of a memdev for which the session shows another way on the same device:
    /// fwctl carried the same command, or EDAC has the Feature that it sets.
    pub fn has_another_way(&self, at: usize) -> bool {
        let Some((asked, slot)) = asked::raw(&self.moments[at].step.action) else { return false };
        let Some(device) = self.device(at, slot) else { return false };
        let feature = asked::known_feature(&self.moments[at].step.action);
        let carried = |(other, moment): (usize, &Moment)| {
            asked::call(&moment.step.action).is_some_and(|call| {
                call.asked == asked
                    && moment.seen.errno == OK
                    && self.device(other, call.slot) == Some(device)
            })
        };
        self.moments.iter().enumerate().any(carried)
            || feature.is_some_and(|feature| asked == Asked::Set && self.edac_shows(feature, device))
    }

    /// Whether an attribute was read as accepted before, and nothing but reads came since, one of
    /// them through fwctl.
    pub fn only_gets_since_read(&self, at: usize, place: &Place) -> bool {
        let mut gets = false;
        for moment in self.moments[..at].iter().rev() {
            match &moment.step.action {
                Action::Read(earlier) if earlier == place => return gets && moment.fields.is_empty(),
                Action::Read(_) | Action::List(_) | Action::Stat(_) | Action::Resolve(_) => {}
                Action::Open(_)
                | Action::Close(_)
                | Action::Dup(_)
                | Action::Reopen(_)
                | Action::Taint(_)
                | Action::Pause(_) => {}
                action if asked::is_get(action) => gets = true,
                action if asked::call(action).is_some_and(|call| call.asked == Asked::Info) => {}
                _ => return false,
            }
        }
        false
    }
}

/// Whether an action takes the fwctl device from under its descriptors.
fn takes_away(action: &Action, device: usize) -> bool {
    match action {
        Action::Unbind(driver) => driver.driver == DriverName::CxlPci && driver.device == device,
        Action::Remove(on) => on.device == device,
        Action::Parallel(group) => group
            .branches
            .iter()
            .flat_map(|branch| &branch.steps)
            .any(|step| takes_away(&step.action, device)),
        _ => false,
    }
}

/// Whether a place is below EDAC's control of a Feature.
fn is_control_of(place: &Place, feature: KnownFeature) -> bool {
    let control = feature.edac_control();
    place.anchor == Anchor::Edac && control.is_some_and(|control| place.path.starts_with(control))
}
