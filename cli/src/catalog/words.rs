//! The vocabulary of generated catalogs: departments with what they know about, and what a
//! department records of it. 20 departments × 9 objects × 14 facets = 2,520 entries, times the
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

macro_rules! department {
    ($zh:literal, $en:literal, $($object:expr),+ $(,)?) => {
        Department { name: ($zh, $en), objects: [$($object),+] }
    };
}

/// The departments.
pub const DEPARTMENTS: [Department; 20] = [
    department!("市场监督管理局", "Market Regulation", ("企业", "enterprises"), ("个体工商户", "sole traders"), ("食品生产企业", "food producers"), ("餐饮服务单位", "catering services"), ("药品零售企业", "pharmacies"), ("特种设备", "special equipment"), ("计量器具", "measuring instruments"), ("检验检测机构", "testing bodies"), ("网络交易平台", "online marketplaces")),
    department!("卫生健康委员会", "Health", ("医疗机构", "medical institutions"), ("执业医师", "licensed physicians"), ("执业护士", "registered nurses"), ("公共场所", "public venues"), ("饮用水供水单位", "drinking water suppliers"), ("托育机构", "childcare centres"), ("采供血机构", "blood banks"), ("放射诊疗设备", "radiological equipment"), ("社区卫生服务中心", "community health centres")),
    department!("交通委员会", "Transport", ("道路运输企业", "road carriers"), ("出租汽车", "taxis"), ("网约车平台", "ride-hailing platforms"), ("公交线路", "bus routes"), ("轨道交通站点", "metro stations"), ("高速公路收费站", "toll stations"), ("停车场", "car parks"), ("驾驶培训机构", "driving schools"), ("危险货物运输车辆", "dangerous goods vehicles")),
    department!("教育委员会", "Education", ("中小学校", "schools"), ("幼儿园", "kindergartens"), ("校外培训机构", "tutoring centres"), ("教师资格", "teacher qualifications"), ("学籍", "student enrolments"), ("校车", "school buses"), ("职业院校", "vocational colleges"), ("民办学校", "private schools"), ("校园场地", "school grounds")),
    department!("人力资源和社会保障局", "Human Resources", ("用人单位", "employers"), ("劳务派遣单位", "labour dispatch agencies"), ("人力资源服务机构", "recruitment agencies"), ("职业技能证书", "vocational certificates"), ("社会保险参保单位", "insured employers"), ("工伤认定", "work injury rulings"), ("就业见习基地", "traineeship bases"), ("专家工作站", "expert workstations"), ("失业登记", "unemployment registrations")),
    department!("民政局", "Civil Affairs", ("社会团体", "associations"), ("基金会", "foundations"), ("民办非企业单位", "private non-enterprise units"), ("养老机构", "elderly care homes"), ("低保家庭", "subsistence families"), ("行政区划界线", "administrative boundaries"), ("地名", "place names"), ("婚姻登记", "marriage registrations"), ("慈善募捐活动", "charity campaigns")),
    department!("生态环境局", "Ecology", ("排污单位", "polluters"), ("空气质量监测站", "air quality stations"), ("地表水断面", "surface water sections"), ("危险废物经营单位", "hazardous waste handlers"), ("机动车排放检验机构", "vehicle emission testers"), ("建设项目环评", "environmental assessments"), ("噪声监测点", "noise monitors"), ("入河排污口", "river outfalls"), ("土壤污染地块", "contaminated sites")),
    department!("规划和自然资源委员会", "Planning", ("建设用地", "building land"), ("不动产权", "real property titles"), ("规划许可", "planning permits"), ("测绘资质单位", "licensed surveyors"), ("矿业权", "mining rights"), ("地质灾害隐患点", "geohazard sites"), ("历史建筑", "historic buildings"), ("地下管线", "underground pipelines"), ("土地出让合同", "land lease contracts")),
    department!("住房和城乡建设委员会", "Housing", ("施工企业", "construction firms"), ("商品房项目", "housing projects"), ("房地产经纪机构", "estate agencies"), ("物业服务企业", "property managers"), ("保障性住房", "social housing"), ("建筑工地", "building sites"), ("注册建造师", "certified constructors"), ("房屋租赁备案", "tenancy filings"), ("老旧小区改造项目", "housing renewals")),
    department!("城市管理委员会", "Urban Management", ("燃气企业", "gas suppliers"), ("供热单位", "heating suppliers"), ("生活垃圾处理设施", "waste facilities"), ("户外广告设施", "outdoor advertisements"), ("公共厕所", "public toilets"), ("道路照明设施", "street lights"), ("再生资源回收站点", "recycling points"), ("充电设施", "charging stations"), ("井盖", "manhole covers")),
    department!("水务局", "Water", ("取水户", "water abstractors"), ("自来水厂", "waterworks"), ("污水处理厂", "sewage works"), ("水库", "reservoirs"), ("河道断面", "river sections"), ("雨量监测站", "rain gauges"), ("节水型单位", "water-saving units"), ("排水管网", "drainage networks"), ("水利工程", "hydraulic works")),
    department!("农业农村局", "Agriculture", ("家庭农场", "family farms"), ("农民合作社", "farmer cooperatives"), ("兽药经营企业", "veterinary drug dealers"), ("种子生产企业", "seed producers"), ("畜禽养殖场", "livestock farms"), ("农药经营单位", "pesticide dealers"), ("承包地", "contracted farmland"), ("农产品批发市场", "farm produce markets"), ("农机具", "farm machinery")),
    department!("文化和旅游局", "Culture and Tourism", ("旅行社", "travel agencies"), ("旅游景区", "scenic areas"), ("导游", "tour guides"), ("互联网上网服务场所", "internet cafes"), ("演出经纪机构", "performance agencies"), ("非物质文化遗产项目", "intangible heritage"), ("公共图书馆", "public libraries"), ("博物馆", "museums"), ("娱乐场所", "entertainment venues")),
    department!("应急管理局", "Emergency Management", ("危险化学品企业", "hazardous chemical firms"), ("烟花爆竹经营单位", "fireworks dealers"), ("应急避难场所", "emergency shelters"), ("应急物资储备库", "emergency stores"), ("安全评价机构", "safety assessors"), ("重大危险源", "major hazards"), ("生产安全事故", "workplace accidents"), ("特种作业人员", "special operators"), ("自然灾害灾情", "disaster reports")),
    department!("发展和改革委员会", "Development and Reform", ("固定资产投资项目", "investment projects"), ("价格监测点", "price monitors"), ("节能审查项目", "energy reviews"), ("招标代理机构", "tendering agencies"), ("公共信用主体", "credit subjects"), ("粮食储备库", "grain stores"), ("充电基础设施规划", "charging plans"), ("循环经济园区", "circular economy parks"), ("碳排放单位", "carbon emitters")),
    department!("税务局", "Taxation", ("纳税人", "taxpayers"), ("增值税发票", "VAT invoices"), ("欠税单位", "tax debtors"), ("出口退税企业", "export refund firms"), ("税收优惠项目", "tax reliefs"), ("涉税专业服务机构", "tax agents"), ("非正常户", "irregular taxpayers"), ("车辆购置税", "vehicle purchase tax"), ("社会保险费征缴", "insurance premiums")),
    department!("公安局", "Public Security", ("机动车", "motor vehicles"), ("机动车驾驶人", "drivers"), ("保安服务公司", "security firms"), ("旅馆业", "hotels"), ("典当业", "pawnshops"), ("交通违法", "traffic offences"), ("道路交通事故", "road accidents"), ("居住证", "residence permits"), ("开锁业", "locksmiths")),
    department!("司法局", "Justice", ("律师事务所", "law firms"), ("执业律师", "lawyers"), ("公证机构", "notary offices"), ("司法鉴定机构", "forensic institutes"), ("人民调解委员会", "mediation committees"), ("法律援助案件", "legal aid cases"), ("行政复议案件", "administrative reviews"), ("仲裁机构", "arbitration bodies"), ("社区矫正对象", "community corrections")),
    department!("科学技术委员会", "Science and Technology", ("高新技术企业", "high-tech firms"), ("科技计划项目", "science projects"), ("实验动物单位", "laboratory animal units"), ("技术合同", "technology contracts"), ("重点实验室", "key laboratories"), ("大型科研仪器", "research instruments"), ("科技企业孵化器", "incubators"), ("外国人工作许可", "foreigner work permits"), ("科技成果", "research results")),
    department!("统计局", "Statistics", ("规模以上工业企业", "industrial firms"), ("限额以上批发零售企业", "wholesale and retail firms"), ("人口抽样调查", "population samples"), ("居民收入调查", "income surveys"), ("服务业企业", "service firms"), ("能源消费单位", "energy consumers"), ("固定资产投资", "fixed investments"), ("工业品价格", "industrial prices"), ("劳动工资", "labour wages")),
];

/// The facets.
pub const FACETS: [Facet; 14] = [
    Facet { name: ("登记信息", "Registration records"), items: &[("统一社会信用代码", 'C'), ("登记机关", 'C'), ("登记日期", 'D'), ("状态", 'C')], share: (7, 3), personal: false },
    Facet { name: ("变更记录", "Change records"), items: &[("变更事项", 'C'), ("变更前内容", 'M'), ("变更后内容", 'M'), ("变更日期", 'D')], share: (6, 4), personal: false },
    Facet { name: ("注销信息", "Cancellation records"), items: &[("注销原因", 'C'), ("注销日期", 'D'), ("决定文号", 'C')], share: (7, 3), personal: false },
    Facet { name: ("行政许可信息", "Administrative licences"), items: &[("许可文号", 'C'), ("许可内容", 'M'), ("有效期起", 'D'), ("有效期止", 'D'), ("许可机关", 'C')], share: (8, 2), personal: false },
    Facet { name: ("行政处罚信息", "Administrative penalties"), items: &[("处罚决定书文号", 'C'), ("违法事实", 'M'), ("处罚依据", 'M'), ("罚款金额", 'Y'), ("处罚日期", 'D')], share: (6, 4), personal: false },
    Facet { name: ("监督检查结果", "Inspection results"), items: &[("检查任务编号", 'C'), ("检查日期", 'D'), ("检查结果", 'C'), ("整改期限", 'D')], share: (5, 4), personal: false },
    Facet { name: ("投诉举报信息", "Complaints"), items: &[("受理编号", 'C'), ("受理时间", 'T'), ("问题类别", 'C'), ("办理结果", 'M')], share: (0, 6), personal: true },
    Facet { name: ("信用评价信息", "Credit ratings"), items: &[("评价等级", 'C'), ("评价得分", 'N'), ("评价日期", 'D')], share: (5, 5), personal: false },
    Facet { name: ("统计信息", "Statistics"), items: &[("统计指标", 'C'), ("指标值", 'N'), ("计量单位", 'C'), ("统计时点", 'D')], share: (9, 1), personal: false },
    Facet { name: ("名录", "Directory"), items: &[("地址", 'C'), ("联系电话", 'C'), ("经度", 'B'), ("纬度", 'B')], share: (10, 0), personal: false },
    Facet { name: ("风险预警信息", "Risk alerts"), items: &[("预警编号", 'C'), ("风险等级", 'C'), ("预警时间", 'T'), ("处置状态", 'C')], share: (0, 7), personal: false },
    Facet { name: ("空间分布信息", "Spatial distribution"), items: &[("行政区划代码", 'C'), ("经度", 'B'), ("纬度", 'B'), ("坐标系", 'C')], share: (7, 2), personal: false },
    Facet { name: ("电子证照信息", "Electronic certificates"), items: &[("证照编号", 'C'), ("持证主体", 'C'), ("颁发日期", 'D'), ("有效期止", 'D'), ("证照摘要值", 'C')], share: (4, 6), personal: true },
    Facet { name: ("从业人员信息", "Personnel records"), items: &[("姓名", 'C'), ("岗位", 'C'), ("资格证书编号", 'C'), ("在岗状态", 'L')], share: (0, 5), personal: true },
];

/// The whole city, then its districts.
pub const REGIONS: [Pair; 17] = [
    ("", ""), ("东城区", "Dongcheng"), ("西城区", "Xicheng"), ("朝阳区", "Chaoyang"), ("丰台区", "Fengtai"),
    ("石景山区", "Shijingshan"), ("海淀区", "Haidian"), ("门头沟区", "Mentougou"), ("房山区", "Fangshan"), ("通州区", "Tongzhou"),
    ("顺义区", "Shunyi"), ("昌平区", "Changping"), ("大兴区", "Daxing"), ("怀柔区", "Huairou"), ("平谷区", "Pinggu"),
    ("密云区", "Miyun"), ("延庆区", "Yanqing"),
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
    "每日", "每日", "每月", "每月", "每月", "每季度", "每年", "每年", "实时", "每周", "每半年", "不定期",
];

/// Formats, the frequent ones several times.
pub const FORMATS: [&str; 10] =
    ["库表", "库表", "mysql", "xlsx", "xlsx", "csv", "csv", "服务接口", "json", "pdf"];
