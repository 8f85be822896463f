//! Device profiles: the firmware that a session runs against.
