//! The catalog's code lists, by English name: numbers are not portable between deployed systems.

use serde::{Deserialize, Serialize};

/// 共享类型, from the most open to the strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShareType {
    /// 无条件共享.
    Unconditional,
    /// 有条件共享.
    Conditional,
    /// 不予共享.
    None,
}

/// 共享方式.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShareMethod {
    /// 共享平台：数据库.
    PlatformDb,
    /// 共享平台：文件下载.
    PlatformFile,
    /// 共享平台：服务接口.
    PlatformApi,
    /// 邮件.
    Mail,
    /// 拷贝.
    Copy,
    /// 介质交换.
    Medium,
}

impl ShareMethod {
    /// The method's name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            ShareMethod::PlatformDb => "platform-db",
            ShareMethod::PlatformFile => "platform-file",
            ShareMethod::PlatformApi => "platform-api",
            ShareMethod::Mail => "mail",
            ShareMethod::Copy => "copy",
            ShareMethod::Medium => "medium",
        }
    }
}

/// 信息资源格式分类.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FormatCategory {
    /// 电子文件.
    Efile,
    /// 电子表格.
    Sheet,
    /// 数据库.
    Database,
    /// 图形图像.
    Image,
    /// 流媒体.
    Media,
    /// 自描述格式.
    #[serde(rename = "self")]
    SelfDescribing,
    /// 服务接口.
    Service,
}

impl FormatCategory {
    /// Whether a resource of this kind may have no data items: files and media.
    pub const fn may_lack_items(self) -> bool {
        matches!(self, FormatCategory::Efile | FormatCategory::Image | FormatCategory::Media)
    }
}

/// 信息项数据类型, by the letter of the guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ItemType {
    /// 字符型.
    C,
    /// 数值型.
    N,
    /// 货币型.
    Y,
    /// 日期型.
    D,
    /// 日期时间型.
    T,
    /// 逻辑型.
    L,
    /// 备注型.
    M,
    /// 通用型.
    G,
    /// 双精度型.
    B,
    /// 整型.
    I,
    /// 浮点型.
    F,
}

/// 更新周期.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UpdateCycle {
    /// 实时.
    Realtime,
    /// 每日.
    Daily,
    /// 每周.
    Weekly,
    /// 每月.
    Monthly,
    /// 每季度.
    Quarterly,
    /// 每半年.
    Semiannual,
    /// 每年.
    Yearly,
    /// 不定期.
    Irregular,
}

/// 数据级别 (GB/T 43697), from the lowest to the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// 一般数据1级.
    #[serde(rename = "general-1")]
    General1,
    /// 一般数据2级.
    #[serde(rename = "general-2")]
    General2,
    /// 一般数据3级.
    #[serde(rename = "general-3")]
    General3,
    /// 一般数据4级.
    #[serde(rename = "general-4")]
    General4,
    /// 重要数据.
    Important,
    /// 核心数据.
    Core,
}

/// 个人信息.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PersonalInfo {
    /// 不含个人信息.
    None,
    /// 个人信息.
    General,
    /// 敏感个人信息.
    Sensitive,
}
