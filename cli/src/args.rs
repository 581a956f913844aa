//! The command tree.

use clap::{Parser, Subcommand};

use crate::commands::{
    audit, authorization, catalog, complaint, consortium, delegation, entry, events, evidence,
    export, import, key, lineage, list, operation, profile, receipt, registry, report, rules,
    search, show, tx, versions,
};
use crate::context::Globals;
use crate::{bench, devnet, witness};

/// Mulu 目录链: the command line of a department, an application and an auditor.
///
/// Data goes to stdout, messages to stderr.
#[derive(Debug, Parser)]
#[command(
    name = "mulu",
    version,
    max_term_width = 110,
    after_help = "\
Exit codes 退出码:
  0 done or verified 完成或验证通过      1 verification FAILED 验证未通过
  2 wrong usage, or undecidable 用法错误  3 not found 未找到
  4 node unreachable or too slow 节点不可达  5 refused by the rules 被规则拒绝
  6 key or permission missing 缺少密钥或权限

First steps 入门:
  mulu key generate --out officer.pem
  mulu profile set market --node http://127.0.0.1:26701 --key officer.pem --member USCC --office data
  mulu status
  mulu import catalog.csv --source-system demo
  mulu audit export 307001/000001 --out entry.bundle
  mulu audit verify entry.bundle --genesis sha256:…"
)]
pub struct Cli {
    /// Global options.
    #[command(flatten)]
    pub globals: Globals,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands. One is made in a process.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Keys: files, and their registration on the chain 密钥
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Profiles: who I am, which node I ask 配置档
    #[command(subcommand)]
    Profile(profile::ProfileCommand),
    /// The node and the chain 节点与链的状态
    Status,
    /// Show one thing: a record, a transaction, a block 查看
    Show(show::ShowArgs),
    /// List records of one kind 列表
    List(list::ListArgs),
    /// Everything that happened to a record 历史
    History(show::HistoryArgs),
    /// OpenLineage events in, use receipts out 血缘事件
    #[command(subcommand)]
    Lineage(lineage::LineageCommand),
    /// Every version a record had 版本
    Versions(versions::VersionsArgs),
    /// What changed in a record between two versions 差异
    Diff(versions::DiffArgs),
    /// What transactions did, from any height on 事件
    Events(events::EventsArgs),
    /// Catalog entries by words 检索
    Search(search::SearchArgs),
    /// What follows from the records: due, unused, unmatched 报告
    Report(report::ReportArgs),
    /// The rules of the chain, offline 规则表（离线）
    Rules(rules::RulesArgs),
    /// Catalog entries 目录条目
    #[command(subcommand)]
    Entry(entry::EntryCommand),
    /// Authorizations 授权
    #[command(subcommand)]
    Authorization(authorization::AuthorizationCommand),
    /// Use receipts 使用回执
    #[command(subcommand)]
    Receipt(receipt::ReceiptCommand),
    /// Members 成员
    #[command(subcommand)]
    Member(registry::MemberCommand),
    /// Offices 处室
    #[command(subcommand)]
    Office(registry::OfficeCommand),
    /// Duties 职责
    #[command(subcommand)]
    Duty(registry::DutyCommand),
    /// Information systems 信息系统
    #[command(subcommand)]
    System(registry::SystemCommand),
    /// Delegations: one member acts for another 委托
    #[command(subcommand)]
    Delegation(delegation::DelegationCommand),
    /// Division codes 行政区划
    #[command(subcommand)]
    Region(delegation::RegionCommand),
    /// Classes of resource codes 信息资源分类
    #[command(subcommand)]
    Class(delegation::ClassCommand),
    /// Corrections: what is wrong with an entry 校核纠错
    #[command(subcommand)]
    Correction(complaint::CorrectionCommand),
    /// Objections to records 异议
    #[command(subcommand)]
    Objection(complaint::ObjectionCommand),
    /// Authorised operations, in six steps 授权运营
    #[command(subcommand)]
    Operation(operation::OperationCommand),
    /// The consortium's parameters 联盟参数
    #[command(subcommand)]
    Params(consortium::ParamsCommand),
    /// The validator set 验证者
    #[command(subcommand)]
    Validator(consortium::ValidatorCommand),
    /// Validators that contradicted themselves 双签证据
    #[command(subcommand)]
    Evidence(evidence::EvidenceCommand),
    /// Transactions as files 交易文件
    #[command(subcommand)]
    Tx(tx::TxCommand),
    /// Import a catalog of another system 导入目录
    Import(import::ImportArgs),
    /// Export entries to a table or to other catalogs 导出目录
    Export(export::ExportArgs),
    /// Generated catalogs for demonstrations 示例目录
    #[command(subcommand)]
    Catalog(catalog::CatalogCommand),
    /// Evidence: export, verify offline, show 审计
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Cosign checkpoints of logs that only grew 见证：联署只增不改的日志检查点
    Witness(witness::WitnessArgs),
    /// A development consortium on this machine 本机开发联盟链
    Devnet(devnet::DevnetArgs),
    /// Measure a consortium on this machine: rates, latencies, CPU, disk 性能测量
    Bench(bench::BenchArgs),
}

#[cfg(test)]
mod tests;
