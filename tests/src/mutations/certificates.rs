//! Tampering with who decided: genesis, sets of validators, certificates.

use mulu_chain::block::{CertifiedHeader, Header};
use mulu_chain::bundle::{Frame, Head, SetChange};
use mulu_chain::certificate::{CommitCertificate, VoteKind, VoteStatement};
use mulu_chain::digest::Digest;
use mulu_chain::signature::{Signature, SigningKey};
use mulu_chain::types::Height;
use mulu_chain::validator::ValidatorSet;

use super::world::{certify, certify_vote, set_of};
use super::{Class, Mutant, Random, World, flip};

const GENESIS: &[&str] = &["genesis"];
const SETS: &[&str] = &["validator-sets"];
const TIP: &[&str] = &["tip-certificate"];
const EITHER: &[&str] = &["validator-sets", "tip-certificate"];

pub const CLASSES: &[Class] = &[
    Class { name: "genesis: the auditor trusts another", checks: GENESIS, change: other_genesis },
    Class { name: "genesis: a bundle of another chain", checks: GENESIS, change: other_chain },
    Class { name: "genesis: a field of block 0 changed", checks: GENESIS, change: genesis_field },
    Class { name: "genesis: other founding validators", checks: GENESIS, change: own_validators },
    Class {
        name: "genesis: power or member of a validator changed",
        checks: GENESIS,
        change: founding_power,
    },
    Class { name: "genesis: the chain's name changed", checks: GENESIS, change: chain_name },
    Class { name: "sets: a change left out", checks: TIP, change: change_left_out },
    Class { name: "sets: a change twice", checks: SETS, change: change_twice },
    Class { name: "sets: the announced set replaced", checks: SETS, change: announced_replaced },
    Class { name: "sets: a set for itself certified by itself", checks: SETS, change: self_made },
    Class { name: "sets: a change certified by too few", checks: SETS, change: change_by_few },
    Class { name: "sets: a change that changes nothing", checks: SETS, change: no_change },
    Class { name: "sets: a change after the tip", checks: EITHER, change: change_after_tip },
    Class { name: "tip: a field of the header changed", checks: TIP, change: tip_field },
    Class {
        name: "tip: a field changed and certified by strangers",
        checks: TIP,
        change: tip_by_strangers,
    },
    Class { name: "tip: certified by the set before", checks: TIP, change: tip_by_old_set },
    Class { name: "certificate: signers below a quorum", checks: EITHER, change: too_few },
    Class { name: "certificate: a signer repeated", checks: EITHER, change: repeated },
    Class { name: "certificate: signers out of order", checks: EITHER, change: out_of_order },
    Class {
        name: "certificate: signatures of two signers swapped",
        checks: EITHER,
        change: swapped,
    },
    Class { name: "certificate: a stranger among the signers", checks: EITHER, change: stranger },
    Class {
        name: "certificate: a bit of a signature flipped",
        checks: EITHER,
        change: signature_bit,
    },
    Class {
        name: "certificate: a signature that is not canonical",
        checks: EITHER,
        change: malleable,
    },
    Class { name: "certificate: another round", checks: EITHER, change: other_round },
    Class { name: "certificate: another block", checks: EITHER, change: other_block },
    Class { name: "certificate: another height", checks: EITHER, change: other_height },
    Class { name: "certificate: prevotes", checks: TIP, change: prevotes },
    Class { name: "certificate: votes for nil", checks: TIP, change: nil_votes },
    Class {
        name: "certificate: votes of another chain",
        checks: TIP,
        change: votes_of_other_chain,
    },
    Class {
        name: "tip: a valid one of an earlier height",
        checks: &["state-records", "log-inclusion"],
        change: earlier_tip,
    },
    Class { name: "tip: block 0", checks: TIP, change: tip_is_genesis },
];

fn head(mutant: &mut Mutant) -> Option<&mut Head> {
    match mutant.frames.first_mut() {
        Some(Frame::Head(head)) => Some(head),
        _ => None,
    }
}

fn change(mutant: &mut Mutant) -> Option<&mut SetChange> {
    mutant.frames.iter_mut().find_map(|frame| match frame {
        Frame::SetChange(change) => Some(change),
        _ => None,
    })
}

fn tip(mutant: &mut Mutant) -> Option<&mut CertifiedHeader> {
    mutant.frames.iter_mut().find_map(|frame| match frame {
        Frame::Tip(tip) => Some(tip),
        _ => None,
    })
}

/// The tip's certificate, or the set change's.
fn certificate<'m>(
    mutant: &'m mut Mutant,
    random: &mut Random,
) -> Option<&'m mut CommitCertificate> {
    if random.index(2) == 0 {
        tip(mutant).map(|tip| &mut tip.certificate)
    } else {
        change(mutant).map(|change| &mut change.announced_by.certificate)
    }
}

fn strangers(random: &mut Random) -> Vec<SigningKey> {
    let base = (random.next_u64() & 0xff) as u8;
    (0..4u8).map(|n| SigningKey::from_seed(&[base ^ n; 32])).collect()
}

fn field(header: &mut Header, random: &mut Random) {
    let other = Digest::sha256(&random.next_u64().to_le_bytes());
    match random.index(12) {
        0 => header.version ^= 1 << random.index(16),
        1 => header.protocol_version ^= 1 << random.index(32),
        2 => header.height = Height(header.height.0 ^ (1 << random.index(8))),
        3 => header.time_ms.0 ^= 1 << random.index(40),
        4 => header.parent = other,
        5 => {
            header.proposer = if header.proposer.is_some() {
                None
            } else {
                Some(strangers(random)[0].public_key())
            }
        }
        6 => header.transactions ^= 1 << random.index(32),
        7 => header.body = other,
        8 => header.log_size ^= 1 << random.index(20),
        9 => header.log_root = other,
        10 => header.state_root = other,
        _ => header.next_validator_set_hash = other,
    }
}

fn other_genesis(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    mutant.genesis = Digest::sha256(&random.next_u64().to_le_bytes());
    true
}

fn other_chain(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let other = World::new(1_000_003 + random.next_u64() % 50, super::Asked::Record);
    mutant.frames = other.mutant().frames;
    true
}

fn genesis_field(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(head) = head(mutant) else { return false };
    field(&mut head.genesis, random);
    true
}

fn own_validators(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(head) = head(mutant) else { return false };
    head.genesis_validators = set_of(&strangers(random));
    true
}

fn founding_power(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(head) = head(mutant) else { return false };
    let mut validators = head.genesis_validators.validators().to_vec();
    let at = random.index(validators.len());
    if random.index(2) == 0 {
        validators[at].power += 1 + random.next_u64() % 9
    } else {
        validators[at].member.push('x')
    }
    head.genesis_validators = ValidatorSet::new(validators).expect("still a set");
    true
}

fn chain_name(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(head) = head(mutant) else { return false };
    head.chain_id = format!("other-{}", random.index(1000)).parse().expect("a chain id");
    true
}

fn change_left_out(_: &World, mutant: &mut Mutant, _: &mut Random) -> bool {
    mutant.frames.retain(|frame| !matches!(frame, Frame::SetChange(_)));
    true
}

fn change_twice(_: &World, mutant: &mut Mutant, _: &mut Random) -> bool {
    mutant.frames.insert(1, mutant.frames[1].clone());
    true
}

fn announced_replaced(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let strangers = strangers(random);
    let Some(change) = change(mutant) else { return false };
    change.next = set_of(&strangers);
    true
}

fn self_made(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let strangers = strangers(random);
    let mut header = world.headers[2].clone();
    header.next_validator_set_hash = set_of(&strangers).hash();
    let mut tip_header = world.tip().clone();
    tip_header.validator_set_hash = set_of(&strangers).hash();
    let Some(change) = change(mutant) else { return false };
    *change = SetChange { announced_by: certify(header, &strangers, 0), next: set_of(&strangers) };
    let Some(tip) = tip(mutant) else { return false };
    *tip = certify(tip_header, &strangers, 0);
    true
}

fn change_by_few(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let count = random.index(3);
    let Some(change) = change(mutant) else { return false };
    change.announced_by = certify(world.headers[2].clone(), &world.old_keys[..count], 0);
    true
}

fn no_change(world: &World, mutant: &mut Mutant, _: &mut Random) -> bool {
    let announced_by = certify(world.headers[1].clone(), &world.old_keys, 0);
    let nothing = SetChange { announced_by, next: set_of(&world.old_keys) };
    mutant.frames.insert(1, Frame::SetChange(nothing));
    true
}

fn change_after_tip(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    // All of it certified by the sets that decided, but the tip lies before the change.
    let Some(tip) = tip(mutant) else { return false };
    let at = 1 + random.index(2);
    *tip = certify(world.headers[at].clone(), &world.old_keys, 0);
    true
}

fn tip_field(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(tip) = tip(mutant) else { return false };
    field(&mut tip.header, random);
    true
}

fn tip_by_strangers(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let strangers = strangers(random);
    let Some(tip) = tip(mutant) else { return false };
    field(&mut tip.header, random);
    *tip = certify(tip.header.clone(), &strangers, 0);
    true
}

fn tip_by_old_set(world: &World, mutant: &mut Mutant, _: &mut Random) -> bool {
    let Some(tip) = tip(mutant) else { return false };
    *tip = certify(tip.header.clone(), &world.old_keys, 0);
    true
}

fn too_few(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(certificate) = certificate(mutant, random) else { return false };
    // Of 4 and of 5 of equal power, 2 are too few.
    while certificate.signatures.len() > random.index(3) {
        let at = random.index(certificate.signatures.len());
        certificate.signatures.remove(at);
    }
    certificate.signatures.len() < 3
}

fn repeated(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(certificate) = certificate(mutant, random) else { return false };
    let at = random.index(certificate.signatures.len());
    if random.index(2) == 0 {
        certificate.signatures.insert(at, certificate.signatures[at].clone());
    } else {
        let other = random.index(certificate.signatures.len());
        certificate.signatures[other] = certificate.signatures[at].clone();
    }
    true
}

fn out_of_order(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(certificate) = certificate(mutant, random) else { return false };
    let (a, b) =
        (random.index(certificate.signatures.len()), random.index(certificate.signatures.len()));
    certificate.signatures.swap(a, b);
    a != b
}

fn swapped(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(certificate) = certificate(mutant, random) else { return false };
    let (a, b) =
        (random.index(certificate.signatures.len()), random.index(certificate.signatures.len()));
    let kept = certificate.signatures[a].signature;
    certificate.signatures[a].signature = certificate.signatures[b].signature;
    certificate.signatures[b].signature = kept;
    a != b
}

fn stranger(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let key = strangers(random).remove(0);
    let Some(tip) = tip(mutant) else { return false };
    let more = certify(tip.header.clone(), &[key], tip.certificate.round);
    let signatures = &mut tip.certificate.signatures;
    if random.index(2) == 0 {
        let at = random.index(signatures.len());
        signatures.remove(at);
    }
    signatures.extend(more.certificate.signatures);
    signatures.sort_by_key(|signature| signature.validator);
    true
}

fn signature_bit(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(certificate) = certificate(mutant, random) else { return false };
    let at = random.index(certificate.signatures.len());
    let mut bytes = *certificate.signatures[at].signature.as_bytes();
    flip(random, &mut bytes);
    certificate.signatures[at].signature = Signature::from_bytes(bytes);
    true
}

/// s + L instead of s: the same signature to a verifier that does not look.
fn malleable(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let Some(certificate) = certificate(mutant, random) else { return false };
    let at = random.index(certificate.signatures.len());
    let mut bytes = *certificate.signatures[at].signature.as_bytes();
    let mut carry = 0u16;
    for (byte, add) in bytes[32..].iter_mut().zip(L) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
    certificate.signatures[at].signature = Signature::from_bytes(bytes);
    carry == 0
}

fn other_round(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(certificate) = certificate(mutant, random) else { return false };
    certificate.round ^= 1 << random.index(32);
    true
}

fn other_block(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(certificate) = certificate(mutant, random) else { return false };
    certificate.block = Digest::sha256(&random.next_u64().to_le_bytes());
    true
}

fn other_height(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(certificate) = certificate(mutant, random) else { return false };
    certificate.height.0 ^= 1 << random.index(64);
    true
}

fn with_votes(world: &World, mutant: &mut Mutant, change: impl Fn(&mut VoteStatement)) -> bool {
    let Some(tip) = tip(mutant) else { return false };
    let header = tip.header.clone();
    let mut vote = VoteStatement {
        chain_id: header.chain_id.clone(),
        height: header.height,
        round: 0,
        kind: VoteKind::Precommit,
        block: Some(header.id()),
    };
    change(&mut vote);
    *tip = certify_vote(header, &world.new_keys, &vote);
    true
}

fn prevotes(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let round = (random.next_u64() % 9) as u32;
    with_votes(world, mutant, |vote| (vote.kind, vote.round) = (VoteKind::Prevote, round))
}

fn nil_votes(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let round = (random.next_u64() % 9) as u32;
    with_votes(world, mutant, |vote| (vote.block, vote.round) = (None, round))
}

fn votes_of_other_chain(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let other = format!("other-{}", random.index(1000));
    with_votes(world, mutant, |vote| vote.chain_id = other.parse().expect("a chain id"))
}

fn earlier_tip(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let at = 3 + random.index(3);
    let Some(tip) = tip(mutant) else { return false };
    *tip = certify(world.headers[at].clone(), &world.new_keys, 0);
    true
}

fn tip_is_genesis(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let keys = if random.index(2) == 0 { &world.old_keys } else { &world.new_keys };
    mutant.frames.retain(|frame| !matches!(frame, Frame::SetChange(_)));
    let Some(tip) = tip(mutant) else { return false };
    *tip = certify(world.headers[0].clone(), keys, 0);
    true
}
