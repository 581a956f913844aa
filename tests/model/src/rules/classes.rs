//! Classes 信息资源分类, and what they ask of resource codes.

use serde_json::{Value, json};

use crate::act::{Act, bounds_of};
use crate::shape::is_distinct;
use crate::spec::SPEC;
use crate::{Verdict, list, need, text};

/// *Levels* of a class: 类, 项, 目 and, if it is longer, 细目.
fn levels(class: &str) -> Vec<&str> {
    let mut levels: Vec<&str> = [1, 3, 6].iter().filter_map(|end| class.get(..*end)).collect();
    if class.len() > 6 {
        levels.push(class);
    }
    levels
}

/// The class of a resource code.
fn class_of(code: &Value) -> &str {
    text(code).split_once('/').map_or("", |(class, _)| class)
}

/// CLS-01.
fn is_class_code(code: &str) -> bool {
    let most = SPEC.bound("CLASS_CODE_BYTES_MAX");
    let length = code.len() as u64;
    let head = code.chars().take(6).all(|c| c.is_ascii_digit());
    ([1, 3].contains(&length) || (6..=most).contains(&length))
        && head
        && code.chars().all(|c| c.is_ascii_alphanumeric())
        && !code.starts_with('0')
}

/// `class.set`.
pub fn set(act: &mut Act) -> Verdict {
    act.authority()?;
    act.bounds_count("classes")?;
    let classes = act.said["classes"].clone();
    need(is_distinct(list(&classes).iter().map(|class| text(&class["code"]))), "FLD-05")?;
    let mut count = crate::number(&act.get("classes")["count"]);
    for class in list(&classes) {
        let code = text(&class["code"]);
        need(is_class_code(code), "CLS-01")?;
        bounds_of(&SPEC.objects["class"], class, "name")?;
        let above = levels(code).into_iter().rev().find(|level| *level != code);
        need(above.is_none_or(|above| act.has(&format!("class/{above}"))), "CLS-02")?;
        let key = format!("class/{code}");
        count += u64::from(!act.has(&key));
        act.store.put(&key, &[class, &json!({"set_at_height": act.height()})])?;
    }
    act.touch(["classes"]);
    act.store.put("classes", &[&json!({"count": count})])
}

/// ENT-35, by itself.
pub fn path_fits(content: &Value) -> Verdict {
    let path = list(&content["class_path"]);
    let deep = levels(class_of(&content["codes"][0])).len();
    need(path.is_empty() || path.len() == deep, "ENT-35")
}

/// ENT-34 and ENT-35, if there is a table.
pub fn on_table(act: &Act, content: &Value) -> Verdict {
    if !act.has("classes") {
        return Ok(());
    }
    for code in list(&content["codes"]) {
        need(act.has(&format!("class/{}", class_of(code))), "ENT-34")?;
    }
    let levels = levels(class_of(&content["codes"][0]));
    for (level, name) in levels.iter().zip(list(&content["class_path"])) {
        need(act.get(&format!("class/{level}"))["name"] == *name, "ENT-35")?;
    }
    Ok(())
}
