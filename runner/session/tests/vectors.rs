//! The profiles of the project itself.

use std::path::Path;

use rstest::rstest;
use scrubjay_session::cxl::profile::{Attach, Profiles};
use scrubjay_uapi::cxl::{Effects, KnownFeature};

fn profiles() -> Profiles {
    Profiles::load_dir(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/devices")).unwrap()
}

#[rstest]
fn every_profile_is_sound() {
    assert!(profiles().iter().len() >= 8);
}

#[rstest]
fn there_is_a_profile_of_every_attachment() {
    let profiles = profiles();
    for attach in [Attach::CxlEndpoint, Attach::Pcie, Attach::QemuCxlType3] {
        assert!(profiles.iter().any(|p| p.attach == attach), "{}", attach.name());
    }
}

#[rstest]
fn the_vendor_profile_covers_every_scope_rule_and_every_exclusive_feature() {
    let profiles = profiles();
    let vendor = profiles.get("vendor").unwrap();
    for known in KnownFeature::ALL {
        assert!(vendor.features.iter().any(|f| f.known() == Some(known)), "{}", known.name());
    }
    let own: Vec<_> = vendor.features.iter().filter(|f| f.known().is_none()).map(|f| f.effects).collect();
    for bit in 0..=11 {
        // Bit 8 means nothing.
        assert!(bit == 8 || own.iter().any(|e| e.0 & 1 << bit != 0), "effect bit {bit}");
    }
    assert!(own.iter().any(|e| e.intersects(Effects::RESERVED)));
    assert!(own.contains(&Effects(0)));
    let both = |e: &&Effects| e.intersects(Effects::IMMEDIATE) && e.intersects(Effects::AFTER_RESET);
    assert!(own.iter().any(|e| both(&e)));
}
