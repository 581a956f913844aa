//! 卫生健康委员会, the health commission of the development consortium.

use super::department::{Department, Duty, LegalBasis, Office, System, Table};

/// The department.
pub const HEALTH_COMMISSION: Department = Department {
    slug: "health-commission",
    uscc: "11110000MULU00021K",
    name: "卫生健康委员会",
    name_en: "Health Commission",
    region: "110000",
    roles: &["provider", "consumer"],
    offices: &[
        Office { code: "yzyg", name: "医政医管处", name_en: "Medical Administration Office" },
        Office { code: "jbkz", name: "疾病预防控制处", name_en: "Disease Control Office" },
        Office {
            code: "fyjk", name: "妇幼健康处", name_en: "Maternal and Child Health Office"
        },
        Office { code: "zhjd", name: "综合监督处", name_en: "Supervision Office" },
    ],
    duties: &[
        Duty {
            code: "yz-001",
            office: "yzyg",
            name: "医疗机构执业登记",
            name_en: "Registration of medical institutions",
            description: "办理医疗机构执业登记和校验，核发医疗机构执业许可证。",
            category: "license",
            legal_basis: &[LegalBasis {
                kind: "regulation",
                title: "医疗机构管理条例",
                document_no: "国务院令第149号",
                article: None,
            }],
            effective_from: "1994-09-01",
        },
        Duty {
            code: "jk-001",
            office: "jbkz",
            name: "传染病疫情监测与报告管理",
            name_en: "Surveillance and reporting of infectious diseases",
            description: "组织传染病疫情监测、报告和统计分析，按规定发布疫情信息。",
            category: "other",
            legal_basis: &[LegalBasis {
                kind: "law",
                title: "中华人民共和国传染病防治法",
                document_no: "主席令第十七号",
                article: None,
            }],
            effective_from: "2004-12-01",
        },
        Duty {
            code: "fy-001",
            office: "fyjk",
            name: "出生医学证明管理",
            name_en: "Administration of birth certificates",
            description: "管理出生医学证明的签发、补发、换发和统计。",
            category: "confirmation",
            legal_basis: &[LegalBasis {
                kind: "law",
                title: "中华人民共和国母婴保健法",
                document_no: "主席令第三十三号",
                article: Some("第二十三条"),
            }],
            effective_from: "1995-06-01",
        },
        Duty {
            code: "jd-001",
            office: "zhjd",
            name: "公共场所卫生许可",
            name_en: "Sanitary licensing of public places",
            description: "对公共场所实施卫生许可和监督，核发公共场所卫生许可证。",
            category: "license",
            legal_basis: &[LegalBasis {
                kind: "regulation",
                title: "公共场所卫生管理条例",
                document_no: "国发〔1987〕24号",
                article: Some("第四条"),
            }],
            effective_from: "1987-04-01",
        },
    ],
    systems: &[
        System {
            code: "sys-yl",
            office: "yzyg",
            name: "医疗机构与人员电子化注册系统",
            name_en: "Register of medical institutions and staff",
            protection_level: 3,
            duties: &["yz-001", "jd-001"],
            tables: &[
                Table { name: "institution", comment: "医疗机构执业登记" },
                Table { name: "practitioner", comment: "医护人员执业注册" },
                Table { name: "sanitary_license", comment: "公共场所卫生许可证" },
            ],
        },
        System {
            code: "sys-jk",
            office: "jbkz",
            name: "传染病监测预警系统",
            name_en: "Infectious disease surveillance system",
            protection_level: 3,
            duties: &["jk-001"],
            tables: &[
                Table { name: "case_statistics", comment: "分病种病例统计" },
                Table { name: "sentinel_report", comment: "哨点监测报告" },
            ],
        },
        System {
            code: "sys-fy",
            office: "fyjk",
            name: "出生医学证明管理系统",
            name_en: "Birth certificate system",
            protection_level: 3,
            duties: &["fy-001"],
            tables: &[
                Table { name: "birth_certificate", comment: "出生医学证明签发记录" },
                Table { name: "birth_certificate_reissue", comment: "补发和换发记录" },
            ],
        },
    ],
};
