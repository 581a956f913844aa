//! Every rule a client can meet, in one table: id, subject, condition and how to mend it, in
//! English and Chinese.
//!
//! Ids are stable for ever: outcomes in the log carry them. A rule is only ever added; its words
//! may be improved, for they are not in consensus.

mod texts_catalog;
mod texts_chain;
mod texts_identity;
mod texts_sharing;

/// The words of one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    id: &'static str,
    title_en: &'static str,
    title_zh: &'static str,
    help_en: &'static str,
    help_zh: &'static str,
}

const TABLES: [&[Text]; 4] =
    [texts_chain::TEXTS, texts_identity::TEXTS, texts_catalog::TEXTS, texts_sharing::TEXTS];

/// One row of a table of texts.
const fn text(
    id: &'static str,
    [title_en, title_zh]: [&'static str; 2],
    [help_en, help_zh]: [&'static str; 2],
) -> Text {
    Text { id, title_en, title_zh, help_en, help_zh }
}

/// Declares the rules: variant, id.
macro_rules! rules {
    ($($variant:ident = $id:literal,)+) => {
        /// A numbered rule; the variant's name says what is wrong when it is broken.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $(#[doc = concat!("Rule ", $id, ".")] $variant,)+
        }

        impl Rule {
            /// Every rule, grouped by subject, in numeric order.
            pub const ALL: &'static [Rule] = &[$(Rule::$variant,)+];

            /// The stable id, such as `ENT-05`.
            pub const fn id(self) -> &'static str {
                match self { $(Rule::$variant => $id,)+ }
            }

            /// The rule of an id.
            pub fn from_id(id: &str) -> Option<Rule> {
                match id { $($id => Some(Rule::$variant),)+ _ => None }
            }
        }
    };
}

rules! {
    // The chain: encoding, envelope, signature, proofs.
    EncodingTooLong = "ENC-01", EncodingMalformed = "ENC-02", EncodingNotCanonical = "ENC-03",
    JsonUtf8 = "JSN-01", JsonGrammar = "JSN-02", JsonDuplicateKey = "JSN-03", JsonFloat = "JSN-04",
    JsonIntegerRange = "JSN-05", JsonControlCharacter = "JSN-06", JsonInvisible = "JSN-07",
    JsonNotNormalized = "JSN-08", JsonDepth = "JSN-09", JsonStringLength = "JSN-10",
    JsonSurrogate = "JSN-11", JsonBlank = "JSN-12",
    SignatureKeyMalformed = "SIG-01", SignatureKeyWeak = "SIG-02", SignatureMismatch = "SIG-03",
    EnvelopeMalformed = "TX-01", EnvelopeTooLarge = "TX-02", EnvelopePayloadType = "TX-03",
    EnvelopeSignatures = "TX-04", EnvelopeSignature = "TX-05",
    PayloadShape = "TX-06", PayloadChain = "TX-07", PayloadSchemaVersion = "TX-08",
    PayloadActions = "TX-09", TransactionExpired = "TX-10", TransactionTooLongValid = "TX-11",
    PayloadTexts = "TX-12", OnBehalfRefused = "TX-13", RecordExists = "TX-14",
    RecordTooLarge = "TX-15",
    BlockCount = "BLK-01", BlockVersion = "BLK-02",
    BlockParent = "BLK-03", BlockProposer = "BLK-04", BlockTime = "BLK-05",
    BlockDuplicate = "BLK-06", BlockHeader = "BLK-07", BlockBody = "BLK-08",
    CertificateOrder = "CRT-01", CertificateStranger = "CRT-02", CertificateSignature = "CRT-03",
    CertificateQuorum = "CRT-04",
    LogInclusion = "LOG-01", LogConsistency = "LOG-02",
    StateProofRoot = "STA-01", StateProofLeaf = "STA-02", StateProofAbsence = "STA-03",
    BundleMagic = "BND-01", BundleMalformed = "BND-02", BundleOrder = "BND-03",
    ValidatorSetForm = "VAL-01", ValidatorKey = "VAL-02", ValidatorExists = "VAL-03",
    ValidatorPower = "VAL-04", ValidatorUnknown = "VAL-05", ValidatorQuorum = "VAL-06",
    EvidenceValidator = "EVD-01", EvidenceHeight = "EVD-02", EvidenceSame = "EVD-03",
    EvidenceOrder = "EVD-04", EvidenceStatement = "EVD-05", EvidenceSignature = "EVD-06",
    EvidenceExists = "EVD-07",

    // Form of single fields.
    FieldText = "FLD-01", FieldCount = "FLD-02", FieldDate = "FLD-03", FieldCode = "FLD-04",
    FieldDuplicate = "FLD-05", FieldCharacters = "FLD-06", FieldRegion = "FLD-07", FieldRegionInForce = "FLD-08", FieldDates = "FLD-09",
    ParamsForm = "PAR-01", ParamsPrev = "PAR-02", ParamsThreshold = "PAR-03",
    ParamsFrom = "PAR-04",
    ParamsCalendar = "PAR-05",
    ParamsProtocol = "PAR-06",

    // Who acts.
    MemberUnknown = "MEM-01", MemberInactive = "MEM-02", MemberUsccForm = "MEM-03",
    MemberUsccCheck = "MEM-04", MemberExists = "MEM-05", MemberRoles = "MEM-06",
    MemberPeerId = "MEM-07", MemberNoAdministrator = "MEM-08", MemberStanding = "MEM-09", MemberVotes = "MEM-10", MemberSigned = "MEM-11", MemberAuthorityLeaves = "MEM-12",
    OfficeUnknown = "OFF-01", OfficeForeign = "OFF-02", OfficeInactive = "OFF-03",
    OfficeExists = "OFF-04", OfficeSuccessor = "OFF-05",
    KeyUnknown = "KEY-01", KeyNotInForce = "KEY-02", KeySubmitterUnsigned = "KEY-03",
    KeyRole = "KEY-04", KeyOffice = "KEY-05", KeyForeign = "KEY-06", KeyThreshold = "KEY-07",
    KeyPossession = "KEY-08", KeyExists = "KEY-09", KeyAuthorityRole = "KEY-10",
    KeyRoles = "KEY-11", KeyHeights = "KEY-12", KeyAlreadyRevoked = "KEY-13",
    KeyRevokeUnknown = "KEY-14", KeyVotes = "KEY-15", KeyFirstRole = "KEY-16",
    KeyVotesOnly = "KEY-17", KeyConsortium = "KEY-18", DelegationSelf = "DEL-01", DelegationScope = "DEL-02", DelegationUndelegable = "DEL-03", DelegationWindow = "DEL-04", DelegationExists = "DEL-05", DelegationUnknown = "DEL-06",

    // What exists.
    DutyUnknown = "DUT-01", DutyForeign = "DUT-02", DutyNotInForce = "DUT-03",
    DutyExists = "DUT-04", DutyDates = "DUT-05", DutyEnded = "DUT-06", DutyParties = "DUT-07", DutyTransferSelf = "DUT-08",
    SystemUnknown = "SYS-01", SystemForeign = "SYS-02", SystemStopped = "SYS-03",
    SystemExists = "SYS-04", SystemTable = "SYS-05", SystemProtection = "SYS-06", SystemPrev = "SYS-07", SystemStatusBack = "SYS-08",
    EntryUnknown = "ENT-01", EntryForeign = "ENT-02", EntryNotPublished = "ENT-03",
    EntryPrev = "ENT-04", EntryCodeForm = "ENT-05", EntryCodeTaken = "ENT-06",
    EntryNameTaken = "ENT-07", EntryPrimaryCode = "ENT-08", EntryCondition = "ENT-09",
    EntryNoShareBasis = "ENT-10", EntryShareSurplus = "ENT-11", EntryOpen = "ENT-12",
    EntryLevel = "ENT-13", EntrySensitive = "ENT-14", EntrySecret = "ENT-15",
    EntryItemTwice = "ENT-16", EntryNoItems = "ENT-17", EntrySystems = "ENT-18",
    EntryRelatedSelf = "ENT-19", EntrySourceTaken = "ENT-20", EntryPublishedAt = "ENT-21",
    EntryCore = "ENT-22", EntryProviderRole = "ENT-23", EntryItemSystem = "ENT-24", EntryAuthoritative = "ENT-25", EntryFrozen = "ENT-26", EntryStatusMove = "ENT-27", EntrySuspender = "ENT-28",
    EntryRegistration = "ENT-29",
    SubmissionUnknown = "ENT-30",
    SubmissionStatus = "ENT-31",
    EntryTransferSelf = "ENT-32",
    EntryParties = "ENT-33",
    EntryClass = "ENT-34", EntryClassPath = "ENT-35", EntryRelated = "ENT-36",
    EntryExtensions = "ENT-37",
    ClassForm = "CLS-01", ClassAbove = "CLS-02",

    // Who may use it, and what was done.
    AuthorizationUnknown = "AUT-01", AuthorizationParty = "AUT-02", AuthorizationStatus = "AUT-03",
    AuthorizationVersion = "AUT-04", AuthorizationNotShared = "AUT-05",
    AuthorizationItems = "AUT-06", AuthorizationItemNotShared = "AUT-07",
    AuthorizationSelf = "AUT-08", AuthorizationWindow = "AUT-09", AuthorizationOffice = "AUT-10",
    AuthorizationMethod = "AUT-11", AuthorizationWider = "AUT-12", AuthorizationTerms = "AUT-13",
    AuthorizationBoth = "AUT-14", AuthorizationConsumerRole = "AUT-15",
    AuthorizationOver = "AUT-16", AuthorizationOnward = "AUT-17", AuthorizationReplaces = "AUT-18", AuthorizationSuspender = "AUT-19", AuthorizationAutomatic = "AUT-20", AuthorizationObligations = "AUT-21",
    AuthorizationDisputeLate = "AUT-22",
    AuthorizationRounds = "AUT-23", AuthorizationExamined = "AUT-24", AuthorizationRate = "AUT-25",
    AuthorizationRecipients = "AUT-26",
    ReceiptGrant = "RCP-01", ReceiptSigner = "RCP-02", ReceiptTerms = "RCP-03",
    ReceiptItems = "RCP-04", ReceiptPurpose = "RCP-05", ReceiptWindow = "RCP-06",
    ReceiptFuture = "RCP-07", ReceiptLimits = "RCP-08", ReceiptSequence = "RCP-09",
    ReceiptPrevious = "RCP-10", ReceiptPeer = "RCP-11", ReceiptDigest = "RCP-12", ReceiptStricter = "RCP-13", ReceiptCorrects = "RCP-14", ReceiptLines = "RCP-15",
    ReceiptOnwardLimits = "RCP-16", ReceiptRun = "RCP-17", ReceiptOperator = "RCP-18", ReceiptRate = "RCP-19", ReceiptPeriods = "RCP-20", ReceiptSystems = "RCP-21",
    CorrectionSelf = "COR-01", CorrectionItem = "COR-02", CorrectionUnknown = "COR-03", CorrectionParty = "COR-04", CorrectionStatus = "COR-05", CorrectionVersion = "COR-06", ObjectionSubject = "OBJ-01", ObjectionUnknown = "OBJ-02", ObjectionClosed = "OBJ-03", ObjectionParty = "OBJ-04", OperationUnknown = "OPR-01", OperationOrder = "OPR-02", OperationParty = "OPR-03", OperationCore = "OPR-04", OperationOperator = "OPR-05", OperationBoth = "OPR-06", OperationWindow = "OPR-07",
}

impl Rule {
    /// What the rule is about: the id without its number.
    pub fn subject(self) -> &'static str {
        self.id().split('-').next().unwrap_or("")
    }

    /// Where the specification states it: an anchor of `SPEC.md`.
    pub fn spec_anchor(self) -> &'static str {
        match self.subject() {
            "ENC" => "#2-encoding",
            "SIG" => "#4-keys-and-signatures",
            "JSN" => "#5-transactions",
            "BLK" => "#6-blocks",
            "LOG" => "#7-the-log",
            "STA" => "#82-proofs",
            "CRT" => "#9-certificates-and-validator-sets",
            "BND" => "#10-bundles",
            _ => "#11-records-and-rules",
        }
    }

    /// What is wrong when the rule is broken, in English.
    pub fn title_en(self) -> &'static str {
        self.text().title_en
    }

    /// What is wrong when the rule is broken, in Chinese.
    pub fn title_zh(self) -> &'static str {
        self.text().title_zh
    }

    /// How to mend it, in English.
    pub fn help_en(self) -> &'static str {
        self.text().help_en
    }

    /// How to mend it, in Chinese.
    pub fn help_zh(self) -> &'static str {
        self.text().help_zh
    }

    /// The rule's words; that every rule has its row exactly once is held by a test.
    fn text(self) -> Text {
        let rows = TABLES.iter().flat_map(|table| table.iter());
        let row = rows.copied().find(|row| row.id == self.id());
        row.unwrap_or(text(self.id(), [self.id(), self.id()], ["", ""]))
    }
}

#[cfg(test)]
mod tests;
