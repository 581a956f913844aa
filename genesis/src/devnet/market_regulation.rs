//! 市场监督管理局, the market regulation authority of the development consortium.

use super::department::{Department, Duty, LegalBasis, Office, System, Table};

/// The department.
pub const MARKET_REGULATION: Department = Department {
    slug: "market-regulation",
    uscc: "11110000MULU00013Q",
    name: "市场监督管理局",
    name_en: "Market Regulation",
    region: "110000",
    roles: &["provider", "consumer"],
    offices: &[
        Office { code: "djzc", name: "登记注册处", name_en: "Registration Office" },
        Office {
            code: "xyjg", name: "信用监督管理处", name_en: "Credit Supervision Office"
        },
        Office {
            code: "spjy", name: "食品经营安全监督管理处", name_en: "Food Safety Office"
        },
        Office {
            code: "tzsb", name: "特种设备安全监察处", name_en: "Special Equipment Office"
        },
    ],
    duties: &[
        Duty {
            code: "dj-001",
            office: "djzc",
            name: "经营主体登记注册",
            name_en: "Registration of market entities",
            description: "办理企业、个体工商户、农民专业合作社等经营主体的设立、变更、注销登记。",
            category: "confirmation",
            legal_basis: &[LegalBasis {
                kind: "regulation",
                title: "中华人民共和国市场主体登记管理条例",
                document_no: "国务院令第746号",
                article: Some("第五条"),
            }],
            effective_from: "2022-03-01",
        },
        Duty {
            code: "xy-001",
            office: "xyjg",
            name: "企业信息公示与经营异常名录管理",
            name_en: "Publication of enterprise information and the list of irregularities",
            description: "组织经营主体报送年度报告，管理经营异常名录和严重违法失信名单。",
            category: "inspection",
            legal_basis: &[LegalBasis {
                kind: "regulation",
                title: "企业信息公示暂行条例",
                document_no: "国务院令第654号",
                article: Some("第五条"),
            }],
            effective_from: "2014-10-01",
        },
        Duty {
            code: "sp-001",
            office: "spjy",
            name: "食品经营许可",
            name_en: "Food business licensing",
            description: "对食品销售和餐饮服务活动实施许可，核发食品经营许可证。",
            category: "license",
            legal_basis: &[LegalBasis {
                kind: "law",
                title: "中华人民共和国食品安全法",
                document_no: "主席令第二十一号",
                article: Some("第三十五条"),
            }],
            effective_from: "2015-10-01",
        },
        Duty {
            code: "ts-001",
            office: "tzsb",
            name: "特种设备使用登记与监督检查",
            name_en: "Registration and inspection of special equipment",
            description: "办理电梯、锅炉、压力容器等特种设备使用登记，开展安全监督检查。",
            category: "inspection",
            legal_basis: &[LegalBasis {
                kind: "law",
                title: "中华人民共和国特种设备安全法",
                document_no: "主席令第四号",
                article: Some("第五条"),
            }],
            effective_from: "2014-01-01",
        },
    ],
    systems: &[
        System {
            code: "sys-dj",
            office: "djzc",
            name: "经营主体登记注册系统",
            name_en: "Market entity registration system",
            protection_level: 3,
            duties: &["dj-001", "xy-001"],
            tables: &[
                Table { name: "entity_base", comment: "经营主体基本信息" },
                Table { name: "entity_change", comment: "变更登记记录" },
                Table { name: "entity_cancel", comment: "注销登记记录" },
                Table { name: "annual_report", comment: "年度报告" },
            ],
        },
        System {
            code: "sys-sp",
            office: "spjy",
            name: "食品经营许可管理系统",
            name_en: "Food business licence system",
            protection_level: 2,
            duties: &["sp-001"],
            tables: &[
                Table { name: "food_license", comment: "食品经营许可证" },
                Table { name: "food_inspection", comment: "监督抽检结果" },
            ],
        },
        System {
            code: "sys-ts",
            office: "tzsb",
            name: "特种设备安全监察系统",
            name_en: "Special equipment inspection system",
            protection_level: 2,
            duties: &["ts-001"],
            tables: &[
                Table { name: "equipment", comment: "特种设备使用登记" },
                Table { name: "equipment_check", comment: "定期检验记录" },
            ],
        },
    ],
};
