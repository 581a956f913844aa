use super::*;

fn found(header: &str) -> BTreeMap<Field, usize> {
    let header: Vec<String> = header.split(',').map(str::to_owned).collect();
    Columns::find(&header, &Mapping::default()).expect("has a name").of
}

#[test]
fn the_presets_recognise_their_headers() {
    let national = found("提供機關名稱,資料集名稱,瀏覽人次,下載次數,資料集評分,上架日");
    let expected = [(Field::Agency, 0), (Field::Name, 1), (Field::PublishedAt, 5)];
    assert_eq!(national, BTreeMap::from(expected));

    let taipei = found(
        "編號,資料名稱,資料來源,更新頻率,檔案格式,資料連結網址,分類及編號,資料集描述,主要欄位說明,\
         資料集類型,最後更新時間,資料集提供機關,資料量,標籤/關鍵字,建立日期",
    );
    assert_eq!(taipei.get(&Field::Identifier), Some(&5));
    assert_eq!(taipei.get(&Field::Name), Some(&1));
    assert_eq!(taipei.get(&Field::Agency), Some(&11));
    assert_eq!(taipei.get(&Field::Items), Some(&8));
    assert_eq!(taipei.get(&Field::Keywords), Some(&13));
    assert_eq!(taipei.get(&Field::UpdateCycle), Some(&3));

    let guide = found(
        "信息资源分类,*信息资源名称,信息资源代码,信息资源提供方,信息资源摘要,信息资源格式,信息项名称,\
         数据类型,共享类型,共享条件,共享方式,是否向社会开放,开放条件,更新周期,发布日期,关联资源代码",
    );
    assert_eq!(guide.len(), 16);
    let traditional = found(
        "資訊資源分類(類/項/目/細目),資訊資源名稱,資訊資源代碼,資訊資源提供方,資訊資源提供方代碼,資訊資源摘要,\
         資訊資源格式,資訊項名稱,數據類型,共享類型,共享條件,共享方式,是否向社會開放,開放條件,更新週期,發布日期,\
         關聯資源代碼",
    );
    assert_eq!(traditional.len(), 17);
    let english = found("Identifier,Title,Description,Publisher,Share Type (name),Update Cycle");
    assert_eq!(english.len(), 6);
}

#[test]
fn a_mapping_overrides_and_a_missing_header_is_said() {
    let header: Vec<String> = ["甲", "乙", "名称"].map(str::to_owned).to_vec();
    let mapping = toml::from_str::<Mapping>("[columns]\nname = '乙'").expect("a mapping");
    let columns = Columns::find(&header, &mapping).expect("found");
    assert_eq!(columns.of, BTreeMap::from([(Field::Name, 1)]));
    assert_eq!(columns.unused, ["甲", "名称"]);
    let mapping = toml::from_str::<Mapping>("[columns]\nname = '丙'").expect("a mapping");
    assert!(Columns::find(&header, &mapping).is_err());
    assert!(Columns::find(&["甲".to_owned()], &Mapping::default()).is_err());
}

#[test]
fn extended_metadata_says_so_or_is_mapped() {
    let header = ["名称", "扩展：服务对象", "ext: audience", "办理时限", "ext:", "ext:服务对象"];
    let header: Vec<String> = header.map(str::to_owned).to_vec();
    let mapping = "[extensions]\n'时限' = '办理时限'";
    let mapping = toml::from_str::<Mapping>(mapping).expect("a mapping");
    let columns = Columns::find(&header, &mapping).expect("has a name");
    let found: Vec<(&str, usize)> =
        columns.extensions.iter().map(|(name, index)| (name.as_str(), *index)).collect();
    assert_eq!(found, [("时限", 3), ("服务对象", 1), ("audience", 2)]);
    assert_eq!(columns.unused, ["ext:", "ext:服务对象"], "a name once");
    let absent = toml::from_str::<Mapping>("[extensions]\n'甲' = '乙'").expect("a mapping");
    assert!(Columns::find(&header, &absent).is_err());
}

#[test]
fn the_parts_of_the_classification_are_one_field() {
    let header: Vec<String> =
        ["类", "项", "目", "细目", "名称", "备注"].map(str::to_owned).to_vec();
    let columns = Columns::find(&header, &Mapping::default()).expect("has a name");
    assert_eq!(columns.class_parts, [0, 1, 2, 3]);
    assert_eq!(columns.unused, ["备注"]);
}
