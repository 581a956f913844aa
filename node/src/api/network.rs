//! The network: what an invitation needs to know, passes for newcomers, and petitions.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use mulu_chain::block::BlockId;
use mulu_chain::codec;
use mulu_chain::head::CertifiedHead;
use mulu_chain::pass::Pass;
use mulu_chain::transaction::Envelope;
use mulu_chain::types::{ChainId, Height};
use serde::Serialize;
use serde_json::{Value, json};

use super::catalog::not_ready;
use super::language::Text;
use super::problem::Problem;
use super::submit::{bad_envelope, bad_transaction, refused};
use super::{Api, NetworkState, work};
use crate::lobby::{PassRefused, PetitionRefused, PetitionView};
use crate::storage::{Ledger, StorageError};

/// What an invitation needs to know of the chain and this node.
#[derive(Serialize)]
pub struct NetworkView {
    chain_id: ChainId,
    genesis: BlockId,
    protocol_version: u32,
    height: Height,
    peer_id: String,
    addresses: Vec<String>,
    /// Hex of a `CertifiedHead`; none at height 0.
    checkpoint: Option<String>,
}

/// Reads it.
///
/// # Errors
/// `internal_error` if the ledger cannot be read.
pub async fn read(State(api): State<Arc<Api>>) -> Result<Json<NetworkView>, Problem> {
    let (header, head) = work::read(&api, |ledger| Ok(head(ledger)?)).await?;
    let addresses = api.state.network.as_ref().map(|network| network.addresses.clone());
    Ok(Json(NetworkView {
        chain_id: api.state.founding.chain_id.clone(),
        genesis: api.state.founding.digest,
        protocol_version: header.protocol_version,
        height: header.height,
        peer_id: api.state.node.peer_id.clone(),
        addresses: addresses.unwrap_or_default(),
        checkpoint: head.map(|head| hex::encode(codec::encode(&head))),
    }))
}

fn head(
    ledger: &Ledger,
) -> Result<(mulu_chain::block::Header, Option<CertifiedHead>), StorageError> {
    let header = ledger.tip()?.header;
    let certificate = ledger.certificate(header.height)?;
    let validators = ledger.validator_set(header.height)?;
    let head = certificate.zip(validators).map(|(certificate, validators)| CertifiedHead {
        header: header.clone(),
        certificate,
        validators,
    });
    Ok((header, head))
}

fn network(api: &Api) -> Result<&NetworkState, Problem> {
    api.state.network.as_ref().ok_or_else(|| not_ready(Vec::new()))
}

/// The petitions that wait.
#[derive(Serialize)]
pub struct PetitionsView {
    items: Vec<PetitionView>,
}

/// Lists what still needs signatures.
///
/// # Errors
/// `internal_error` if the ledger cannot be read.
pub async fn petitions(State(api): State<Arc<Api>>) -> Result<Json<PetitionsView>, Problem> {
    let lobby = network(&api)?.lobby.clone();
    let items = work::read(&api, move |ledger| Ok(lobby.petitions(ledger)?)).await?;
    Ok(Json(PetitionsView { items }))
}

/// Takes a petition, or signatures to one.
///
/// # Errors
/// 400 malformed, 422 refused by a rule, 429 full.
pub async fn petition(
    State(api): State<Arc<Api>>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let envelope = Envelope::from_json(&body).map_err(|invalid| bad_envelope(&invalid))?;
    let id = envelope.id();
    let answer = network(&api)?.lobby.petition(envelope).await;
    match answer.ok_or_else(|| not_ready(Vec::new()))? {
        Ok(complete) => {
            let status = if complete { "queued" } else { "waiting" };
            Ok((StatusCode::ACCEPTED, Json(json!({ "id": id, "status": status }))))
        }
        Err(why) => Err(petition_refused(&why)),
    }
}

fn petition_refused(why: &PetitionRefused) -> Problem {
    match why {
        PetitionRefused::Invalid(invalid) => bad_transaction(invalid),
        PetitionRefused::Envelope(invalid) => bad_envelope(invalid),
        PetitionRefused::Rejected(rejection) => refused(rejection),
        PetitionRefused::Full => problem(
            StatusCode::TOO_MANY_REQUESTS,
            "petitions_full",
            why.to_string(),
            "待签请求过多；请先签署，或等待部分请求过期",
        )
        .retry_after_s(60),
        other => {
            let zh = match other {
                PetitionRefused::Committed => "该交易此前已上链".to_owned(),
                PetitionRefused::Signature(key, _) => format!("{key} 的签名对该请求不起作用"),
                _ => "新成员只能申请自己的成员资格".to_owned(),
            };
            problem(StatusCode::UNPROCESSABLE_ENTITY, "petition_refused", other.to_string(), zh)
        }
    }
}

/// Takes a pass for a newcomer.
///
/// # Errors
/// 400 malformed, 422 refused, 429 full.
pub async fn pass(
    State(api): State<Arc<Api>>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let pass: Pass = serde_json::from_slice(&body).map_err(|e| {
        problem(StatusCode::BAD_REQUEST, "pass_malformed", e.to_string(), "通行证格式有误")
    })?;
    let id = pass.id();
    let answer = network(&api)?.lobby.pass(pass).await;
    match answer.ok_or_else(|| not_ready(Vec::new()))? {
        Ok(()) => Ok((StatusCode::CREATED, Json(json!({ "id": id })))),
        Err(why) => {
            let status = match why {
                PassRefused::Full => StatusCode::TOO_MANY_REQUESTS,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            let zh = match &why {
                PassRefused::Invalid(_) => "通行证的形式或签名有误".to_owned(),
                PassRefused::Key(key) => format!("{key} 不是有效成员的管理员或主管密钥"),
                PassRefused::Member(member) => format!("{member} 已是成员"),
                PassRefused::Time => "通行证须在 90 天内到期且尚未过期".to_owned(),
                PassRefused::Guest(guest) => format!("{guest} 不能作为新成员的节点标识"),
                PassRefused::Full => "未用的通行证过多；请等待部分过期".to_owned(),
            };
            Err(problem(status, "pass_refused", why.to_string(), zh))
        }
    }
}

fn problem(status: StatusCode, code: &'static str, en: String, zh: impl Into<String>) -> Problem {
    Problem::new(
        status,
        code,
        Text::new("The request is not taken", "请求未被接受"),
        Text::with(en, zh.into()),
        Text::new("correct it and send it again", "请改正后重新发送"),
    )
}
