//! Renders the development consortium's founding document.

use std::fmt::Write as _;

use mulu_chain::signature::PublicKey;

use super::{DATA_BUREAU, DEPARTMENTS, Department, DepartmentKeys, DevnetKeys};
use crate::peer_id::peer_id_of;

/// The founding document of the development consortium. `chain_id` and `time` are written as
/// given; [`crate::parse`] judges them.
pub fn founding_text(chain_id: &str, time: &str, keys: &DevnetKeys) -> String {
    let mut text = header(chain_id, time);
    for (department, own) in DEPARTMENTS.iter().zip(&keys.departments) {
        line(
            &mut text,
            format_args!(
                "\n# {0}\n# {1} {2}\n# {0}",
                "-".repeat(76),
                department.name,
                department.name_en
            ),
        );
        member(&mut text, department, own);
        offices(&mut text, department);
        department_keys(&mut text, department, own);
        if department.slug == DATA_BUREAU.slug {
            key(&mut text, department, &keys.authority, "authority", "主管部门签发密钥");
            key(&mut text, department, &keys.auditor, "auditor", "稽核密钥");
        }
        duties(&mut text, department);
        systems(&mut text, department);
    }
    text
}

fn header(chain_id: &str, time: &str) -> String {
    format!(
        "# 目录链创世文件(开发联盟链)\n\
         # Founding document of a development consortium.\n\
         #\n\
         # Development only: one person holds all of these keys, and the departments are invented.\n\
         # 仅供开发试用：所有密钥由一人持有，部门及统一社会信用代码均为虚构。\n\
         #\n\
         # Block 0 is made of this document. Comments, blanks and the order of sections do not\n\
         # change its digest; everything else does.\n\
         \n\
         chain_id = {}\n\
         # Block time of block 0 (创世时间)\n\
         time = {}\n\
         \n\
         [params]\n\
         # Members whose authority keys must sign an admission (准入所需的主管部门数)\n\
         authority_threshold = 1\n",
        quoted(chain_id),
        quoted(time),
    )
}

fn member(text: &mut String, department: &Department, keys: &DepartmentKeys) {
    line(text, "\n[[member]]");
    pair(text, "uscc", department.uscc);
    pair(text, "name", department.name);
    pair(text, "name_en", department.name_en);
    pair(text, "region", department.region);
    line(text, format_args!("roles = {}", list(department.roles)));
    let (peer_id, name) = (quoted(&peer_id_of(&keys.node)), quoted(department.slug));
    line(text, format_args!("nodes = [{{ peer_id = {peer_id}, name = {name} }}]"));
}

fn offices(text: &mut String, department: &Department) {
    for office in department.offices {
        line(text, "\n[[office]]");
        pair(text, "member", department.uscc);
        pair(text, "code", office.code);
        pair(text, "name", office.name);
        pair(text, "name_en", office.name_en);
    }
}

fn department_keys(text: &mut String, department: &Department, keys: &DepartmentKeys) {
    key(text, department, &keys.validator, "validator", "验证节点密钥");
    key(text, department, &keys.administrator, "administrator", "管理员密钥");
    key(text, department, &keys.officer, "officer", "经办人密钥");
    key(text, department, &keys.application, "application", "应用系统密钥");
    line(text, "\n[[validator]]");
    pair(text, "member", department.uscc);
    pair(text, "public_key", &keys.validator.to_string());
    line(text, "power = 1");
}

fn key(text: &mut String, department: &Department, key: &PublicKey, role: &str, label: &str) {
    line(text, "\n[[key]]");
    pair(text, "member", department.uscc);
    pair(text, "public_key", &key.to_string());
    line(text, format_args!("roles = {}", list(&[role])));
    pair(text, "label", label);
}

fn duties(text: &mut String, department: &Department) {
    for duty in department.duties {
        line(text, format_args!("\n# {}\n[[duty]]", duty.name_en));
        pair(text, "member", department.uscc);
        pair(text, "code", duty.code);
        pair(text, "office", duty.office);
        pair(text, "name", duty.name);
        pair(text, "description", duty.description);
        pair(text, "category", duty.category);
        pair(text, "effective_from", duty.effective_from);
        line(text, "legal_basis = [");
        for basis in duty.legal_basis {
            let (kind, title) = (quoted(basis.kind), quoted(basis.title));
            let document_no = quoted(basis.document_no);
            let article = basis.article.map(|a| format!(", article = {}", quoted(a)));
            let article = article.unwrap_or_default();
            line(
                text,
                format_args!(
                    "  {{ kind = {kind}, title = {title}, document_no = {document_no}{article} }},"
                ),
            );
        }
        line(text, "]");
    }
}

fn systems(text: &mut String, department: &Department) {
    for system in department.systems {
        line(text, format_args!("\n# {}\n[[system]]", system.name_en));
        pair(text, "member", department.uscc);
        pair(text, "code", system.code);
        pair(text, "office", system.office);
        pair(text, "name", system.name);
        pair(text, "status", "running");
        line(text, format_args!("protection_level = {}", system.protection_level));
        line(text, format_args!("duties = {}", list(system.duties)));
        line(text, "tables = [");
        for table in system.tables {
            let (name, comment) = (quoted(table.name), quoted(table.comment));
            line(text, format_args!("  {{ name = {name}, comment = {comment} }},"));
        }
        line(text, "]");
    }
}

fn line(text: &mut String, line: impl std::fmt::Display) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}

fn pair(text: &mut String, name: &str, value: &str) {
    line(text, format_args!("{name} = {}", quoted(value)));
}

fn list(values: &[&str]) -> String {
    let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
    format!("[{}]", values.join(", "))
}

/// A TOML basic string; what TOML writes is what TOML reads.
fn quoted(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for c in value.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
