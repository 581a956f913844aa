use super::*;

#[test]
fn utf8_with_and_without_mark_and_gbk_read_the_same() {
    let text = "信息资源名称,共享类型\n企业登记信息,无条件共享\n";
    let (gbk, _, replaced) = GB18030.encode(text);
    assert!(!replaced);
    assert_ne!(gbk.as_ref(), text.as_bytes());
    let marked = [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat();
    let mut utf16 = vec![0xff, 0xfe];
    utf16.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    for (bytes, encoding) in [
        (text.as_bytes().to_vec(), "UTF-8"),
        (marked, "UTF-8"),
        (gbk.into_owned(), "GBK"),
        (utf16, "UTF-16LE"),
    ] {
        let decoded = decode(bytes).expect("decodes");
        assert_eq!(decoded.text, text, "{encoding}");
        assert_eq!(decoded.encoding, encoding);
    }
}

#[test]
fn other_bytes_are_refused() {
    assert!(decode(vec![0xff, 0xff, 0x00, 0x81]).is_err());
    assert!(decode(vec![0xef, 0xbb, 0xbf, 0xff]).is_err());
}
