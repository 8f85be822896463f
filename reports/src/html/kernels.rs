//! The kernels: what each came to, and where in the history it stands.

use maud::{Markup, html};
use scrubjay_verdict::{Policy, Status};

use crate::profile::{changes, defects, fixes};
use crate::run::{Counts, KernelReport, KernelState, Run};
use crate::text::plain;

/// A line for each kernel.
pub fn table(run: &Run) -> Option<Markup> {
    let policies = run.policies();
    Some(html! {
        div class="wide" { table {
            thead {
                tr {
                    th rowspan="2" { "kernel" }
                    th rowspan="2" { "release" }
                    th colspan="5" { "sessions" }
                    th colspan=(policies.len()) { "breaks" }
                    th rowspan="2" { "nearest release" }
                }
                tr {
                    @for word in ["pass", "waived", "break", "error", "skip"] { th { (word) } }
                    @for policy in &policies { th { (policy.name()) } }
                }
            }
            tbody { @for kernel in &run.kernels { (line(kernel, &policies)) } }
        } }
    })
}

fn line(kernel: &KernelReport, policies: &[Policy]) -> Markup {
    let Counts { pass, waived, broken, error, skip } = kernel.counts;
    let counts = [
        (pass, Status::Pass),
        (waived, Status::Waived),
        (broken, Status::Break),
        (error, Status::Error),
        (skip, Status::Skip),
    ];
    html! {
        tr {
            th scope="row" { (kernel.kernel) }
            @if let (KernelState::Failed, Some(why)) = (kernel.state, &kernel.why) {
                td class="error" colspan=(7 + policies.len()) { "nothing could be tested: " (plain(why)) }
            } @else {
                td { (release(kernel)) }
                @for (n, status) in counts {
                    td class=(if n == 0 { "none" } else { status.name() }) { (n) }
                }
                @for policy in policies {
                    @let n = kernel.breaks.under(*policy);
                    td class=(if n == 0 { "none" } else { Status::Break.name() }) { (n) }
                }
                td { (kernel.nearest_release.as_deref().unwrap_or_default()) }
            }
        }
    }
}

/// Of a kernel whose turn was cut short none is known.
fn release(kernel: &KernelReport) -> &str {
    match kernel.verdict.as_ref().map(|verdict| verdict.release.as_str()) {
        _ if kernel.state == KernelState::Interrupted => "interrupted",
        None | Some("") => "never came up",
        Some(release) => release,
    }
}

/// The changes that each kernel carries and the known defects that it shows; unfolded where the changes
/// are not as they have to be.
pub fn profiles(run: &Run) -> Option<Markup> {
    let told: Vec<_> = run.kernels.iter().filter_map(profile).collect();
    (!told.is_empty()).then(|| html! { @for kernel in &told { (kernel) } })
}

fn profile(kernel: &KernelReport) -> Option<Markup> {
    let verdict = kernel.verdict.as_ref()?;
    let mut texts = changes(verdict, kernel.nearest_release.as_deref());
    texts.extend(fixes(verdict));
    texts.extend(defects(verdict));
    let off = !verdict.changes.regressed.is_empty() || !verdict.changes.inconsistent.is_empty();
    let (first, rest) = texts.split_first()?;
    Some(html! {
        details open[off] {
            summary { strong { (kernel.kernel) } " " (plain(first)) }
            ul { @for text in rest { li { (plain(text)) } } }
        }
    })
}
