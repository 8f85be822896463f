//! Every size and offset, as `pahole` and the specification have them.

use core::mem::offset_of;

use rstest::rstest;
use scrubjay_uapi::cxl::ecs;
use scrubjay_uapi::cxl::feature::*;
use scrubjay_uapi::cxl::memdev::{self, CommandInfo, QueryCommands, SendCommand};
use scrubjay_uapi::cxl::repair::*;
use scrubjay_uapi::cxl::rpc::{RPC_IN_SIZE, RPC_OUT_SIZE, RpcHeader, RpcOutHeader};
use scrubjay_uapi::cxl::scrub::{ScrubRead, ScrubWrite};
use scrubjay_uapi::fwctl;
use scrubjay_uapi::fwctl::{Info, Rpc};

#[rstest]
#[case::info(size_of::<Info>(), 24)]
#[case::rpc(size_of::<Rpc>(), 32)]
#[case::rpc_header(size_of::<RpcHeader>(), 16)]
#[case::rpc_in(RPC_IN_SIZE, size_of::<RpcHeader>() + size_of::<SetFeatureIn>())]
#[case::rpc_out_header(size_of::<RpcOutHeader>(), 8)]
#[case::rpc_out(RPC_OUT_SIZE, size_of::<RpcOutHeader>() + size_of::<GetSupportedOut>())]
#[case::get_supported_in(size_of::<GetSupportedIn>(), 8)]
#[case::get_supported_out(size_of::<GetSupportedOut>(), 8)]
#[case::feature_entry(size_of::<FeatureEntry>(), 48)]
#[case::get_feature_in(size_of::<GetFeatureIn>(), 21)]
#[case::set_feature_in(size_of::<SetFeatureIn>(), 32)]
#[case::query_commands(size_of::<QueryCommands>(), 8)]
#[case::command_info(size_of::<CommandInfo>(), 16)]
#[case::send_command(size_of::<SendCommand>(), 48)]
#[case::scrub_read(size_of::<ScrubRead>(), 4)]
#[case::scrub_write(size_of::<ScrubWrite>(), 2)]
#[case::ecs_fru_read(size_of::<ecs::EcsFruRead>(), 4)]
#[case::ecs_fru_write(size_of::<ecs::EcsFruWrite>(), 2)]
#[case::repair_header(size_of::<RepairHeader>(), 16)]
#[case::ppr_read(size_of::<PprRead>(), 20)]
#[case::ppr_write(size_of::<PprWrite>(), 3)]
#[case::sparing_read(size_of::<SparingRead>(), 19)]
#[case::sparing_write(size_of::<SparingWrite>(), 2)]
#[case::maintenance_header(size_of::<MaintenanceHeader>(), 2)]
#[case::ppr_operation(size_of::<PprOperation>(), 12)]
#[case::sparing_operation(size_of::<SparingOperation>(), 14)]
fn a_structure_has_the_size_that_the_kernel_gives_it(#[case] ours: usize, #[case] kernels: usize) {
    assert_eq!(ours, kernels);
}

#[rstest]
#[case::info_size(offset_of!(Info, size), 0)]
#[case::info_flags(offset_of!(Info, flags), 4)]
#[case::info_type(offset_of!(Info, out_device_type), 8)]
#[case::info_data_len(offset_of!(Info, device_data_len), 12)]
#[case::info_data(offset_of!(Info, out_device_data), 16)]
#[case::rpc_size(offset_of!(Rpc, size), 0)]
#[case::rpc_scope(offset_of!(Rpc, scope), 4)]
#[case::rpc_in_len(offset_of!(Rpc, in_len), 8)]
#[case::rpc_out_len(offset_of!(Rpc, out_len), 12)]
#[case::rpc_in(offset_of!(Rpc, input), 16)]
#[case::rpc_out(offset_of!(Rpc, output), 24)]
#[case::send_id(offset_of!(SendCommand, id), 0)]
#[case::send_flags(offset_of!(SendCommand, flags), 4)]
#[case::send_opcode(offset_of!(SendCommand, opcode), 8)]
#[case::send_rsvd(offset_of!(SendCommand, rsvd), 10)]
#[case::send_retval(offset_of!(SendCommand, retval), 12)]
#[case::send_in_size(offset_of!(SendCommand, in_size), 16)]
#[case::send_in_payload(offset_of!(SendCommand, in_payload), 24)]
#[case::send_out_size(offset_of!(SendCommand, out_size), 32)]
#[case::send_out_payload(offset_of!(SendCommand, out_payload), 40)]
#[case::header_opcode(offset_of!(RpcHeader, opcode), 0)]
#[case::header_flags(offset_of!(RpcHeader, flags), 4)]
#[case::header_op_size(offset_of!(RpcHeader, op_size), 8)]
#[case::header_reserved(offset_of!(RpcHeader, reserved1), 12)]
#[case::out_size(offset_of!(RpcOutHeader, size), 0)]
#[case::out_retval(offset_of!(RpcOutHeader, retval), 4)]
#[case::supported_in_count(offset_of!(GetSupportedIn, count), 0)]
#[case::supported_in_start(offset_of!(GetSupportedIn, start_idx), 4)]
#[case::supported_in_reserved(offset_of!(GetSupportedIn, reserved), 6)]
#[case::supported_out_entries(offset_of!(GetSupportedOut, num_entries), 0)]
#[case::supported_out_total(offset_of!(GetSupportedOut, supported_feats), 2)]
#[case::supported_out_reserved(offset_of!(GetSupportedOut, reserved), 4)]
#[case::entry_uuid(offset_of!(FeatureEntry, uuid), 0)]
#[case::entry_id(offset_of!(FeatureEntry, id), 16)]
#[case::entry_get_size(offset_of!(FeatureEntry, get_feat_size), 18)]
#[case::entry_set_size(offset_of!(FeatureEntry, set_feat_size), 20)]
#[case::entry_flags(offset_of!(FeatureEntry, flags), 22)]
#[case::entry_get_version(offset_of!(FeatureEntry, get_feat_ver), 26)]
#[case::entry_set_version(offset_of!(FeatureEntry, set_feat_ver), 27)]
#[case::entry_effects(offset_of!(FeatureEntry, effects), 28)]
#[case::entry_reserved(offset_of!(FeatureEntry, reserved), 30)]
#[case::get_uuid(offset_of!(GetFeatureIn, uuid), 0)]
#[case::get_offset(offset_of!(GetFeatureIn, offset), 16)]
#[case::get_count(offset_of!(GetFeatureIn, count), 18)]
#[case::get_selection(offset_of!(GetFeatureIn, selection), 20)]
#[case::set_uuid(offset_of!(SetFeatureIn, uuid), 0)]
#[case::set_flags(offset_of!(SetFeatureIn, flags), 16)]
#[case::set_offset(offset_of!(SetFeatureIn, offset), 20)]
#[case::set_version(offset_of!(SetFeatureIn, version), 22)]
#[case::set_reserved(offset_of!(SetFeatureIn, rsvd), 23)]
#[case::scrub_capabilities(offset_of!(ScrubRead, capabilities), 0)]
#[case::scrub_cycle(offset_of!(ScrubRead, cycle_hours), 1)]
#[case::scrub_min_cycle(offset_of!(ScrubRead, min_cycle_hours), 2)]
#[case::scrub_flags(offset_of!(ScrubRead, flags), 3)]
#[case::scrub_write_cycle(offset_of!(ScrubWrite, cycle_hours), 0)]
#[case::scrub_write_flags(offset_of!(ScrubWrite, flags), 1)]
#[case::ecs_capabilities(offset_of!(ecs::EcsFruRead, capabilities), 0)]
#[case::ecs_config(offset_of!(ecs::EcsFruRead, config), 1)]
#[case::ecs_flags(offset_of!(ecs::EcsFruRead, flags), 3)]
#[case::ecs_write_config(offset_of!(ecs::EcsFruWrite, config), 0)]
#[case::repair_latency(offset_of!(RepairHeader, max_op_latency), 0)]
#[case::repair_cap(offset_of!(RepairHeader, op_cap), 1)]
#[case::repair_mode(offset_of!(RepairHeader, op_mode), 3)]
#[case::repair_class(offset_of!(RepairHeader, op_class), 5)]
#[case::repair_subclass(offset_of!(RepairHeader, op_subclass), 6)]
#[case::repair_reserved(offset_of!(RepairHeader, reserved), 7)]
#[case::ppr_header(offset_of!(PprRead, header), 0)]
#[case::ppr_flags(offset_of!(PprRead, ppr_flags), 16)]
#[case::ppr_restrictions(offset_of!(PprRead, restriction_flags), 17)]
#[case::ppr_mode(offset_of!(PprRead, ppr_op_mode), 19)]
#[case::ppr_write_mode(offset_of!(PprWrite, op_mode), 0)]
#[case::ppr_write_ppr_mode(offset_of!(PprWrite, ppr_op_mode), 2)]
#[case::sparing_header(offset_of!(SparingRead, header), 0)]
#[case::sparing_reserved(offset_of!(SparingRead, reserved), 16)]
#[case::sparing_restrictions(offset_of!(SparingRead, restriction_flags), 17)]
#[case::sparing_write_mode(offset_of!(SparingWrite, op_mode), 0)]
#[case::maintenance_class(offset_of!(MaintenanceHeader, op_class), 0)]
#[case::maintenance_subclass(offset_of!(MaintenanceHeader, op_subclass), 1)]
#[case::ppr_op_flags(offset_of!(PprOperation, flags), 0)]
#[case::ppr_op_dpa(offset_of!(PprOperation, dpa), 1)]
#[case::ppr_op_nibbles(offset_of!(PprOperation, nibble_mask), 9)]
#[case::sparing_op_flags(offset_of!(SparingOperation, flags), 0)]
#[case::sparing_op_channel(offset_of!(SparingOperation, channel), 1)]
#[case::sparing_op_rank(offset_of!(SparingOperation, rank), 2)]
#[case::sparing_op_nibbles(offset_of!(SparingOperation, nibble_mask), 3)]
#[case::sparing_op_bank_group(offset_of!(SparingOperation, bank_group), 6)]
#[case::sparing_op_bank(offset_of!(SparingOperation, bank), 7)]
#[case::sparing_op_row(offset_of!(SparingOperation, row), 8)]
#[case::sparing_op_column(offset_of!(SparingOperation, column), 11)]
#[case::sparing_op_sub_channel(offset_of!(SparingOperation, sub_channel), 13)]
fn a_field_lies_where_the_kernel_puts_it(#[case] ours: usize, #[case] kernels: usize) {
    assert_eq!(ours, kernels);
}

/// `_IO(type, nr)` on x86: no direction, no size.
#[rstest]
#[case::info(fwctl::FWCTL_INFO, 0)]
#[case::rpc(fwctl::FWCTL_RPC, 1)]
fn an_ioctl_number_is_type_9a_and_its_index(#[case] ours: u32, #[case] index: u32) {
    assert_eq!(ours, 0x9a << 8 | index);
}

/// `_IOC(dir, type, nr, size)` of include/uapi/asm-generic/ioctl.h.
const fn ioc(dir: u32, kind: u32, nr: u32, size: usize) -> u32 {
    dir << 30 | (size as u32) << 16 | kind << 8 | nr
}

#[rstest]
#[case::query(memdev::CXL_MEM_QUERY_COMMANDS, ioc(2, 0xce, 1, size_of::<QueryCommands>()))]
#[case::send(memdev::CXL_MEM_SEND_COMMAND, ioc(3, 0xce, 2, size_of::<SendCommand>()))]
fn a_command_word_of_the_memdev_carries_the_size_of_its_structure(#[case] ours: u32, #[case] kernels: u32) {
    assert_eq!(ours, kernels);
}
