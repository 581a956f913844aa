use std::path::PathBuf;
use std::process::Command;

use super::*;

fn never() -> Outcome<Zeroizing<String>> {
    panic!("a plain key asks for no passphrase")
}

fn secret() -> Outcome<Zeroizing<String>> {
    Ok(Zeroizing::new("正确的口令 horse".to_owned()))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn a_generated_key_loads_again_plain_and_encrypted() {
    let folder = folder();
    let key = generate().expect("randomness");
    let (plain, sealed) = (folder.path().join("plain.pem"), folder.path().join("sealed.pem"));
    save(&plain, &key, None).expect("saved");
    save(&sealed, &key, Some(&secret().expect("a passphrase"))).expect("saved");
    let read = load(&plain, never).expect("loads");
    assert_eq!(read.key.public_key(), key.public_key());
    assert_eq!(read.protection, Protection::None);
    let read = load(&sealed, secret).expect("loads");
    assert_eq!(read.key.public_key(), key.public_key());
    assert_eq!(read.protection, Protection::Scrypt);
    let wrong = load(&sealed, || Ok(Zeroizing::new("wrong".to_owned()))).expect_err("wrong");
    assert_eq!(wrong.exit, Exit::Permission);
}

#[test]
fn a_key_file_is_private_and_never_overwritten() {
    let folder = folder();
    let path = folder.path().join("key.pem");
    let key = generate().expect("randomness");
    save(&path, &key, None).expect("saved");
    let before = std::fs::read(&path).expect("readable");
    assert_eq!(save(&path, &key, None).expect_err("exists").exit, Exit::Permission);
    assert_eq!(std::fs::read(&path).expect("readable"), before);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("chmod");
        let open = load(&path, never).expect_err("others may read it");
        assert_eq!(open.exit, Exit::Permission);
    }
}

#[test]
fn what_is_not_a_key_is_refused() {
    let folder = folder();
    let path = folder.path().join("x.pem");
    files::write_private(&path, b"hello", Existing::Refuse).expect("written");
    assert_eq!(load(&path, never).expect_err("text").exit, Exit::Permission);
    assert_eq!(
        load(&folder.path().join("none"), never).expect_err("absent").exit,
        Exit::Permission
    );
}

/// Runs `openssl` in a folder; none when it is not installed.
fn openssl(folder: &std::path::Path, arguments: &[&str]) -> Option<PathBuf> {
    let out = folder.join("made-by-openssl.pem");
    let _ = std::fs::remove_file(&out);
    let status = Command::new("openssl").args(arguments).arg("-out").arg(&out).output().ok()?;
    if !status.status.success() {
        println!("skipped: openssl {arguments:?}: {}", String::from_utf8_lossy(&status.stderr));
        return None;
    }
    Some(out)
}

#[test]
fn keys_made_by_openssl_load() {
    let folder = folder();
    let pass = format!("pass:{}", *secret().expect("a passphrase"));
    let Some(plain) = openssl(folder.path(), &["genpkey", "-algorithm", "ed25519"]) else {
        println!("skipped 3 cases: openssl is not installed");
        return;
    };
    let key = load(&plain, never).expect("plain");
    assert_eq!(key.protection, Protection::None);

    let kept = folder.path().join("plain.pem");
    std::fs::rename(&plain, &kept).expect("renamed");
    let kept_text = kept.to_string_lossy().into_owned();
    let arguments = ["genpkey", "-algorithm", "ed25519", "-aes256", "-pass", pass.as_str()];
    if let Some(sealed) = openssl(folder.path(), &arguments) {
        let read = load(&sealed, secret).expect("PBKDF2 of 2,048 iterations");
        assert_eq!(read.protection, Protection::Pbkdf2(2048));
        assert!(read.protection.is_weak());
    }
    let scrypt =
        ["pkcs8", "-topk8", "-in", kept_text.as_str(), "-scrypt", "-passout", pass.as_str()];
    if let Some(sealed) = openssl(folder.path(), &scrypt) {
        let read = load(&sealed, secret).expect("scrypt");
        assert_eq!(read.key.public_key(), key.key.public_key());
        assert_eq!(read.protection, Protection::Scrypt);
    }
    let strong = [
        "pkcs8",
        "-topk8",
        "-in",
        kept_text.as_str(),
        "-v2",
        "aes-256-cbc",
        "-iter",
        "600000",
        "-passout",
        pass.as_str(),
    ];
    if let Some(sealed) = openssl(folder.path(), &strong) {
        let read = load(&sealed, secret).expect("PBKDF2 of 600,000 iterations");
        assert!(!read.protection.is_weak());
    }
}

#[test]
fn openssl_opens_what_we_write() {
    let folder = folder();
    let path = folder.path().join("ours.pem");
    let key = generate().expect("randomness");
    save(&path, &key, Some(&secret().expect("a passphrase"))).expect("saved");
    let pass = format!("pass:{}", *secret().expect("a passphrase"));
    let shown = path.to_string_lossy().into_owned();
    let Some(opened) = openssl(folder.path(), &["pkey", "-in", &shown, "-passin", &pass]) else {
        println!("skipped 1 case: openssl is not installed");
        return;
    };
    let read = load(&opened, never).expect("OpenSSL wrote a plain key");
    assert_eq!(read.key.public_key(), key.public_key());
}
