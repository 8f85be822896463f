//! Sessions, device profiles, observations, transcripts and their JSON forms.

pub mod mailbox;
pub mod profile;

pub use mailbox::MailboxCommand;
