//! Bounds of the records, named, with their unit last. Texts are counted in characters.

/// Most actions in one transaction (rule TX-09).
pub const ACTIONS_MAX: usize = 500;
/// Longest nonce or claimed creation time of a payload (rule TX-12).
pub const NONCE_CHARS_MAX: usize = 64;

/// Longest name of a member, office, duty or system.
pub const NAME_CHARS_MAX: usize = 256;
/// Longest reason or other remark.
pub const REASON_CHARS_MAX: usize = 500;
/// Longest code of an office, duty or system.
pub const CODE_BYTES_MAX: usize = 32;
/// Most nodes of one member.
pub const NODES_MAX: usize = 16;
/// Most keys registered together with a member.
pub const FIRST_KEYS_MAX: usize = 8;
/// Longest text form of a libp2p peer id.
pub const PEER_ID_BYTES_MAX: usize = 64;
/// Longest label of a key.
pub const LABEL_CHARS_MAX: usize = 64;

/// Heights until a changed validator list decides: the set of height h + 1 is fixed before block h.
pub const VALIDATOR_DELAY_HEIGHTS: u64 = 2;
/// Largest power of one validator.
pub const VALIDATOR_POWER_MAX: u64 = 1_000_000;
/// Largest total power of which none may be faulty: less than a third of it is less than 1.
pub const SMALL_POWER_MAX: u64 = 3;
/// How many heights back an equivocation can still be recorded.
pub const EVIDENCE_HEIGHTS_MAX: u64 = 1_000_000;
/// How many heights ahead a change of the parameters can come into force.
pub const PARAMS_AHEAD_HEIGHTS_MAX: u64 = 10_000_000;
/// How many heights ahead a change of the protocol version comes into force at least: time to see it
/// coming.
pub const PROTOCOL_NOTICE_HEIGHTS_MIN: u64 = 10;
/// Longest deadline, in working days.
pub const DEADLINE_DAYS_MAX: u32 = 366;
/// Most dates of one list of the calendar.
pub const CALENDAR_DATES_MAX: usize = 366;
/// Most division codes set at once.
pub const REGIONS_MAX: usize = 500;
/// Most classes set at once.
pub const CLASSES_MAX: usize = 500;
/// Longest code of a class: what a resource code has room for before `/` and one more.
pub const CLASS_CODE_BYTES_MAX: usize = 62;
/// Most levels of a class: 类, 项, 目, 细目.
pub const CLASS_LEVELS_MAX: usize = 4;
/// Most counter-requests of one authorization, whatever the parameters say.
pub const COUNTER_ROUNDS_MAX: u32 = 100;
/// Most entries of an authorised operation.
pub const OPERATION_ENTRIES_MAX: usize = 200;

/// Longest name of a duty.
pub const DUTY_NAME_CHARS_MAX: usize = 200;
/// Longest description of a duty.
pub const DUTY_DESCRIPTION_CHARS_MAX: usize = 2000;
/// Most legal bases of a duty.
pub const LEGAL_BASES_MAX: usize = 32;
/// Longest title of a legal basis.
pub const LEGAL_TITLE_CHARS_MAX: usize = 500;
/// Longest document number or article of a legal basis.
pub const LEGAL_REFERENCE_CHARS_MAX: usize = 200;

/// Longest name of an information system.
pub const SYSTEM_NAME_CHARS_MAX: usize = 200;
/// Most tables declared by a system.
pub const TABLES_MAX: usize = 1000;
/// Longest table or column name.
pub const TABLE_NAME_CHARS_MAX: usize = 128;
/// Longest comment of a table.
pub const COMMENT_CHARS_MAX: usize = 500;
/// Most duties a system or an entry names.
pub const DUTIES_MAX: usize = 64;

/// Most resource codes of an entry.
pub const CODES_MAX: usize = 8;
/// Longest resource code.
pub const RESOURCE_CODE_BYTES_MAX: usize = 64;
/// Longest name of an entry.
pub const ENTRY_NAME_CHARS_MAX: usize = 500;
/// Longest alias of an entry.
pub const ALIAS_CHARS_MAX: usize = 128;
/// Most keywords of an entry.
pub const KEYWORDS_MAX: usize = 32;
/// Longest keyword.
pub const KEYWORD_CHARS_MAX: usize = 64;
/// Longest summary of an entry.
pub const SUMMARY_CHARS_MAX: usize = 2500;
/// Most formats of an entry.
pub const FORMATS_MAX: usize = 8;
/// Longest format type, such as `xlsx`.
pub const FORMAT_TYPE_CHARS_MAX: usize = 36;
/// Longest note on a format.
pub const FORMAT_NOTE_CHARS_MAX: usize = 256;
/// Most data items of an entry, and most items of a grant.
pub const ITEMS_MAX: usize = 500;
/// Longest id or code of an item.
pub const ITEM_ID_CHARS_MAX: usize = 128;
/// Longest description of an item.
pub const ITEM_DESCRIPTION_CHARS_MAX: usize = 500;
/// Longest share condition, open condition or basis for not sharing.
pub const CONDITION_CHARS_MAX: usize = 500;
/// Most ways of sharing: each at most once.
pub const METHODS_MAX: usize = 6;
/// Most related resource codes.
pub const RELATED_MAX: usize = 32;
/// Most standard items an entry is the one source of.
pub const STANDARD_ITEMS_MAX: usize = 64;
/// Most fields of extended metadata of an entry.
pub const EXTENSIONS_MAX: usize = 32;
/// Most bytes of names and values of an entry's extended metadata together.
pub const EXTENSIONS_BYTES_MAX: usize = 4096;
/// Most system bindings of an entry.
pub const BINDINGS_MAX: usize = 16;
/// Longest name or identifier in a foreign catalog.
pub const SOURCE_CHARS_MAX: usize = 512;

/// How often a grant can be handed on, from the provider's own: whoever consents to one recipient has
/// not consented to the next (no onward disclosure without the provider's consent).
pub const ONWARD_DEPTH_MAX: u32 = 1;
/// Most members a grant names to be handed on to.
pub const RECIPIENTS_MAX: usize = 64;
/// Longest basis, scenario or scope of a use.
pub const PURPOSE_CHARS_MAX: usize = 1000;
/// Longest name or namespace of a job or data set of OpenLineage.
pub const LINEAGE_CHARS_MAX: usize = 512;
/// Most outputs a receipt names.
pub const LINEAGE_OUTPUTS_MAX: usize = 32;
/// Largest total a counter may reach: the I-JSON range, so that every reader can represent it.
pub const COUNTER_MAX: u64 = mulu_chain::limits::JSON_INTEGER_MAX;
