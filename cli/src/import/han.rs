//! Traditional characters of headers and code words as simplified ones, so that each is listed once.

/// Traditional and simplified characters that occur in headers and code words of catalogs.
const PAIRS: &str = "資资訊讯類类項项細细稱称碼码機机關关單单門门檔档數数據据條条開开會会週周頻频發发佈布\
                     聯联鍵键標标籤签識识別别級级個个欄栏說说編编號号無无實实時时異异動动電电體体處处\
                     屬属質质備备註注應应統统務务係系庫库達达簡简權权負负責责隨随區区貨货幣币邏逻輯辑\
                     圖图蓋盖";

/// The text with simplified characters for those known here, and 信息 for 資訊.
pub fn simplified(text: &str) -> String {
    let one = |c: char| {
        let mut pairs = PAIRS.chars();
        while let (Some(traditional), Some(simple)) = (pairs.next(), pairs.next()) {
            if traditional == c {
                return simple;
            }
        }
        c
    };
    text.chars().map(one).collect::<String>().replace("资讯", "信息")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_both_scripts_are_one() {
        assert_eq!(simplified("資訊資源提供機關代碼"), "信息资源提供机关代码");
        assert_eq!(simplified("更新週期"), "更新周期");
        assert_eq!(simplified("共享类型"), "共享类型");
    }
}
