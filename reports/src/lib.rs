//! Reports: everything a person reads after a run.
