//! Placeholder until the flow and the components land.
