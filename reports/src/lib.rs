//! Renders a run: terminal, run.json, KTAP.
