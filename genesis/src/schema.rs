//! What a founding document may hold: its sections and their fields.
//!
//! The fields are those of the actions that would register the same record later
//! (`member.admit`, `office.establish`, …), plus `member`, the owner, which a transaction takes
//! from its submitter. A test holds the two together.

use mulu_chain::digest::Digest;
use mulu_chain::limits::JSON_INTEGER_MAX;
use mulu_chain::signature::PublicKey;
use mulu_chain::types::ChainId;
use mulu_contracts::duty::{DutyCategory, LegalKind};
use mulu_contracts::key::KeyRole;
use mulu_contracts::member::MemberRole;
use mulu_contracts::system::SystemStatus;
use serde::de::DeserializeOwned;

use crate::fault::Help;
use crate::peer_id;
use crate::reader::{Field, Form, Kind};

const fn required(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: true }
}

const fn optional(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false }
}

const WIDE: Kind = Kind::Count(JSON_INTEGER_MAX);
/// Counts of 32 bits; widening is lossless.
const NARROW: Kind = Kind::Count(u32::MAX as u64);
const BYTE: Kind = Kind::Count(u8::MAX as u64);

/// The document.
pub(crate) const DOCUMENT: &[Field] = &[
    required("chain_id", Kind::Formed(&CHAIN_ID)),
    required("time", Kind::Moment),
    optional("params", Kind::Table(PARAMS)),
    required("member", Kind::Tables(MEMBER)),
    optional("office", Kind::Tables(OFFICE)),
    required("key", Kind::Tables(KEY)),
    required("validator", Kind::Tables(VALIDATOR)),
    optional("duty", Kind::Tables(DUTY)),
    optional("system", Kind::Tables(SYSTEM)),
];

/// `[params]`: every parameter has a default.
pub(crate) const PARAMS: &[Field] = &[
    optional("valid_heights_max", WIDE),
    optional("authority_threshold", NARROW),
    optional("consortium_threshold", NARROW),
    optional("block_time_drift_ms", WIDE),
    optional("heartbeat_ms", WIDE),
    optional("grant_window_ms_max", WIDE),
    optional("clock_skew_ms", WIDE),
    optional("block_transactions_max", NARROW),
    optional("block_bytes_max", NARROW),
    optional("entry_registration", Kind::Flag),
    optional("request_compliance", Kind::Flag),
    optional("counter_rounds_max", NARROW),
    optional("deadlines", Kind::Table(DEADLINES)),
    optional("calendar", Kind::Table(CALENDAR)),
];

/// `[params.deadlines]`: in working days; what is not named has no deadline.
pub(crate) const DEADLINES: &[Field] = &[
    optional("answer_unconditional_days", NARROW),
    optional("answer_conditional_days", NARROW),
    optional("provision_days", NARROW),
    optional("dispute_days", NARROW),
    optional("objection_days", NARROW),
    optional("correction_days", NARROW),
    optional("rebind_days", NARROW),
];

/// `[params.calendar]`.
pub(crate) const CALENDAR: &[Field] =
    &[optional("holidays", Kind::Texts), optional("workdays", Kind::Texts)];

/// `[[member]]`.
pub(crate) const MEMBER: &[Field] = &[
    required("uscc", Kind::Text),
    required("name", Kind::Text),
    optional("name_en", Kind::Text),
    required("region", Kind::Text),
    required("roles", Kind::FormedTexts(&MEMBER_ROLE)),
    optional("nodes", Kind::Tables(NODE)),
    optional("uscc_check_waived", Kind::Flag),
];

const NODE: &[Field] = &[required("peer_id", Kind::Formed(&PEER_ID)), optional("name", Kind::Text)];

/// `[[office]]`.
pub(crate) const OFFICE: &[Field] = &[
    required("member", Kind::Text),
    required("code", Kind::Text),
    required("name", Kind::Text),
    optional("name_en", Kind::Text),
];

/// `[[key]]`.
pub(crate) const KEY: &[Field] = &[
    required("member", Kind::Text),
    required("public_key", Kind::Formed(&PUBLIC_KEY)),
    required("roles", Kind::FormedTexts(&KEY_ROLE)),
    optional("office", Kind::Text),
    optional("label", Kind::Text),
    optional("valid_from", WIDE),
    optional("valid_to", WIDE),
];

/// `[[validator]]`.
pub(crate) const VALIDATOR: &[Field] = &[
    required("member", Kind::Text),
    required("public_key", Kind::Formed(&PUBLIC_KEY)),
    optional("power", WIDE),
];

/// `[[duty]]`.
pub(crate) const DUTY: &[Field] = &[
    required("member", Kind::Text),
    required("code", Kind::Text),
    required("name", Kind::Text),
    optional("description", Kind::Text),
    required("legal_basis", Kind::Tables(LEGAL_BASIS)),
    required("office", Kind::Text),
    required("category", Kind::Formed(&DUTY_CATEGORY)),
    required("effective_from", Kind::Moment),
    optional("effective_to", Kind::Moment),
];

const LEGAL_BASIS: &[Field] = &[
    required("kind", Kind::Formed(&LEGAL_KIND)),
    required("title", Kind::Text),
    optional("document_no", Kind::Text),
    optional("article", Kind::Text),
];

/// `[[system]]`.
pub(crate) const SYSTEM: &[Field] = &[
    required("member", Kind::Text),
    required("code", Kind::Text),
    required("name", Kind::Text),
    required("office", Kind::Text),
    required("status", Kind::Formed(&SYSTEM_STATUS)),
    optional("tables", Kind::Tables(TABLE)),
    optional("protection_level", BYTE),
    optional("duties", Kind::Texts),
    optional("profile", Kind::Table(PROFILE)),
];

const PROFILE: &[Field] = &[
    optional("operator", Kind::Text),
    optional("filing_no", Kind::Text),
    optional("crypto_review", Kind::Table(CRYPTO_REVIEW)),
    optional("host", Kind::Text),
    optional("database", Kind::Text),
    optional("first_online", Kind::Moment),
    optional("previous", Kind::Text),
];

const CRYPTO_REVIEW: &[Field] = &[required("result", Kind::Text), required("date", Kind::Moment)];

const TABLE: &[Field] = &[
    required("name", Kind::Text),
    optional("comment", Kind::Text),
    optional("columns_hash", Kind::Formed(&DIGEST)),
    optional("rows_claimed", WIDE),
];

/// The complaint about a word that is none of an enumeration of the contracts.
fn not_a<T: DeserializeOwned>(word: &str) -> Option<String> {
    serde_json::from_value::<T>(word.into()).err().map(|error| error.to_string())
}

const WORD: Help =
    Help { en: "write one of the words named above", zh: "请使用上面列出的词之一" };

static MEMBER_ROLE: Form = Form { complaint: not_a::<MemberRole>, help: WORD };
static KEY_ROLE: Form = Form { complaint: not_a::<KeyRole>, help: WORD };
static DUTY_CATEGORY: Form = Form { complaint: not_a::<DutyCategory>, help: WORD };
static LEGAL_KIND: Form = Form { complaint: not_a::<LegalKind>, help: WORD };
static SYSTEM_STATUS: Form = Form { complaint: not_a::<SystemStatus>, help: WORD };

static CHAIN_ID: Form = Form {
    complaint: |text| text.parse::<ChainId>().err().map(|invalid| invalid.to_string()),
    help: Help {
        en: "name the chain, such as \"mulu-devnet\"",
        zh: "请给链命名，例如 \"mulu-devnet\"",
    },
};

static PUBLIC_KEY: Form = Form {
    complaint: |text| text.parse::<PublicKey>().err().map(|invalid| invalid.to_string()),
    help: Help {
        en: "copy the key's text as `mulu key show` or `mulud show-validator` prints it",
        zh: "请照抄 mulu key show 或 mulud show-validator 显示的公钥文本",
    },
};

static PEER_ID: Form = Form {
    complaint: |text| peer_id::peer_id_key(text).err().map(|invalid| invalid.to_string()),
    help: Help {
        en: "copy the node's identity as `mulud show-node-id` prints it",
        zh: "请照抄 mulud show-node-id 显示的节点标识",
    },
};

static DIGEST: Form = Form {
    complaint: |text| text.parse::<Digest>().err().map(|invalid| invalid.to_string()),
    help: Help {
        en: "write `sha256:` and 64 lower-case hexadecimal digits",
        zh: "请写 sha256: 加 64 位小写十六进制数字",
    },
};

#[cfg(test)]
mod tests;
