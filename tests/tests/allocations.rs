//! A decoder's memory is bounded by its input: what it allocates for bytes that nobody vouched
//! for is counted by the allocator itself.

#![allow(clippy::unwrap_used)]

use std::alloc::System;

use mulu_chain::block::Block;
use mulu_chain::bundle::{BUNDLE_MAGIC, Bundle};
use mulu_chain::json;
use mulu_chain::transaction::Envelope;
use mulu_node::replica::guard::LogRecord;
use mulu_node::replica::wire::{PeerMessage, WIRE_VERSION};
use mulu_tests::fuzz::mutate::{Random, mutate};
use mulu_tests::fuzz::targets;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What a decoder may allocate whatever the input, in bytes.
const BASE_BYTES: usize = 64 * 1024;
/// What it may allocate for each byte of the input, all allocations of the call added up.
const PER_INPUT_BYTE: usize = 64;
const MUTATIONS: usize = 20_000;

type Decoder = (&'static str, &'static str, fn(&[u8]));

const DECODERS: [Decoder; 6] = [
    ("peer_frame", "peer frame", |bytes| drop(PeerMessage::from_frame(bytes))),
    ("log_record", "log record", |bytes| drop(LogRecord::from_frame(bytes))),
    ("block", "block", |bytes| drop(Block::from_bytes(bytes))),
    ("bundle", "bundle", |bytes| drop(Bundle::from_bytes(bytes))),
    ("envelope_json", "envelope", |bytes| drop(Envelope::from_json(bytes))),
    ("strict_json", "strict JSON", |bytes| {
        let _ = json::check(bytes);
    }),
];

/// Bytes allocated by one call, all allocations added up. The process has one busy thread.
fn allocated(decode: fn(&[u8]), bytes: &[u8]) -> usize {
    let region = Region::new(ALLOCATOR);
    decode(bytes);
    let change = region.change();
    change.bytes_allocated
}

/// One test, so that nothing else allocates meanwhile.
#[test]
fn allocation_is_bounded_by_the_input() {
    let mut random = Random::new(1, "allocations");
    let mut tried = 0u32;
    for (target, name, decode) in DECODERS {
        let target = targets().find(|t| t.name == target).unwrap();
        let mut inputs: Vec<Vec<u8>> = (target.seeds)().into_iter().map(|(_, b)| b).collect();
        let seeds = inputs.clone();
        for _ in 0..MUTATIONS {
            let (one, other) = (random.pick(&seeds), random.pick(&seeds));
            inputs.push(mutate(one, other, target.text, &mut random));
        }
        // Lengths that promise as much as a bound allows, in every place of a valid input.
        for seed in &seeds {
            for at in 0..seed.len().min(2048) {
                for promised in [1u64 << 15, 1 << 20, 1 << 22, 1 << 27] {
                    let mut input = seed.clone();
                    let end = (at + 8).min(input.len());
                    input[at..end].copy_from_slice(&promised.to_le_bytes()[..end - at]);
                    inputs.push(input);
                }
            }
        }
        let mut worst = (0, 0);
        for input in &inputs {
            let bytes = allocated(decode, input);
            let bound = BASE_BYTES + PER_INPUT_BYTE * input.len();
            assert!(bytes <= bound, "{name}: {bytes} bytes for {} of input", input.len());
            worst = worst.max((bytes, input.len()));
            tried += 1;
        }
        println!("{name}: at most {} bytes, for an input of {}", worst.0, worst.1);
    }
    println!("0 of {tried} inputs above {BASE_BYTES} + {PER_INPUT_BYTE} bytes per byte");
    // What the loop above may miss: a header that promises a list, and nothing after it.
    let mut frame = WIRE_VERSION.to_le_bytes().to_vec();
    frame.extend_from_slice(&5u32.to_le_bytes());
    frame.extend_from_slice(&(1u64 << 16).to_le_bytes());
    assert!(allocated(|bytes| drop(PeerMessage::from_frame(bytes)), &frame) <= BASE_BYTES);
    let file = [&BUNDLE_MAGIC[..], &(1u32 << 18).to_le_bytes(), &[0; 4]].concat();
    assert!(allocated(|bytes| drop(Bundle::from_bytes(bytes)), &file) <= BASE_BYTES);
}
