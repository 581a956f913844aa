//! `mulu member invite`, `pending`, `approve`, `nodes` and `leave`: how members come, and how each signs
//! on its own machine what several must sign.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mulu_chain::pass::Pass;
use mulu_chain::signature::PublicKey;
use mulu_contracts::action::Action;
use mulu_contracts::key::{Key, KeyRole};
use mulu_contracts::member::{MemberLeave, MemberNodes, MemberRole, NewMember, Node as MemberNode};
use mulu_contracts::state::key_key;
use mulu_contracts::uscc;
use mulu_genesis::invitation::{FORMAT, Invitation};
use mulu_genesis::peer_id::peer_id_of;
use serde_json::{Value, json};

use crate::client::Node;
use crate::context::Context;
use crate::draft::Draft;
use crate::failure::{Exit, Failure, Outcome};
use crate::files::{self, Existing};
use crate::submit::{self, ChainView, SubmitArgs};
use crate::{keyfile, records, render, text};

/// Largest founding document taken from a node, in bytes.
const GENESIS_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Share of the longest validity that a request is given, in percent: the rest is for the way.
const VALID_PERCENT: u64 = 90;
/// Shortest prefix of a petition's id.
const ID_PREFIX_CHARS_MIN: usize = 4;

/// Options of `mulu member invite`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The file holds everything the newcomer needs, and a pass that lets its node in until it expires: hand
it over by a way you trust. The newcomer then runs two commands,
  mulud init --home DIR --invite invitation.json && mulud start --home DIR
and members approve with `mulu member pending` and `mulu member approve`.
Example 示例:
  mulu member invite 11110000MULU000566 --name 民政局 --region 110000 --role provider --role consumer \\
        --out invitation.json --profile data-bureau-administrator")]
pub struct InviteArgs {
    /// The newcomer 新成员的统一社会信用代码
    pub uscc: String,
    /// Its name 名称
    #[arg(long)]
    pub name: String,
    /// Its English name 英文名称
    #[arg(long)]
    pub name_en: Option<String>,
    /// Its division code, six digits 行政区划
    #[arg(long)]
    pub region: String,
    /// What it takes part as (repeatable) 角色（可重复）
    #[arg(long, required = true, value_parser = parse_role, value_name = "ROLE")]
    pub role: Vec<MemberRole>,
    /// Days until the invitation expires 有效天数
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u64).range(1..=90))]
    pub days: u64,
    /// An address to give, with its PeerId (repeatable) [default: those the node knows] 节点地址
    #[arg(long, value_name = "MULTIADDR")]
    pub address: Vec<String>,
    /// The authority under whose name the request is made [default: the own member, or the first] 主管部门
    #[arg(long, value_name = "USCC")]
    pub submitter: Option<String>,
    /// The file to write 输出的邀请函
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Options of `mulu member approve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Signs what waits under this id and hands the signature to the node; when enough members have signed,
the transaction goes into a block by itself.
Example 示例:
  mulu member pending --profile health-administrator
  mulu member approve sha256:3f0c --profile health-administrator --yes")]
pub struct ApproveArgs {
    /// The id or the beginning of it, or the code of the newcomer 编号（可只写开头）或新成员代码
    pub id: String,
    /// Do not wait for the commit 不等待上链
    #[arg(long)]
    pub no_wait: bool,
}

/// Options of `mulu member nodes`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
All nodes of the member, those that stay included. To replace a transport key without a gap, name the
old and the new node first, and the new one alone when it runs:
  mulu member nodes 12D3KooWold… 12D3KooWnew… --profile admin
  mulu member nodes 12D3KooWnew… --profile admin")]
pub struct NodesArgs {
    /// PeerIds, as `mulud show-node-id` prints them 节点标识
    #[arg(required = true)]
    pub peer_ids: Vec<String>,
    /// Submitting.
    #[command(flatten)]
    pub submit: SubmitArgs,
}

/// Options of `mulu member leave`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The own validators leave the set first: mulu validator retire KEY --reason … --petition
Example 示例:
  mulu member leave --reason 机构撤并 --profile admin --yes")]
pub struct LeaveArgs {
    /// Why 原因
    #[arg(long)]
    pub reason: String,
    /// Submitting.
    #[command(flatten)]
    pub submit: SubmitArgs,
}

fn parse_role(text: &str) -> Result<MemberRole, String> {
    serde_json::from_value(Value::String(text.to_owned()))
        .map_err(|_| "one of provider, consumer, authority, auditor".to_owned())
}

/// Runs `mulu member invite`.
///
/// # Errors
/// Exit 2 to 6.
pub fn invite(context: &Context, args: InviteArgs) -> Outcome<()> {
    let code = &args.uscc;
    if !uscc::has_form(code) || !uscc::has_check_symbol(code) {
        return Err(Failure::usage(text!(
            "{code} is no unified social credit code: its form or its check symbol is wrong",
            "{code} 不是有效的统一社会信用代码：格式或校验码不对"
        )));
    }
    let key = context.key()?;
    let node = context.node()?;
    let view = ChainView::ask(&node)?;
    let network = node.get("/v1/network", &[])?;
    let field = |name: &str| network.get(name).cloned().unwrap_or_default();
    let genesis = node.download("/v1/genesis", GENESIS_BYTES_MAX)?;
    let genesis = String::from_utf8(genesis).map_err(|_| foreign(&node))?;
    let known: Vec<String> = serde_json::from_value(field("addresses")).unwrap_or_default();
    let peers = if args.address.is_empty() { known } else { args.address };
    if peers.is_empty() {
        return Err(Failure::usage(text!(
            "the node listens on every interface and does not know its own address",
            "节点监听所有网卡，不知道自己的地址"
        ))
        .help(text!(
            "pass --address /ip4/IP/tcp/PORT/p2p/PEERID (PEERID: `mulud show-node-id`)",
            "请用 --address /ip4/IP/tcp/端口/p2p/节点标识 指定（节点标识见 `mulud show-node-id`）"
        )));
    }
    let submitter = match args.submitter {
        Some(submitter) => submitter,
        None => authority(&node, &key.public_key())?,
    };
    let one_time = keyfile::generate()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let life = Duration::from_secs(args.days.saturating_mul(86_400));
    let expires = now.saturating_add(life).as_millis();
    let expires_ms = u64::try_from(expires).unwrap_or(u64::MAX);
    let guest = peer_id_of(&one_time.public_key());
    let pass = Pass::sign(view.chain_id.clone(), args.uscc.clone(), guest, expires_ms, &key);
    let ahead = view.valid_heights_max.saturating_mul(VALID_PERCENT).div_euclid(100);
    let invitation = Invitation {
        format: FORMAT.to_owned(),
        genesis_digest: serde_json::from_value(field("genesis")).map_err(|_| foreign(&node))?,
        protocol_version: serde_json::from_value(field("protocol_version"))
            .map_err(|_| foreign(&node))?,
        checkpoint: serde_json::from_value(field("checkpoint")).map_err(|_| foreign(&node))?,
        peers,
        submitter,
        member: NewMember {
            uscc: args.uscc,
            name: args.name,
            name_en: args.name_en,
            region: args.region,
            roles: args.role,
            nodes: Vec::new(),
            uscc_check_waived: false,
        },
        valid_until: view.height.saturating_add(ahead),
        pass: pass.clone(),
        pass_seed: one_time.seed().iter().map(|byte| format!("{byte:02x}")).collect(),
        genesis,
    };
    let text = serde_json::to_string_pretty(&invitation)
        .map_err(|e| Failure::usage(text!("{e}", "{e}")))?;
    mulu_genesis::invitation::read(&text)
        .map_err(|e| Failure::usage(crate::lang::Text { en: e.to_string(), zh: e.chinese() }))?;
    let body = serde_json::to_value(&pass).map_err(|e| Failure::usage(text!("{e}", "{e}")))?;
    node.post("/v1/passes", &body)?;
    let shown = args.out.display();
    files::write_private(&args.out, text.as_bytes(), Existing::Refuse)
        .map_err(|e| Failure::usage(text!("cannot write {shown}: {e}", "无法写入 {shown}：{e}")))?;
    if context.is_json() {
        context.print_json(&json!({ "file": args.out, "member": invitation.member,
            "peers": invitation.peers, "submitter": invitation.submitter, "expires_ms": expires_ms }));
    }
    let until = render::time_ms(expires_ms);
    context.say(&text!(
        "wrote {shown}, good until {until}; hand it over by a way you trust, then: mulud init --home DIR --invite {shown} && mulud start --home DIR",
        "邀请函已写入 {shown}，有效期至 {until}；请以可信方式交给对方，对方执行：mulud init --home DIR --invite {shown} && mulud start --home DIR"
    ));
    Ok(())
}

/// The member under whose name a request is made: the signer's, if its key has the role authority,
/// else that of the first authority.
fn authority(node: &Node, own: &PublicKey) -> Outcome<String> {
    let key: Option<records::Stored<Key>> = records::find(node, &key_key(own))?;
    if let Some(stored) = key.filter(|stored| stored.value.has(&[KeyRole::Authority])) {
        return Ok(stored.value.member);
    }
    let mut found = None;
    node.list("/v1/keys", &[("status", "active")], |item| {
        let role = item.pointer("/value/roles").and_then(Value::as_array);
        if role.is_some_and(|roles| roles.iter().any(|role| role == "authority")) {
            found = Some(render::text_at(&item, "/value/member"));
        }
        Ok(found.is_none())
    })?;
    found.ok_or_else(|| {
        Failure::new(Exit::NotFound, text!("no authority is registered", "链上没有主管部门密钥"))
            .help(text!("pass --submitter USCC", "请用 --submitter 指定"))
    })
}

fn foreign(node: &Node) -> Failure {
    let url = node.url();
    Failure::new(
        Exit::Unreachable,
        text!("{url} does not answer like a Mulu node", "{url} 的响应不像目录链节点"),
    )
}

/// Runs `mulu member pending`.
///
/// # Errors
/// Exit 2 to 4.
pub fn pending(context: &Context) -> Outcome<()> {
    let items = petitions(&context.node()?)?;
    if context.is_json() {
        context.print_json(&json!({ "items": items }));
        return Ok(());
    }
    if items.is_empty() {
        context.say(&text!("nothing waits for signatures", "没有待签请求"));
        return Ok(());
    }
    let header = [
        context.word("ID", "编号"),
        context.word("WHAT", "内容"),
        context.word("SIGNED BY", "已签"),
        context.word("MISSING", "尚缺"),
        context.word("COULD SIGN", "可签署的成员"),
        context.word("UNTIL HEIGHT", "截至高度"),
    ];
    let rows: Vec<_> = items.iter().map(|item| row(context, item)).collect();
    context.print(&render::table(&header, &rows));
    context.say(&text!("mulu member approve ID signs one", "用 mulu member approve 编号 签署"));
    Ok(())
}

fn row(context: &Context, item: &Value) -> Vec<String> {
    let list = |pointer: &str| item.pointer(pointer).and_then(Value::as_array).cloned();
    let actions: Vec<String> = list("/actions")
        .unwrap_or_default()
        .iter()
        .filter_map(|action| action.as_str().map(str::to_owned))
        .collect();
    let about = render::text_at(item, "/payload/actions/0/member/name");
    let signed: Vec<String> = list("/signatures")
        .unwrap_or_default()
        .iter()
        .map(|signer| match signer.get("member").and_then(Value::as_str) {
            Some(member) => member.to_owned(),
            None => context.word("the newcomer", "新成员").to_owned(),
        })
        .collect();
    let could = item.pointer("/could_sign").and_then(Value::as_object);
    let could: Vec<String> = could
        .into_iter()
        .flatten()
        .map(|(uscc, name)| format!("{uscc} {}", name.as_str().unwrap_or_default()))
        .collect();
    let missing = render::text_at(item, "/missing/detail");
    let missing = if item.pointer("/missing").is_none_or(Value::is_null) {
        context.word("nothing, on its way", "无，正在上链").to_owned()
    } else {
        format!("{} {missing}", render::text_at(item, "/missing/rule"))
    };
    vec![
        render::text_at(item, "/id").chars().take(19).collect(),
        format!("{} {about}", actions.join(", ")).trim().to_owned(),
        signed.join("\n"),
        missing,
        could.join("\n"),
        render::text_at(item, "/valid_until"),
    ]
}

fn petitions(node: &Node) -> Outcome<Vec<Value>> {
    let answer = node.get("/v1/petitions", &[])?;
    Ok(answer.get("items").and_then(Value::as_array).cloned().unwrap_or_default())
}

/// Runs `mulu member approve`.
///
/// # Errors
/// Exit 2 to 6.
pub fn approve(context: &Context, args: &ApproveArgs) -> Outcome<()> {
    let node = context.node()?;
    let wanted = args.id.as_str();
    let fits = |item: &&Value| {
        let id = render::text_at(item, "/id");
        let hex = id.strip_prefix("sha256:").unwrap_or(&id);
        let long = wanted.trim_start_matches("sha256:").len() >= ID_PREFIX_CHARS_MIN;
        (long && (id.starts_with(wanted) || hex.starts_with(wanted)))
            || render::text_at(item, "/payload/actions/0/member/uscc") == wanted
    };
    let items = petitions(&node)?;
    let found: Vec<&Value> = items.iter().filter(fits).collect();
    let [item] = found.as_slice() else {
        let count = found.len();
        return Err(Failure::new(
            Exit::NotFound,
            text!("{count} petitions fit {wanted:?}", "符合 {wanted:?} 的待签请求有 {count} 个"),
        )
        .help(text!("`mulu member pending` lists them", "可用 `mulu member pending` 查看")));
    };
    let envelope = item.get("envelope").cloned().unwrap_or_default().to_string();
    let mut draft = Draft::from_json(envelope.as_bytes()).map_err(|_| foreign(&node))?;
    // Only the own signature is sent; what is signed is shown from the very bytes.
    draft.signatures.clear();
    let payload: Value = serde_json::from_slice(&draft.payload).unwrap_or_default();
    context.say(&text!("{payload:#}", "{payload:#}"));
    let id = draft.id();
    context.confirm(&text!("Sign {id}?", "确定签署 {id}？"))?;
    draft.sign(&context.key()?);
    hand_in(context, &node, &draft, !args.no_wait)
}

/// Hands a petition or a signature to the node and says what is still missing.
///
/// # Errors
/// Exit 4 or 5.
pub fn hand_in(context: &Context, node: &Node, draft: &Draft, wait: bool) -> Outcome<()> {
    let id = draft.id();
    let answer = node.post("/v1/petitions", &draft.to_json())?;
    if render::text_at(&answer, "/status") == "queued" {
        if wait {
            let result = node.transaction(&id.to_string(), Some(node.timeout()))?;
            return submit::report(context, &result);
        }
        context.say(&text!("{id} has all signatures", "{id} 签名已齐"));
        return Ok(());
    }
    let item =
        petitions(node)?.into_iter().find(|item| render::text_at(item, "/id") == id.to_string());
    let item = item.unwrap_or_default();
    if context.is_json() {
        context.print_json(&json!({ "id": id, "status": "waiting", "petition": item }));
        return Ok(());
    }
    let missing = render::text_at(&item, "/missing/detail");
    context.print(&id.to_string());
    context.say(&text!(
        "waits for signatures: {missing}; others sign with `mulu member approve {id}`",
        "等待签名：{missing}；其他成员用 `mulu member approve {id}` 签署"
    ));
    Ok(())
}

/// Runs `mulu member nodes`.
///
/// # Errors
/// Exit 2 to 6.
pub fn nodes(context: &Context, args: NodesArgs) -> Outcome<()> {
    let node = |peer_id| MemberNode { peer_id, name: None };
    let nodes = args.peer_ids.into_iter().map(node).collect();
    submit::actions(context, &args.submit, vec![Action::MemberNodes(MemberNodes { nodes })])
}

/// Runs `mulu member leave`.
///
/// # Errors
/// Exit 2 to 6.
pub fn leave(context: &Context, args: LeaveArgs) -> Outcome<()> {
    context.confirm(&text!(
        "Leave the consortium? None of the member's keys counts any more.",
        "确定退出联盟？本成员的所有密钥将不再有效。"
    ))?;
    let LeaveArgs { reason, submit } = args;
    submit::actions(context, &submit, vec![Action::MemberLeave(MemberLeave { reason })])
}
