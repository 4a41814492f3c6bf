//! What the metrics are called and what they mean. `docs/metrics.md` has the same, for people.

use metrics::{Unit, describe_counter, describe_histogram};

pub(super) const HITS: &str = "larder_hits_total";
pub(super) const MISSES: &str = "larder_misses_total";
pub(super) const CREATIONS: &str = "larder_creations_total";
pub(super) const CREATOR_FAILURES: &str = "larder_creator_failures_total";
pub(super) const WAITS: &str = "larder_waits_total";
pub(super) const UNDECODABLE: &str = "larder_undecodable_total";
pub(super) const VOIDED: &str = "larder_voided_total";
pub(super) const BYPASSED: &str = "larder_bypassed_total";
pub(super) const CREATOR_SECONDS: &str = "larder_creator_seconds";
pub(super) const WAIT_SECONDS: &str = "larder_wait_seconds";

pub(super) const TIER_HITS: &str = "larder_tier_hits_total";
pub(super) const TIER_MISSES: &str = "larder_tier_misses_total";
pub(super) const EVICTIONS: &str = "larder_evictions_total";
pub(super) const BACKEND_ERRORS: &str = "larder_backend_errors_total";
pub(super) const BACKEND_SECONDS: &str = "larder_backend_seconds";
pub(super) const READ_BYTES: &str = "larder_read_bytes_total";
pub(super) const WRITTEN_BYTES: &str = "larder_written_bytes_total";

const COUNTERS: [(&str, Unit, &str); 14] = [
    (HITS, Unit::Count, "Lookups that were given a value that was there, by its state."),
    (MISSES, Unit::Count, "Lookups for which nothing that was there would do."),
    (CREATIONS, Unit::Count, "Values made by creators."),
    (CREATOR_FAILURES, Unit::Count, "Calls of creators that failed."),
    (WAITS, Unit::Count, "Callers served by a creation of somebody else."),
    (UNDECODABLE, Unit::Count, "Entries whose bytes could not be decoded."),
    (VOIDED, Unit::Count, "Created values not stored, because something newer came in between."),
    (BYPASSED, Unit::Count, "Failures of the store or the lock that a call went on without."),
    (TIER_HITS, Unit::Count, "Keys that a tier had."),
    (TIER_MISSES, Unit::Count, "Keys that a tier did not have."),
    (EVICTIONS, Unit::Count, "Entries dropped for want of room."),
    (BACKEND_ERRORS, Unit::Count, "Operations of the levels below that failed."),
    (READ_BYTES, Unit::Bytes, "Bytes of values read."),
    (WRITTEN_BYTES, Unit::Bytes, "Bytes of values written."),
];

const HISTOGRAMS: [(&str, &str); 3] = [
    (CREATOR_SECONDS, "How long creators took, failed ones included."),
    (WAIT_SECONDS, "How long callers waited for a creation of somebody else."),
    (BACKEND_SECONDS, "How long the levels below took for an operation, failed ones included."),
];

/// Tells the recorder of this thread what all of them mean.
pub(super) fn describe() {
    for (name, unit, meaning) in COUNTERS {
        describe_counter!(name, unit, meaning);
    }
    for (name, meaning) in HISTOGRAMS {
        describe_histogram!(name, Unit::Seconds, meaning);
    }
}
