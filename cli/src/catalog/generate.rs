//! Generated catalogs, for demonstrations and load: the same seed gives the same bytes for ever.
//!
//! An entry is a number below [`ENTRIES_MAX`] read as (year, region, department, object, facet). A
//! catalog takes undated city-wide entries first, then districts, then years, shuffled within each
//! of these by the seed; so small catalogs read like real ones and large ones still have no two
//! alike. How an entry is shared and updated depends on the seed and on that number alone.

use super::departments::DEPARTMENTS;
use super::words::{
    CONDITIONS, CYCLES, Department, FACETS, FORMATS, Facet, NO_SHARE_BASES, Pair, REGIONS,
    YEAR_FIRST, YEARS,
};

/// Entries of one region and one year.
const PLAIN: u64 = 20 * 9 * 14;
/// Entries of one year.
const REGIONAL: u64 = PLAIN * 17;
/// Most entries a catalog can have.
pub const ENTRIES_MAX: u64 = REGIONAL * (YEARS + 1);

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast and specified.
#[derive(Debug, Clone)]
pub struct Prng(u64);

impl Prng {
    /// A generator for a seed.
    pub fn new(seed: u64) -> Prng {
        Prng(seed)
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; the bias of the remainder is below 2^-40 for our bounds.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let bound = u64::try_from(from.len()).unwrap_or(1);
        *at(from, self.below(bound))
    }
}

/// How an entry is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// 无条件共享, and whether it is open to society.
    Unconditional {
        /// 是否向社会开放.
        open: bool,
    },
    /// 有条件共享 under a condition.
    Conditional(&'static str),
    /// 不予共享 on a basis in law.
    None(&'static str),
}

/// A generated entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// 信息资源代码.
    pub code: String,
    /// 信息资源分类.
    pub class_path: String,
    /// 信息资源名称.
    pub name: String,
    /// English name.
    pub english: String,
    /// 提供方.
    pub agency: String,
    /// 信息资源摘要.
    pub summary: String,
    /// 信息资源格式.
    pub format: &'static str,
    /// 信息项: names and types.
    pub items: Vec<(String, char)>,
    /// 共享属性.
    pub share: Share,
    /// 更新周期.
    pub cycle: &'static str,
    /// 发布日期.
    pub published: String,
    /// 关键词.
    pub keywords: Vec<String>,
    /// 数据级别.
    pub level: &'static str,
    /// 个人信息.
    pub personal: &'static str,
}

/// The first `count` entries of the catalog of a seed; `count` is at most [`ENTRIES_MAX`].
pub fn entries(count: u64, seed: u64) -> impl Iterator<Item = Entry> {
    let tiers = [(0, PLAIN), (PLAIN, REGIONAL), (REGIONAL, ENTRIES_MAX)];
    let numbers = tiers.into_iter().flat_map(move |(from, to)| {
        let size = to.saturating_sub(from);
        let (factor, offset) = permutation(size, seed);
        (0..size).map(move |i| {
            let place = i.wrapping_mul(factor).wrapping_add(offset).checked_rem(size).unwrap_or(0);
            from.saturating_add(place)
        })
    });
    let taken = usize::try_from(count.min(ENTRIES_MAX)).unwrap_or(usize::MAX);
    numbers.take(taken).map(move |number| entry(number, seed))
}

/// `i -> i·factor + offset mod size` visits every place once when factor and size share no divisor.
fn permutation(size: u64, seed: u64) -> (u64, u64) {
    let mut prng = Prng::new(seed ^ size);
    let mut factor = prng.below(size).max(1);
    while gcd(factor, size) != 1 {
        factor = factor.saturating_add(1);
    }
    (factor, prng.below(size))
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a.checked_rem(b).unwrap_or(0)) }
}

fn at<T>(list: &[T], index: u64) -> &T {
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    list.get(index).expect("a remainder by the list's length")
}

fn split(number: u64, base: u64) -> (u64, u64) {
    (number.checked_div(base).unwrap_or(0), number.checked_rem(base).unwrap_or(0))
}

fn entry(number: u64, seed: u64) -> Entry {
    let (year, rest) = split(number, REGIONAL);
    let (region, rest) = split(rest, PLAIN);
    let (department_index, rest) = split(rest, 9 * 14);
    let (object, facet) = split(rest, 14);
    let department: &Department = at(&DEPARTMENTS, department_index);
    let object: Pair = *at(&department.objects, object);
    let facet: &Facet = at(&FACETS, facet);
    let region: Pair = *at(&REGIONS, region);
    let year = (year > 0).then(|| YEAR_FIRST.saturating_add(year).saturating_sub(1));
    let mut prng = Prng::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ number);

    let mut name = format!("{}{}{}", region.0, object.0, facet.name.0);
    let mut english = format!("{} of {}", facet.name.1, object.1);
    let qualifiers: Vec<String> = [
        (!region.1.is_empty()).then(|| format!("{} District", region.1)),
        year.map(|year| year.to_string()),
    ]
    .into_iter()
    .flatten()
    .collect();
    if let Some(year) = year {
        name.push_str(&format!("（{year}年）"));
    }
    if !qualifiers.is_empty() {
        english.push_str(&format!(" ({})", qualifiers.join(", ")));
    }
    let cycle = prng.pick(&CYCLES);
    let share = share(facet, &mut prng);
    let scope = if region.0.is_empty() { "全市" } else { region.0 };
    let mut items = vec![(format!("{}编码", object.0), 'C'), (format!("{}名称", object.0), 'C')];
    items.extend(facet.items.iter().map(|(name, kind)| ((*name).to_owned(), *kind)));
    items.push(("数据更新时间".to_owned(), 'T'));
    let (level, personal) = match share {
        Share::None(_) if facet.personal => ("一般数据4级", "敏感个人信息"),
        Share::None(_) => ("一般数据4级", "无"),
        Share::Conditional(_) if facet.personal => ("一般数据3级", "一般个人信息"),
        Share::Conditional(_) => ("一般数据2级", "无"),
        Share::Unconditional { .. } => ("一般数据1级", "无"),
    };
    let marker = Prng::new(seed).next() & 0xffff;
    Entry {
        code: format!("307{department_index:03}/{marker:04x}{number:06}"),
        class_path: format!("部门信息资源/省级及其下/{}/{}", department.name.0, object.0),
        summary: format!(
            "{scope}{}的{}，由{}依法定职责采集和维护，{cycle}更新。{english}.",
            object.0, facet.name.0, department.name.0
        ),
        keywords: vec![
            object.0.to_owned(),
            facet.name.0.to_owned(),
            object.1.to_owned(),
            facet.name.1.to_lowercase(),
        ],
        agency: format!("北京市{}", department.name.0),
        format: prng.pick(&FORMATS),
        published: format!(
            "{}-{:02}-{:02}",
            2018 + prng.below(7),
            1 + prng.below(12),
            1 + prng.below(28)
        ),
        name,
        english,
        items,
        share,
        cycle,
        level,
        personal,
    }
}

fn share(facet: &Facet, prng: &mut Prng) -> Share {
    let (unconditional, conditional) = facet.share;
    match prng.below(10) {
        draw if draw < unconditional => Share::Unconditional { open: prng.below(3) > 0 },
        draw if draw < unconditional.saturating_add(conditional) => {
            Share::Conditional(prng.pick(&CONDITIONS))
        }
        _ => Share::None(prng.pick(&NO_SHARE_BASES)),
    }
}

#[cfg(test)]
mod tests;
