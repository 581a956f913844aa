//! The vocabulary of generated catalogs: what a department records of an object, where and when.
//! With the departments: 20 departments × 9 objects × 14 facets = 2,520 entries, times the
//! whole city or one of 16 districts, times undated or one of 12 years.

/// Chinese and English.
pub type Pair = (&'static str, &'static str);

/// A department and the objects it keeps records of.
#[derive(Debug)]
pub struct Department {
    /// Its name.
    pub name: Pair,
    /// Objects.
    pub objects: [Pair; 9],
}

/// What is recorded of an object.
#[derive(Debug)]
pub struct Facet {
    /// Its name: `登记信息`, `registration records`.
    pub name: Pair,
    /// Item names with their types, besides the object's code and name.
    pub items: &'static [(&'static str, char)],
    /// How it is shared, in parts of ten: unconditional, conditional; the rest is not shared.
    pub share: (u64, u64),
    /// Whether the items can name natural persons.
    pub personal: bool,
}

/// The facets.
pub const FACETS: [Facet; 14] = [
    Facet {
        name: ("登记信息", "Registration records"),
        items: &[("统一社会信用代码", 'C'), ("登记机关", 'C'), ("登记日期", 'D'), ("状态", 'C')],
        share: (7, 3),
        personal: false,
    },
    Facet {
        name: ("变更记录", "Change records"),
        items: &[("变更事项", 'C'), ("变更前内容", 'M'), ("变更后内容", 'M'), ("变更日期", 'D')],
        share: (6, 4),
        personal: false,
    },
    Facet {
        name: ("注销信息", "Cancellation records"),
        items: &[("注销原因", 'C'), ("注销日期", 'D'), ("决定文号", 'C')],
        share: (7, 3),
        personal: false,
    },
    Facet {
        name: ("行政许可信息", "Administrative licences"),
        items: &[
            ("许可文号", 'C'),
            ("许可内容", 'M'),
            ("有效期起", 'D'),
            ("有效期止", 'D'),
            ("许可机关", 'C'),
        ],
        share: (8, 2),
        personal: false,
    },
    Facet {
        name: ("行政处罚信息", "Administrative penalties"),
        items: &[
            ("处罚决定书文号", 'C'),
            ("违法事实", 'M'),
            ("处罚依据", 'M'),
            ("罚款金额", 'Y'),
            ("处罚日期", 'D'),
        ],
        share: (6, 4),
        personal: false,
    },
    Facet {
        name: ("监督检查结果", "Inspection results"),
        items: &[("检查任务编号", 'C'), ("检查日期", 'D'), ("检查结果", 'C'), ("整改期限", 'D')],
        share: (5, 4),
        personal: false,
    },
    Facet {
        name: ("投诉举报信息", "Complaints"),
        items: &[("受理编号", 'C'), ("受理时间", 'T'), ("问题类别", 'C'), ("办理结果", 'M')],
        share: (0, 6),
        personal: true,
    },
    Facet {
        name: ("信用评价信息", "Credit ratings"),
        items: &[("评价等级", 'C'), ("评价得分", 'N'), ("评价日期", 'D')],
        share: (5, 5),
        personal: false,
    },
    Facet {
        name: ("统计信息", "Statistics"),
        items: &[("统计指标", 'C'), ("指标值", 'N'), ("计量单位", 'C'), ("统计时点", 'D')],
        share: (9, 1),
        personal: false,
    },
    Facet {
        name: ("名录", "Directory"),
        items: &[("地址", 'C'), ("联系电话", 'C'), ("经度", 'B'), ("纬度", 'B')],
        share: (10, 0),
        personal: false,
    },
    Facet {
        name: ("风险预警信息", "Risk alerts"),
        items: &[("预警编号", 'C'), ("风险等级", 'C'), ("预警时间", 'T'), ("处置状态", 'C')],
        share: (0, 7),
        personal: false,
    },
    Facet {
        name: ("空间分布信息", "Spatial distribution"),
        items: &[("行政区划代码", 'C'), ("经度", 'B'), ("纬度", 'B'), ("坐标系", 'C')],
        share: (7, 2),
        personal: false,
    },
    Facet {
        name: ("电子证照信息", "Electronic certificates"),
        items: &[
            ("证照编号", 'C'),
            ("持证主体", 'C'),
            ("颁发日期", 'D'),
            ("有效期止", 'D'),
            ("证照摘要值", 'C'),
        ],
        share: (4, 6),
        personal: true,
    },
    Facet {
        name: ("从业人员信息", "Personnel records"),
        items: &[("姓名", 'C'), ("岗位", 'C'), ("资格证书编号", 'C'), ("在岗状态", 'L')],
        share: (0, 5),
        personal: true,
    },
];

/// The whole city, then its districts.
pub const REGIONS: [Pair; 17] = [
    ("", ""),
    ("东城区", "Dongcheng"),
    ("西城区", "Xicheng"),
    ("朝阳区", "Chaoyang"),
    ("丰台区", "Fengtai"),
    ("石景山区", "Shijingshan"),
    ("海淀区", "Haidian"),
    ("门头沟区", "Mentougou"),
    ("房山区", "Fangshan"),
    ("通州区", "Tongzhou"),
    ("顺义区", "Shunyi"),
    ("昌平区", "Changping"),
    ("大兴区", "Daxing"),
    ("怀柔区", "Huairou"),
    ("平谷区", "Pinggu"),
    ("密云区", "Miyun"),
    ("延庆区", "Yanqing"),
];

/// First year of dated entries.
pub const YEAR_FIRST: u64 = 2014;
/// Number of years of dated entries.
pub const YEARS: u64 = 12;

/// Share conditions.
pub const CONDITIONS: [&str; 6] = [
    "用于行政审批核验，须注明办理事项编号",
    "仅限履行法定监管职责使用，不得转交第三方",
    "经数据提供方书面同意后使用，使用后三十日内删除",
    "用于联合执法，须提供执法任务编号",
    "仅提供核验结果，不提供明细",
    "用于统计分析，不得用于识别个人",
];

/// Bases in law of entries that are not shared.
pub const NO_SHARE_BASES: [&str; 4] = [
    "依据《中华人民共和国个人信息保护法》第三十四条",
    "依据《中华人民共和国行政处罚法》第五十条",
    "依据《中华人民共和国统计法》第九条",
    "依据《中华人民共和国税收征收管理法》第八条",
];

/// Cycles, the frequent ones several times.
pub const CYCLES: [&str; 12] = [
    "每日",
    "每日",
    "每月",
    "每月",
    "每月",
    "每季度",
    "每年",
    "每年",
    "实时",
    "每周",
    "每半年",
    "不定期",
];

/// Formats, the frequent ones several times.
pub const FORMATS: [&str; 10] =
    ["库表", "库表", "mysql", "xlsx", "xlsx", "csv", "csv", "服务接口", "json", "pdf"];
