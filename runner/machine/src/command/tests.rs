//! What the command line says for which guest.

use rstest::rstest;

use super::*;
use crate::spec::Ways;

const WIRING: Wiring = Wiring {
    console: 10,
    serial: 11,
    virtio: Some(12),
    qmp: 13,
    initramfs: 14,
    kernel: None,
    monitor_objects: true,
    tsc_khz: Some(2_000_000),
    memory: None,
};

fn vfio(port: Port, path: &str) -> Device {
    Device { port, kind: Kind::VfioUser { socket: path.into() } }
}

fn spec(devices: Vec<Device>) -> Spec {
    Spec { devices, ..Spec::new("/k/bzImage", Accel::Tcg) }
}

/// The values of an option, in order.
fn values(line: &[OsString], option: &str) -> Vec<String> {
    line.windows(2).filter(|w| w[0] == option).map(|w| w[1].to_str().unwrap().to_owned()).collect()
}

fn built(spec: &Spec) -> Vec<OsString> {
    arguments(spec, &WIRING).unwrap()
}

#[test]
fn a_guest_without_devices_has_no_cxl_window_and_no_extra_bus() {
    let line = built(&spec(vec![]));
    assert!(!values(&line, "-machine")[0].contains("cxl-fmw"), "{line:?}");
    assert!(!values(&line, "-device").iter().any(|d| d.starts_with("pxb")), "{line:?}");
}

#[rstest]
#[case::kept(Backing::Shared(15), "share=on", None)]
#[case::started(Backing::Private(15), "share=off,readonly=on,rom=off", Some("defer"))]
fn a_guest_with_a_file_for_memory_has_both_buses_and_their_room(
    #[case] memory: Backing,
    #[case] how: &str,
    #[case] incoming: Option<&str>,
) {
    let line = arguments(&spec(vec![]), &Wiring { memory: Some(memory), ..WIRING }).unwrap();
    assert!(values(&line, "-machine")[0].ends_with("memory-backend=ram"), "{line:?}");
    let object = format!("memory-backend-file,id=ram,size=512M,mem-path=/proc/self/fd/15,{how}");
    assert!(values(&line, "-object").contains(&object), "{line:?}");
    assert_eq!(values(&line, "-incoming").first().map(String::as_str), incoming);
    let devices = values(&line, "-device");
    let named = |name: &str| devices.iter().filter(|device| device.starts_with(name)).count();
    assert_eq!((named("pxb-"), named("pcie-root-port,id=spare-")), (2, 2), "{devices:?}");
    assert!(devices.iter().all(|d| !d.starts_with("pcie-root-port") || d.contains("mem-reserve=64M")));
}

#[test]
fn a_cxl_device_sits_below_its_port_and_the_port_where_its_address_says() {
    let guest = spec(vec![vfio(Port::Cxl, "/t/a"), vfio(Port::Cxl, "/t/b")]);
    let devices = values(&built(&guest), "-device");
    assert!(
        devices.contains(&"cxl-rp,id=port1,bus=cxl,addr=1,port=1,chassis=1,slot=2".into()),
        "{devices:?}"
    );
    let object: Value = serde_json::from_str(devices.last().unwrap()).unwrap();
    assert_eq!(
        object,
        json!({
            "driver": "vfio-user-pci",
            "bus": "port1",
            "id": "device1",
            "socket": { "type": "unix", "path": "/t/b" },
        })
    );
    assert_eq!(guest.port_address(1).unwrap(), "0000:0c:01.0");
}

#[test]
fn a_port_comes_before_its_device_and_a_bridge_before_its_ports() {
    let devices = values(&built(&spec(vec![vfio(Port::Cxl, "/a"), vfio(Port::Pcie, "/b")])), "-device");
    let at = |what: &str| devices.iter().position(|d| d.contains(what)).unwrap();
    assert!(at("pxb-cxl,id=cxl") < at("id=port0") && at("id=port0") < at("\"bus\":\"port0\""), "{devices:?}");
    assert!(
        at("pxb-pcie,id=pcie") < at("id=port1") && at("id=port1") < at("\"bus\":\"port1\""),
        "{devices:?}"
    );
}

#[test]
fn a_plain_device_has_a_port_that_knows_no_cxl() {
    let guest = spec(vec![vfio(Port::Pcie, "/t/a")]);
    let line = built(&guest);
    assert!(!values(&line, "-machine")[0].contains("cxl-fmw"));
    assert!(
        values(&line, "-device").iter().any(|d| d.starts_with("pcie-root-port,id=port0,bus=pcie,addr=0"))
    );
    assert_eq!(guest.port_address(0).unwrap(), "0000:80:00.0");
}

#[test]
fn a_stock_device_has_memory_behind_it() {
    let stock = Device { port: Port::Cxl, kind: Kind::StockType3 { size_mib: 256, serial: 7 } };
    let line = built(&spec(vec![stock]));
    assert!(values(&line, "-object").contains(&"memory-backend-ram,id=memory0,size=256M".into()));
    let object: Value = serde_json::from_str(values(&line, "-device").last().unwrap()).unwrap();
    assert_eq!(object["volatile-memdev"], "memory0");
    assert_eq!(object["sn"], 7);
}

#[test]
fn an_empty_slot_has_a_port_and_no_device() {
    let empty = Device { port: Port::Cxl, kind: Kind::Nothing };
    let devices = values(&built(&spec(vec![empty])), "-device");
    assert!(devices.iter().any(|d| d.contains("id=port0")));
    assert!(!devices.iter().any(|d| d.contains("device0")));
}

#[test]
fn the_callers_parameters_come_last_so_that_they_win() {
    let guest = Spec { append: "panic=0 lockdown=integrity".into(), ..spec(vec![]) };
    let append = values(&built(&guest), "-append").remove(0);
    assert!(append.starts_with("console=ttyS0"), "{append}");
    assert!(append.ends_with(" panic=0 lockdown=integrity"), "{append}");
}

#[rstest]
#[case::objects(true, "-object", "monitor-qmp,id=monitor,chardev=qmp")]
#[case::older(false, "-mon", "chardev=qmp,mode=control")]
fn the_monitor_is_made_as_this_qemu_wants_it(#[case] objects: bool, #[case] name: &str, #[case] value: &str) {
    let wiring = Wiring { monitor_objects: objects, ..WIRING };
    let line = arguments(&spec(vec![]), &wiring).unwrap();
    assert!(values(&line, name).contains(&value.into()), "{line:?}");
}

#[test]
fn a_guest_without_virtio_has_two_16550s_all_the_same() {
    let guest = Spec { ways: Ways::Serial, ..spec(vec![]) };
    let line = arguments(&guest, &Wiring { virtio: None, ..WIRING }).unwrap();
    assert!(!values(&line, "-device").iter().any(|d| d.starts_with("virt")));
    assert_eq!(values(&line, "-serial"), ["chardev:console", "chardev:serial"]);
}

#[rstest]
#[case::kvm(Accel::Kvm, "kvm")]
#[case::tcg(Accel::Tcg, "tcg")]
fn the_accelerator_is_the_one_asked_for(#[case] accel: Accel, #[case] said: &str) {
    assert_eq!(values(&built(&Spec { accel, ..spec(vec![]) }), "-accel"), [said]);
}

#[rstest]
#[case::kvm(Accel::Kvm, "max", 0)]
#[case::tcg(Accel::Tcg, "max,-arat", 2)]
fn a_guest_under_tcg_ticks_by_the_hpet(#[case] accel: Accel, #[case] cpu: &str, #[case] hpet: usize) {
    let line = built(&Spec { accel, ..spec(vec![]) });
    assert_eq!(values(&line, "-cpu"), [cpu]);
    assert_eq!(values(&line, "-global").iter().filter(|value| value.starts_with("hpet.")).count(), hpet);
}

#[test]
fn the_callers_parameters_win_over_the_clocks() {
    let line = built(&Spec { append: "tsc_early_khz=1".into(), ..spec(vec![]) });
    let append = &values(&line, "-append")[0];
    assert!(
        append.ends_with(" no_timer_check nolapic_timer tsc_early_khz=2000000 tsc_early_khz=1"),
        "{append}"
    );
}

#[rstest]
#[case::longest(107, true)]
#[case::one_more(108, false)]
fn a_socket_path_has_at_most_107_bytes(#[case] len: usize, #[case] fits: bool) {
    let path = format!("/{}", "x".repeat(len - 1));
    let result = arguments(&spec(vec![vfio(Port::Cxl, &path)]), &WIRING);
    assert_eq!(result.is_ok(), fits);
    if let Err(error) = result {
        assert!(error.to_string().contains(&path) && error.to_string().contains("107"), "{error}");
    }
}

#[rstest]
#[case::three_cpus(Spec { vcpus: 3, ..spec(vec![]) }, "3 vCPUs")]
#[case::no_cpu(Spec { vcpus: 0, ..spec(vec![]) }, "0 vCPUs")]
#[case::too_many(spec(vec![vfio(Port::Cxl, "/a"); MOST_DEVICES + 1]), "32 devices")]
#[case::odd_size(
    spec(vec![Device { port: Port::Cxl, kind: Kind::StockType3 { size_mib: 100, serial: 0 } }]),
    "100 MiB"
)]
fn what_cannot_be_built_is_named(#[case] spec: Spec, #[case] said: &str) {
    let error = arguments(&spec, &WIRING).unwrap_err();
    assert!(error.to_string().contains(said), "{error}");
}
