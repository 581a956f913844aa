//! The planted bugs: the name at the place in the sources, what is broken, and which seeds see it.

use mulu_planted_sim::sim::plan::Profile::{self, Application, Core};

/// Name, what is broken, and the profile that must find it.
pub type Bug = (&'static str, &'static str, Profile);

/// All of them, from consensus outwards.
pub const BUGS: &[Bug] = &[
    // Quorums and certificates.
    ("planted-quorum-of-a-third", "more than a third of the power decides", Core),
    ("planted-quorum-of-a-half", "more than half of the power decides", Core),
    ("planted-certificate-power", "a certificate needs no quorum", Core),
    ("planted-certificate-repeats", "one validator counts again and again in a certificate", Core),
    ("planted-certificate-signatures", "a certificate's signatures are not verified", Core),
    ("planted-vote-signatures", "votes and proposals are taken without their signatures", Core),
    (
        "planted-proposer-for-all-rounds",
        "one proposer has the turn in all rounds of a height",
        Core,
    ),
    // What is signed, and what is remembered of it.
    ("planted-no-guard-no-replay", "neither guard nor replay remembers what was signed", Core),
    ("planted-guard-not-restored", "the guard is empty after a restart", Core),
    ("planted-guard-keeps-last-height", "the guard keeps the votes of the last height", Core),
    ("planted-own-votes-not-logged", "own votes are not logged", Core),
    ("planted-proposals-not-logged", "proposals are not logged", Core),
    ("planted-nothing-persisted", "the frames of the vote log are not written", Core),
    ("planted-said-before-durable", "a vote is sent before it is durable", Core),
    ("planted-log-not-replayed", "the vote log is not replayed after a restart", Core),
    ("planted-votes-of-others-not-replayed", "only own votes are replayed", Core),
    ("planted-timeouts-not-replayed", "elapsed timeouts are not replayed", Core),
    ("planted-body-not-logged", "bodies of undecided blocks are not logged", Core),
    ("planted-doubt-ignored", "doubt and alarm in the vote log are ignored", Core),
    ("planted-doubt-ends-at-once", "a validator in doubt votes at once", Core),
    ("planted-listening-skipped", "a validator speaks before it has listened", Core),
    ("planted-log-always-fresh", "a lost vote log passes for a new one", Core),
    ("planted-log-guard-ignored", "the vote log's guard is not compared", Core),
    ("planted-log-checksums-ignored", "the frames' checksums are not compared", Core),
    ("planted-log-not-synced", "the vote log is not synced", Core),
    // Progress.
    ("planted-no-propose-timeout", "the propose timeout is not set", Core),
    ("planted-no-prevote-timeout", "the prevote timeout is not set", Core),
    ("planted-no-precommit-timeout", "the precommit timeout is not set", Core),
    ("planted-no-rebroadcast-timeout", "votes are never sent again", Core),
    ("planted-no-body-sent-again", "a block proposed again comes without its body", Core),
    ("planted-proposal-without-body", "a proposer does not send its block", Core),
    ("planted-sync-never-asks", "a node behind asks for no blocks", Core),
    ("planted-sync-waits-for-ever", "a peer that does not answer is waited for", Core),
    ("planted-liar-asked-again", "a peer that lied about blocks is asked again", Core),
    ("planted-nothing-served", "requests for blocks are answered with none", Core),
    // Blocks.
    ("planted-block-time-of-the-future", "a block may be of any time to come", Core),
    ("planted-header-not-compared", "a header's roots are not compared with the execution's", Core),
    ("planted-body-not-compared", "a body is not compared with its header", Core),
    ("planted-transactions-again", "a transaction may come twice", Core),
    ("planted-order-by-address", "a proposal's order is that of a hash map", Core),
    ("planted-tip-not-written", "the ledger's tip pointer stays behind", Core),
    // Bounds.
    ("planted-bodies-unbounded", "one sender may fill the memory with bodies", Core),
    // What it all is for.
    ("planted-revoked-key-accepted", "a revoked key signs on", Application),
    ("planted-history-event-lost", "history events are not stored", Application),
    ("planted-set-a-height-late", "a changed validator set decides a height too late", Application),
    ("planted-set-never-changes", "the validators stay those of the start", Application),
    ("planted-evidence-not-reported", "nobody reports a double signature", Application),
    ("planted-evidence-unsigned", "evidence needs no signature of the accused", Application),
    ("planted-auditor-any-genesis", "the auditor takes any genesis", Application),
    (
        "planted-auditor-certificate-signatures",
        "the auditor verifies no signature of validators",
        Application,
    ),
    ("planted-auditor-certificate-power", "the auditor wants no quorum", Application),
    ("planted-auditor-inclusion", "the auditor verifies no proof of inclusion", Application),
    ("planted-auditor-state-proofs", "the auditor verifies no proof of a record", Application),
    ("planted-auditor-histories", "the auditor takes an incomplete history", Application),
];
