//! The words of the source in the words of the chain: share types, cycles, formats and so on.
//!
//! Only names are translated. A bare number is never read as a share type: deployed systems number
//! them differently (one system's 1 is another's 2), and a wrong guess would open or close data.

use super::han::simplified;

/// Whether a word means one of ours.
fn find<'a>(table: &[(&'a str, &[&str])], word: &str) -> Option<&'a str> {
    let word = fold(word);
    table
        .iter()
        .find(|(id, names)| fold(id) == word || names.iter().any(|name| fold(name) == word))
        .map(|(id, _)| *id)
}

/// Without blanks, hyphens and underscores, in lower case and simplified characters.
fn fold(word: &str) -> String {
    simplified(word)
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// 共享类型.
pub fn share_type(word: &str) -> Option<&'static str> {
    find(
        &[
            ("unconditional", &["无条件共享", "無條件共享", "无条件", "普遍共享"]),
            ("conditional", &["有条件共享", "有條件共享", "有条件", "授权共享"]),
            ("none", &["不予共享", "不共享", "非共享", "not shared"]),
        ],
        word,
    )
}

/// Whether a word is only digits, which is no name.
pub fn is_bare_number(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_numeric() || matches!(c, '.' | ' '))
}

/// Yes or no.
pub fn yes_no(word: &str) -> Option<bool> {
    let table: &[(&str, &[&str])] = &[
        (
            "yes",
            &["是", "y", "true", "开放", "開放", "向社会开放", "无条件开放", "有条件开放", "open"],
        ),
        ("no", &["否", "n", "false", "不开放", "不開放", "不予开放", "不向社会开放", "closed"]),
    ];
    find(table, word).map(|id| id == "yes")
}

/// 更新周期. Only words that say exactly one of our cycles.
pub fn update_cycle(word: &str) -> Option<&'static str> {
    find(
        &[
            ("realtime", &["实时", "即時", "real time", "R/PT1S", "continuous", "UPDATE_CONT"]),
            ("daily", &["每日", "每天", "日", "每日更新", "每天更新", "R/P1D"]),
            ("weekly", &["每周", "每週", "周", "每周一次", "每週一次", "每周更新", "R/P1W"]),
            (
                "monthly",
                &[
                    "每月",
                    "月",
                    "每月1次",
                    "每月一次",
                    "每月更新1次",
                    "每月更新",
                    "按月更新",
                    "每月定期",
                    "1个月",
                    "1個月",
                    "R/P1M",
                ],
            ),
            (
                "quarterly",
                &["每季度", "每季", "季", "季度", "3个月", "3個月", "每三个月", "每3个月", "R/P3M"],
            ),
            (
                "semiannual",
                &[
                    "每半年",
                    "半年",
                    "每年2次",
                    "每年两次",
                    "每年二次",
                    "6个月",
                    "6個月",
                    "R/P6M",
                    "semi annual",
                    "ANNUAL_2",
                ],
            ),
            (
                "yearly",
                &[
                    "每年",
                    "年",
                    "1年",
                    "每年1次",
                    "每年一次",
                    "每年更新",
                    "年度",
                    "R/P1Y",
                    "annual",
                    "annually",
                ],
            ),
            (
                "irregular",
                &[
                    "不定期",
                    "不定時",
                    "不定时",
                    "不定期更新",
                    "异动时更新",
                    "異動時更新",
                    "irregular",
                    "as needed",
                    "IRREG",
                    "not planned",
                    "不更新",
                    "不需更新",
                    "无",
                    "無",
                ],
            ),
        ],
        word,
    )
}

/// 共享方式.
pub fn share_method(word: &str) -> Option<&'static str> {
    find(
        &[
            ("platform-db", &["共享平台：数据库", "数据库", "库表交换", "库表", "库表共享"]),
            ("platform-file", &["共享平台：文件下载", "文件下载", "文件", "文件交换", "下载"]),
            ("platform-api", &["共享平台：服务接口", "服务接口", "接口", "接口调用", "api"]),
            ("mail", &["邮件", "电子邮件"]),
            ("copy", &["拷贝", "离线拷贝"]),
            ("medium", &["介质交换", "介质"]),
        ],
        word,
    )
}

/// 信息项类型: our letter of a name such as `字符型`, `字符型C`, `C` or `varchar`.
pub fn item_type(word: &str) -> Option<&'static str> {
    let bare = fold(word);
    let bare = bare.split(['(', '（', ',']).next().unwrap_or_default();
    find(
        &[
            (
                "C",
                &[
                    "字符型",
                    "字符型C",
                    "字符",
                    "字符串",
                    "文本",
                    "string",
                    "text",
                    "varchar",
                    "nvarchar",
                    "char",
                ],
            ),
            ("N", &["数值型", "数值型N", "数值", "number", "numeric", "decimal"]),
            ("Y", &["货币型", "货币型Y", "money"]),
            ("D", &["日期型", "日期型D", "日期", "date"]),
            ("T", &["日期时间型", "日期时间型T", "日期时间", "datetime", "timestamp"]),
            ("L", &["逻辑型", "逻辑型L", "布尔", "bool", "boolean"]),
            ("M", &["备注型", "备注型M", "memo", "ntext"]),
            ("G", &["通用型", "通用型G", "blob", "geometry"]),
            ("B", &["双精度型", "双精度型B", "double"]),
            ("I", &["整型", "整型I", "整数", "int", "integer", "bigint"]),
            ("F", &["浮点型", "浮点型F", "float", "real"]),
        ],
        bare,
    )
}

/// 格式: the category of a file type such as `CSV`; none for what is no file type.
pub fn format_category(word: &str) -> Option<&'static str> {
    find(
        &[
            (
                "efile",
                &[
                    "电子文件",
                    "csv",
                    "tsv",
                    "ofd",
                    "wps",
                    "xml",
                    "txt",
                    "doc",
                    "docx",
                    "odt",
                    "html",
                    "htm",
                    "pdf",
                    "ppt",
                    "pptx",
                    "zip",
                    "rar",
                    "7z",
                    "rtf",
                    "md",
                ],
            ),
            ("sheet", &["电子表格", "et", "xls", "xlsx", "ods", "excel"]),
            (
                "database",
                &[
                    "数据库",
                    "dm",
                    "kingbasees",
                    "dbf",
                    "sql server",
                    "oracle",
                    "db2",
                    "mysql",
                    "postgresql",
                    "mdb",
                    "sqlite",
                    "库表",
                ],
            ),
            (
                "image",
                &[
                    "图形图像",
                    "jpg",
                    "jpeg",
                    "gif",
                    "bmp",
                    "png",
                    "tif",
                    "tiff",
                    "shp",
                    "kml",
                    "kmz",
                    "dwg",
                    "geotiff",
                    "svg",
                ],
            ),
            ("media", &["流媒体", "swf", "rm", "mpg", "mp3", "mp4", "avi", "wav"]),
            (
                "self",
                &["自描述格式", "json", "geojson", "jsonld", "rdf", "ttl", "gml", "gpx", "jsonl"],
            ),
            (
                "service",
                &[
                    "服务接口",
                    "api",
                    "webservice",
                    "web service",
                    "wms",
                    "wfs",
                    "rest",
                    "soap",
                    "esri rest",
                ],
            ),
        ],
        word,
    )
}

/// Whether a format word is the name of a character encoding, which some lists put there.
pub fn is_encoding_name(word: &str) -> bool {
    matches!(
        fold(word).as_str(),
        "utf8" | "big5" | "gbk" | "gb2312" | "gb18030" | "ascii" | "ansi" | "unicode"
    )
}

/// 数据级别.
pub fn level(word: &str) -> Option<&'static str> {
    find(
        &[
            ("core", &["核心数据", "核心"]),
            ("important", &["重要数据", "重要"]),
            ("general-4", &["一般数据4级", "一般4级"]),
            ("general-3", &["一般数据3级", "一般3级"]),
            ("general-2", &["一般数据2级", "一般2级"]),
            ("general-1", &["一般数据1级", "一般1级"]),
        ],
        word,
    )
}

/// 涉密属性: whether the resource is secret. State secrets and work secrets alike stay off the chain.
pub fn secret(word: &str) -> Option<bool> {
    let table: &[(&str, &[&str])] = &[
        ("yes", &["是", "涉密", "秘密", "机密", "绝密", "工作秘密", "true"]),
        ("no", &["否", "非涉密", "不涉密", "无", "非密", "公开", "false"]),
    ];
    find(table, word).map(|id| id == "yes")
}

/// 个人信息.
pub fn personal_info(word: &str) -> Option<&'static str> {
    find(
        &[
            ("none", &["无", "不涉及", "不含个人信息", "否"]),
            ("general", &["一般个人信息", "一般", "涉及"]),
            ("sensitive", &["敏感个人信息", "敏感"]),
        ],
        word,
    )
}

#[cfg(test)]
mod tests;
