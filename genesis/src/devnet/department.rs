//! What the development consortium's departments are made of.

/// A department of the development consortium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Department {
    /// Folder, moniker and key file prefix.
    pub slug: &'static str,
    /// 统一社会信用代码, invented, with valid check digits.
    pub uscc: &'static str,
    /// Chinese name.
    pub name: &'static str,
    /// English name.
    pub name_en: &'static str,
    /// Division code (GB/T 2260).
    pub region: &'static str,
    /// Roles of the member.
    pub roles: &'static [&'static str],
    /// Offices; the first one holds the officer's key.
    pub offices: &'static [Office],
    /// Duties.
    pub duties: &'static [Duty],
    /// Information systems.
    pub systems: &'static [System],
}

/// An office (处室).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Office {
    /// Code, unique in the department.
    pub code: &'static str,
    /// Chinese name.
    pub name: &'static str,
    /// English name.
    pub name_en: &'static str,
}

/// A duty (职责).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duty {
    /// Code, unique in the department.
    pub code: &'static str,
    /// Code of the office that performs it.
    pub office: &'static str,
    /// Chinese name.
    pub name: &'static str,
    /// English name, for readers of the document.
    pub name_en: &'static str,
    /// What is done.
    pub description: &'static str,
    /// Category, a word of the contracts.
    pub category: &'static str,
    /// The laws it rests on.
    pub legal_basis: &'static [LegalBasis],
    /// First day in force, `YYYY-MM-DD`.
    pub effective_from: &'static str,
}

/// A law, regulation or document a duty rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegalBasis {
    /// Kind, a word of the contracts.
    pub kind: &'static str,
    /// Title.
    pub title: &'static str,
    /// Document number.
    pub document_no: &'static str,
    /// Article, where one applies.
    pub article: Option<&'static str>,
}

/// An information system (信息系统).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct System {
    /// Code, unique in the department.
    pub code: &'static str,
    /// Code of the office that runs it.
    pub office: &'static str,
    /// Chinese name.
    pub name: &'static str,
    /// English name, for readers of the document.
    pub name_en: &'static str,
    /// Classified-protection level (等保), 1 to 4.
    pub protection_level: u8,
    /// Codes of the duties it serves.
    pub duties: &'static [&'static str],
    /// Its tables (库表).
    pub tables: &'static [Table],
}

/// A table of an information system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Name in the database.
    pub name: &'static str,
    /// What it holds.
    pub comment: &'static str,
}

impl Department {
    /// The office whose officer holds the department's officer key.
    pub fn first_office(&self) -> &'static Office {
        // Every department of the constant list has offices; the tests read all of them.
        &self.offices[0]
    }
}
