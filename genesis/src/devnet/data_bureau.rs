//! 大数据局, the data bureau: the development consortium's catalog authority.

use super::department::{Department, Duty, LegalBasis, Office, System, Table};

/// The department.
pub const DATA_BUREAU: Department = Department {
    slug: "data-bureau",
    uscc: "11110000MULU00048B",
    name: "大数据局",
    name_en: "Data Bureau",
    region: "110000",
    roles: &["provider", "consumer", "authority", "auditor"],
    offices: &[
        Office { code: "mlgl", name: "目录管理处", name_en: "Catalog Office" },
        Office { code: "sjgx", name: "数据共享处", name_en: "Data Sharing Office" },
        Office {
            code: "aqjc", name: "数据安全与稽核处", name_en: "Security and Audit Office"
        },
    ],
    duties: &[
        Duty {
            code: "ml-001",
            office: "mlgl",
            name: "政务数据目录管理",
            name_en: "Administration of the government data catalog",
            description: "组织编制、审核和发布政务数据目录，维护目录标准和代码。",
            category: "other",
            legal_basis: &[LegalBasis {
                kind: "regulation",
                title: "政务数据共享条例",
                document_no: "国务院令第809号",
                article: Some("第十六条"),
            }],
            effective_from: "2025-08-01",
        },
        Duty {
            code: "gx-001",
            office: "sjgx",
            name: "政务数据共享协调",
            name_en: "Coordination of government data sharing",
            description: "受理和协调政务数据共享申请，处理共享争议。",
            category: "adjudication",
            legal_basis: &[LegalBasis {
                kind: "regulation",
                title: "政务数据共享条例",
                document_no: "国务院令第809号",
                article: None,
            }],
            effective_from: "2025-08-01",
        },
        Duty {
            code: "dj-001",
            office: "mlgl",
            name: "公共数据资源登记",
            name_en: "Registration of public data resources",
            description: "办理公共数据资源首次登记、变更登记、更正登记和注销登记。",
            category: "confirmation",
            legal_basis: &[LegalBasis {
                kind: "document",
                title: "公共数据资源登记管理暂行办法",
                document_no: "发改数据规〔2025〕26号",
                article: None,
            }],
            effective_from: "2025-03-01",
        },
    ],
    systems: &[
        System {
            code: "sys-ml",
            office: "mlgl",
            name: "政务数据目录管理系统",
            name_en: "Government data catalog system",
            protection_level: 3,
            duties: &["ml-001", "dj-001"],
            tables: &[
                Table { name: "catalog_entry", comment: "目录条目" },
                Table { name: "catalog_item", comment: "信息项" },
                Table { name: "registration", comment: "公共数据资源登记" },
            ],
        },
        System {
            code: "sys-gx",
            office: "sjgx",
            name: "数据共享交换平台",
            name_en: "Data sharing and exchange platform",
            protection_level: 3,
            duties: &["gx-001"],
            tables: &[
                Table { name: "share_request", comment: "共享申请" },
                Table { name: "share_delivery", comment: "交换任务" },
            ],
        },
    ],
};
