//! Where the user's cache is. Makes nothing there.

use std::env;
use std::path::PathBuf;

/// `$XDG_CACHE_HOME/scrubjay`, else `$HOME/.cache/scrubjay` (XDG Base Directory Specification:
/// a relative path counts as not set).
pub fn directory() -> Option<PathBuf> {
    let set = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache"))).map(|c| c.join("scrubjay"))
}
