//! 交通运输局, the transport bureau of the development consortium.

use super::department::{Department, Duty, LegalBasis, Office, System, Table};

/// The department.
pub const TRANSPORT_BUREAU: Department = Department {
    slug: "transport-bureau",
    uscc: "11110000MULU0003XB",
    name: "交通运输局",
    name_en: "Transport Bureau",
    region: "110000",
    roles: &["provider", "consumer"],
    offices: &[
        Office { code: "dlys", name: "道路运输管理处", name_en: "Road Transport Office" },
        Office { code: "gljs", name: "公路建设养护处", name_en: "Highway Office" },
        Office {
            code: "csky", name: "城市客运处", name_en: "Urban Passenger Transport Office"
        },
    ],
    duties: &[
        Duty {
            code: "dl-001",
            office: "dlys",
            name: "道路货物运输经营许可",
            name_en: "Licensing of road freight transport",
            description: "对道路货物运输经营活动实施许可，核发道路运输经营许可证和道路运输证。",
            category: "license",
            legal_basis: &[LegalBasis {
                kind: "regulation",
                title: "中华人民共和国道路运输条例",
                document_no: "国务院令第406号",
                article: None,
            }],
            effective_from: "2004-07-01",
        },
        Duty {
            code: "gl-001",
            office: "gljs",
            name: "公路建设与养护管理",
            name_en: "Construction and maintenance of highways",
            description: "负责公路规划、建设和养护管理，维护公路基础数据。",
            category: "other",
            legal_basis: &[LegalBasis {
                kind: "law",
                title: "中华人民共和国公路法",
                document_no: "主席令第八十六号",
                article: Some("第八条"),
            }],
            effective_from: "1998-01-01",
        },
        Duty {
            code: "cs-001",
            office: "csky",
            name: "城市公共交通运营监督",
            name_en: "Supervision of urban public transport",
            description: "监督公共汽电车、出租汽车运营服务，发布线路和站点信息。",
            category: "inspection",
            legal_basis: &[LegalBasis {
                kind: "regulation",
                title: "城市公共交通条例",
                document_no: "国务院令第793号",
                article: None,
            }],
            effective_from: "2024-12-01",
        },
    ],
    systems: &[
        System {
            code: "sys-yz",
            office: "dlys",
            name: "道路运政管理信息系统",
            name_en: "Road transport administration system",
            protection_level: 3,
            duties: &["dl-001"],
            tables: &[
                Table { name: "carrier", comment: "道路运输经营业户" },
                Table { name: "vehicle", comment: "营运车辆" },
                Table { name: "driver", comment: "从业人员资格" },
            ],
        },
        System {
            code: "sys-jt",
            office: "gljs",
            name: "交通运行监测系统",
            name_en: "Traffic operation monitoring system",
            protection_level: 2,
            duties: &["gl-001", "cs-001"],
            tables: &[
                Table { name: "highway_section", comment: "公路路段" },
                Table { name: "bridge", comment: "公路桥梁" },
                Table { name: "bus_line", comment: "公交线路" },
                Table { name: "bus_stop", comment: "公交站点" },
            ],
        },
    ],
};
