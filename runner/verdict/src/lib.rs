//! Golden against transcript: changes present, findings by rule.
