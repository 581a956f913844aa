//! What a transaction can do: the closed list of actions, told apart by `type`.

use serde::{Deserialize, Serialize};

use crate::authorization::AuthorizationConfirm;
use crate::authorization::AuthorizationDecide;
use crate::authorization::AuthorizationStanding;
use crate::authorization::{
    AuthorizationAgree, AuthorizationFinalize, AuthorizationOffer, AuthorizationReject,
    AuthorizationRelinquish, AuthorizationRequest, AuthorizationRevoke, AuthorizationWithdraw,
};
use crate::authorization::{AuthorizationCounter, AuthorizationExamine};
use crate::class::ClassSet;
use crate::correction::CorrectionAnswer;
use crate::correction::CorrectionFix;
use crate::correction::CorrectionOpen;
use crate::correction::CorrectionWithdraw;
use crate::delegation::DelegationEnd;
use crate::delegation::DelegationGrant;
use crate::duty::DutyAbolish;
use crate::duty::DutyRegister;
use crate::duty::DutyTransfer;
use crate::entry::EntryStanding;
use crate::entry::{
    EntryDecision, EntryPublish, EntryRevise, EntrySubmit, EntryTransfer, EntryWithdraw,
};
use crate::evidence::EvidenceRecord;
use crate::key::KeyRotate;
use crate::key::{KeyRegister, KeyRevoke};
use crate::member::MemberAdmit;
use crate::member::MemberResume;
use crate::member::{MemberLeave, MemberNodes, MemberSuspend};
use crate::objection::ObjectionDecide;
use crate::objection::ObjectionOpen;
use crate::objection::ObjectionWithdraw;
use crate::office::OfficeDissolve;
use crate::office::OfficeEstablish;
use crate::operation::OperationAdvance;
use crate::operation::OperationPlan;
use crate::params::ParamsChange;
use crate::receipt::ReceiptRecord;
use crate::region::RegionSet;
use crate::system::SystemRegister;
use crate::system::SystemRevise;
use crate::validator::{ValidatorAdmit, ValidatorRetire};

/// One action of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Action {
    /// An authority admits a member.
    #[serde(rename = "member.admit")]
    MemberAdmit(MemberAdmit),
    /// A member establishes an office.
    #[serde(rename = "office.establish")]
    OfficeEstablish(OfficeEstablish),
    /// A member registers a key.
    #[serde(rename = "key.register")]
    KeyRegister(KeyRegister),
    /// A member or an authority revokes a key.
    #[serde(rename = "key.revoke")]
    KeyRevoke(KeyRevoke),
    /// A member registers a duty.
    #[serde(rename = "duty.register")]
    DutyRegister(DutyRegister),
    /// A member registers an information system.
    #[serde(rename = "system.register")]
    SystemRegister(SystemRegister),
    /// A provider publishes a catalog entry.
    #[serde(rename = "entry.publish")]
    EntryPublish(Box<EntryPublish>),
    /// A provider publishes a new version of an entry.
    #[serde(rename = "entry.revise")]
    EntryRevise(Box<EntryRevise>),
    /// A provider withdraws an entry.
    #[serde(rename = "entry.withdraw")]
    EntryWithdraw(EntryWithdraw),
    /// A consumer requests the use of an entry.
    #[serde(rename = "authorization.request")]
    AuthorizationRequest(AuthorizationRequest),
    /// A provider offers less than was requested.
    #[serde(rename = "authorization.offer")]
    AuthorizationOffer(AuthorizationOffer),
    /// The provider agrees to the request, or the consumer to the offer.
    #[serde(rename = "authorization.agree")]
    AuthorizationAgree(AuthorizationAgree),
    /// Both parties sign the agreed terms.
    #[serde(rename = "authorization.finalize")]
    AuthorizationFinalize(AuthorizationFinalize),
    /// The provider refuses.
    #[serde(rename = "authorization.reject")]
    AuthorizationReject(AuthorizationReject),
    /// The consumer takes the request back.
    #[serde(rename = "authorization.withdraw")]
    AuthorizationWithdraw(AuthorizationWithdraw),
    /// The provider or an authority ends a finalized authorization.
    #[serde(rename = "authorization.revoke")]
    AuthorizationRevoke(AuthorizationRevoke),
    /// The consumer gives a finalized authorization up.
    #[serde(rename = "authorization.relinquish")]
    AuthorizationRelinquish(AuthorizationRelinquish),
    /// A party records what was delivered, received, used or denied.
    #[serde(rename = "receipt.record")]
    ReceiptRecord(ReceiptRecord),
    /// The consortium changes its parameters.
    #[serde(rename = "params.change")]
    ParamsChange(ParamsChange),
    /// The consortium lets a key vote.
    #[serde(rename = "validator.admit")]
    ValidatorAdmit(ValidatorAdmit),
    /// The consortium takes a validator out of the set.
    #[serde(rename = "validator.retire")]
    ValidatorRetire(ValidatorRetire),
    /// A member reports a validator that contradicted itself.
    #[serde(rename = "evidence.record")]
    EvidenceRecord(EvidenceRecord),
    /// An authority suspends a member.
    #[serde(rename = "member.suspend")]
    MemberSuspend(MemberSuspend),
    /// An authority lets a suspended member act again.
    #[serde(rename = "member.resume")]
    MemberResume(MemberResume),
    /// A member dissolves an office.
    #[serde(rename = "office.dissolve")]
    OfficeDissolve(OfficeDissolve),
    /// A key is replaced by another of the same standing.
    #[serde(rename = "key.rotate")]
    KeyRotate(KeyRotate),
    /// A member lets another act for it.
    #[serde(rename = "delegation.grant")]
    DelegationGrant(DelegationGrant),
    /// One of the two, or an authority, ends a delegation.
    #[serde(rename = "delegation.end")]
    DelegationEnd(DelegationEnd),
    /// An authority sets division codes.
    #[serde(rename = "region.set")]
    RegionSet(RegionSet),
    /// An authority sets classes.
    #[serde(rename = "class.set")]
    ClassSet(ClassSet),
    /// A duty passes to another member.
    #[serde(rename = "duty.transfer")]
    DutyTransfer(DutyTransfer),
    /// A duty ends.
    #[serde(rename = "duty.abolish")]
    DutyAbolish(DutyAbolish),
    /// A member replaces what is said of a system.
    #[serde(rename = "system.revise")]
    SystemRevise(SystemRevise),
    /// A provider or an authority suspends an entry.
    #[serde(rename = "entry.suspend")]
    EntrySuspend(EntryStanding),
    /// An entry is published again.
    #[serde(rename = "entry.resume")]
    EntryResume(EntryStanding),
    /// A provider retires an entry, for ever.
    #[serde(rename = "entry.retire")]
    EntryRetire(EntryStanding),
    /// An authority returns an entry to its provider.
    #[serde(rename = "entry.return")]
    EntryReturn(EntryStanding),
    /// An authority rejects an entry, for ever.
    #[serde(rename = "entry.reject")]
    EntryReject(EntryStanding),
    /// An authority freezes an entry by order.
    #[serde(rename = "entry.freeze")]
    EntryFreeze(EntryStanding),
    /// An authority lifts an order.
    #[serde(rename = "entry.lift")]
    EntryLift(EntryStanding),
    /// A provider submits a version of an entry.
    #[serde(rename = "entry.submit")]
    EntrySubmit(Box<EntrySubmit>),
    /// An authority registers a submitted version.
    #[serde(rename = "entry.register")]
    EntryRegister(EntryDecision),
    /// An authority publishes a registered version.
    #[serde(rename = "entry.release")]
    EntryRelease(EntryDecision),
    /// An entry passes to another member.
    #[serde(rename = "entry.transfer")]
    EntryTransfer(Box<EntryTransfer>),
    /// A party or an authority suspends a grant.
    #[serde(rename = "authorization.suspend")]
    AuthorizationSuspend(AuthorizationStanding),
    /// Who suspended a grant, or an authority, resumes it.
    #[serde(rename = "authorization.resume")]
    AuthorizationResume(AuthorizationStanding),
    /// The consumer answers an offer, or a return, with another request.
    #[serde(rename = "authorization.counter")]
    AuthorizationCounter(AuthorizationCounter),
    /// An authority examines a request.
    #[serde(rename = "authorization.examine")]
    AuthorizationExamine(AuthorizationExamine),
    /// The provider stands by a grant whose entry became stricter.
    #[serde(rename = "authorization.confirm")]
    AuthorizationConfirm(AuthorizationConfirm),
    /// The consumer disputes a refusal.
    #[serde(rename = "authorization.dispute")]
    AuthorizationDispute(AuthorizationStanding),
    /// An authority decides a dispute.
    #[serde(rename = "authorization.decide")]
    AuthorizationDecide(AuthorizationDecide),
    /// A member says what is wrong with an entry.
    #[serde(rename = "correction.open")]
    CorrectionOpen(CorrectionOpen),
    /// The provider accepts or declines a correction.
    #[serde(rename = "correction.answer")]
    CorrectionAnswer(CorrectionAnswer),
    /// The provider shows the version that mends it.
    #[serde(rename = "correction.fix")]
    CorrectionFix(CorrectionFix),
    /// Who opened a correction takes it back.
    #[serde(rename = "correction.withdraw")]
    CorrectionWithdraw(CorrectionWithdraw),
    /// A member contests a record.
    #[serde(rename = "objection.open")]
    ObjectionOpen(ObjectionOpen),
    /// An authority decides an objection.
    #[serde(rename = "objection.decide")]
    ObjectionDecide(ObjectionDecide),
    /// Who opened an objection takes it back.
    #[serde(rename = "objection.withdraw")]
    ObjectionWithdraw(ObjectionWithdraw),
    /// A member plans an authorised operation.
    #[serde(rename = "operation.plan")]
    OperationPlan(OperationPlan),
    /// The next step of an authorised operation.
    #[serde(rename = "operation.advance")]
    OperationAdvance(OperationAdvance),
    /// A member says which nodes it runs.
    #[serde(rename = "member.nodes")]
    MemberNodes(MemberNodes),
    /// A member leaves.
    #[serde(rename = "member.leave")]
    MemberLeave(MemberLeave),
}

impl Action {
    /// The action's `type`.
    pub const fn name(&self) -> &'static str {
        match self {
            Action::MemberAdmit(_) => "member.admit",
            Action::OfficeEstablish(_) => "office.establish",
            Action::KeyRegister(_) => "key.register",
            Action::KeyRevoke(_) => "key.revoke",
            Action::DutyRegister(_) => "duty.register",
            Action::SystemRegister(_) => "system.register",
            Action::EntryPublish(_) => "entry.publish",
            Action::EntryRevise(_) => "entry.revise",
            Action::EntryWithdraw(_) => "entry.withdraw",
            Action::AuthorizationRequest(_) => "authorization.request",
            Action::AuthorizationOffer(_) => "authorization.offer",
            Action::AuthorizationAgree(_) => "authorization.agree",
            Action::AuthorizationFinalize(_) => "authorization.finalize",
            Action::AuthorizationReject(_) => "authorization.reject",
            Action::AuthorizationWithdraw(_) => "authorization.withdraw",
            Action::AuthorizationRevoke(_) => "authorization.revoke",
            Action::AuthorizationRelinquish(_) => "authorization.relinquish",
            Action::ReceiptRecord(_) => "receipt.record",
            Action::ParamsChange(_) => "params.change",
            Action::ValidatorAdmit(_) => "validator.admit",
            Action::ValidatorRetire(_) => "validator.retire",
            Action::EvidenceRecord(_) => "evidence.record",
            Action::MemberSuspend(_) => "member.suspend",
            Action::MemberResume(_) => "member.resume",
            Action::OfficeDissolve(_) => "office.dissolve",
            Action::KeyRotate(_) => "key.rotate",
            Action::DelegationGrant(_) => "delegation.grant",
            Action::DelegationEnd(_) => "delegation.end",
            Action::RegionSet(_) => "region.set",
            Action::ClassSet(_) => "class.set",
            Action::DutyTransfer(_) => "duty.transfer",
            Action::DutyAbolish(_) => "duty.abolish",
            Action::SystemRevise(_) => "system.revise",
            Action::EntrySuspend(_) => "entry.suspend",
            Action::EntryResume(_) => "entry.resume",
            Action::EntryRetire(_) => "entry.retire",
            Action::EntryReturn(_) => "entry.return",
            Action::EntryReject(_) => "entry.reject",
            Action::EntryFreeze(_) => "entry.freeze",
            Action::EntryLift(_) => "entry.lift",
            Action::EntrySubmit(_) => "entry.submit",
            Action::EntryRegister(_) => "entry.register",
            Action::EntryRelease(_) => "entry.release",
            Action::EntryTransfer(_) => "entry.transfer",
            Action::AuthorizationSuspend(_) => "authorization.suspend",
            Action::AuthorizationResume(_) => "authorization.resume",
            Action::AuthorizationCounter(_) => "authorization.counter",
            Action::AuthorizationExamine(_) => "authorization.examine",
            Action::AuthorizationConfirm(_) => "authorization.confirm",
            Action::AuthorizationDispute(_) => "authorization.dispute",
            Action::AuthorizationDecide(_) => "authorization.decide",
            Action::CorrectionOpen(_) => "correction.open",
            Action::CorrectionAnswer(_) => "correction.answer",
            Action::CorrectionFix(_) => "correction.fix",
            Action::CorrectionWithdraw(_) => "correction.withdraw",
            Action::ObjectionOpen(_) => "objection.open",
            Action::ObjectionDecide(_) => "objection.decide",
            Action::ObjectionWithdraw(_) => "objection.withdraw",
            Action::OperationPlan(_) => "operation.plan",
            Action::OperationAdvance(_) => "operation.advance",
            Action::MemberNodes(_) => "member.nodes",
            Action::MemberLeave(_) => "member.leave",
        }
    }
}
