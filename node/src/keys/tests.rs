use std::process::Command;

use super::*;
use crate::disk::OsDisk;
use crate::explain::Explain as _;

/// RFC 8410, section 10.3: a version 1 key, its seed and its public key.
const RFC_8410: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
    -----END PRIVATE KEY-----\n";
const RFC_8410_PUBLIC: &str =
    "ed25519:19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";
/// The same with its public key (version 2), and with another's.
const VERSION_2: &str = "-----BEGIN PRIVATE KEY-----\n\
    MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
    oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB\n\
    Z9w7lshQhqowtrbLDFw4rXAxZuE=\n\
    -----END PRIVATE KEY-----\n";

fn write(folder: &Path, text: &str, mode: u32) -> PathBuf {
    let path = folder.join("key.pem");
    fs::write(&path, text).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("mode");
    path
}

fn open(path: &Path, phrase: Option<&str>) -> Result<SigningKey, KeyError> {
    load_with(path, || Ok(phrase.map(|phrase| Zeroizing::new(phrase.as_bytes().to_vec()))))
}

#[test]
fn the_key_of_rfc_8410_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    for text in [RFC_8410, VERSION_2] {
        let path = write(folder.path(), text, 0o600);
        let key = open(&path, None).expect(text);
        assert_eq!(key.public_key().to_string(), RFC_8410_PUBLIC);
    }
}

#[test]
fn what_is_written_is_read_and_never_overwritten() {
    let home = tempfile::tempdir().expect("a folder");
    fs::create_dir(home.path().join("keys")).expect("a folder");
    let path = KeyFile::Node.path(home.path());
    let key = generate().expect("a key");
    write_new(&OsDisk, &path, &key).expect("written");
    let mode = fs::metadata(&path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    assert_eq!(open(&path, None).expect("read").seed(), key.seed());
    let identity = load_identity(home.path()).expect("an identity");
    assert_eq!(
        identity.public().to_peer_id().to_string(),
        mulu_genesis::peer_id::peer_id_of(&key.public_key()),
    );
    let again = write_new(&OsDisk, &path, &generate().expect("a key")).expect_err("it exists");
    assert!(matches!(again, KeyError::Exists { .. }), "{again}");
    assert_eq!(open(&path, None).expect("read").seed(), key.seed());
}

#[test]
fn an_observer_has_no_validator_key() {
    let home = tempfile::tempdir().expect("a folder");
    assert!(load_validator(home.path()).expect("no error").is_none());
    let missing = load_identity(home.path()).expect_err("no identity");
    assert!(matches!(missing, KeyError::Missing { .. }), "{missing}");
    assert!(missing.to_string().contains("mulud init"), "{missing}");
    assert!(missing.chinese().contains("缺少密钥"), "{}", missing.chinese());
}

#[test]
fn files_that_are_refused() {
    let other = VERSION_2.replace("AGb9E", "AGb9F");
    let rows = [
        (RFC_8410, 0o640, "(mode 0640); run: chmod 600"),
        (RFC_8410, 0o604, "(mode 0604); run: chmod 600"),
        ("", 0o600, "is not an Ed25519 key"),
        (&RFC_8410.replace("PRIVATE", "SECRET"), 0o600, "its PEM label is `SECRET KEY`"),
        (&RFC_8410.replace("K2Vw", "K2Vx"), 0o600, "is not an Ed25519 key"),
        (&RFC_8410[..80], 0o600, "is not an Ed25519 key"),
        (&other, 0o600, "does not belong to its private key"),
        (&"x".repeat(20_000), 0o600, "larger than 16 KiB"),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    for (text, mode, expected) in rows {
        let path = write(folder.path(), text, mode);
        let error = open(&path, None).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}\nwithout\n{expected}");
    }
}

#[test]
fn keys_of_openssl_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let plain = folder.path().join("plain.pem");
    let made = Command::new("openssl")
        .args(["genpkey", "-algorithm", "ed25519", "-out"])
        .arg(&plain)
        .output();
    let Ok(made) = made else {
        eprintln!("openssl is not installed: skipped");
        return;
    };
    assert!(made.status.success(), "{made:?}");
    let key = open(&plain, None).expect("a plain key");
    for kdf in [&["-iter", "2048"][..], &["-scrypt"][..]] {
        let sealed = folder.path().join("sealed.pem");
        let made = Command::new("openssl")
            .args(["pkcs8", "-topk8", "-passout", "pass:秘密", "-in"])
            .arg(&plain)
            .arg("-out")
            .arg(&sealed)
            .args(kdf)
            .output()
            .expect("openssl runs");
        assert!(made.status.success(), "{made:?}");
        fs::set_permissions(&sealed, fs::Permissions::from_mode(0o600)).expect("mode");
        assert_eq!(open(&sealed, Some("秘密")).expect("opens").seed(), key.seed());
        let wrong = open(&sealed, Some("other")).expect_err("wrong");
        assert!(matches!(wrong, KeyError::PassphraseWrong { .. }), "{wrong}");
        let none = open(&sealed, None).expect_err("none");
        assert!(matches!(none, KeyError::PassphraseMissing { .. }), "{none}");
    }
}

#[test]
fn passphrases_come_from_the_environment() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("phrase");
    fs::write(&file, "of a file\r\n").expect("written");
    fs::write(folder.path().join(CREDENTIAL_NAME), "of systemd\n").expect("written");
    let rows: [(&[&str], Option<&str>); 4] = [
        (&[], None),
        (&["CREDENTIALS_DIRECTORY"], Some("of systemd")),
        (&["CREDENTIALS_DIRECTORY", "MULU_KEY_PASSPHRASE_FILE"], Some("of a file")),
        (&["MULU_KEY_PASSPHRASE_FILE", "MULU_KEY_PASSPHRASE"], Some("given")),
    ];
    for (set, expected) in rows {
        let variable = |name: &str| {
            set.contains(&name).then(|| match name {
                "MULU_KEY_PASSPHRASE" => OsString::from("given"),
                "MULU_KEY_PASSPHRASE_FILE" => file.clone().into_os_string(),
                _ => folder.path().as_os_str().to_owned(),
            })
        };
        let found = passphrase(variable).expect("readable");
        assert_eq!(found.as_deref().map(Vec::as_slice), expected.map(str::as_bytes), "{set:?}");
    }
    let absent = passphrase(|name| {
        (name == "MULU_KEY_PASSPHRASE_FILE").then(|| folder.path().join("absent").into_os_string())
    });
    assert!(matches!(absent, Err(KeyError::PassphraseRead { .. })));
}

#[test]
fn a_file_that_asks_for_too_much_work_is_refused() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus/key_file");
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["found-scrypt-cost-of-zero-panicked", "found-scrypt-cost-of-a-tebibyte-aborted"] {
        let text = fs::read_to_string(kept.join(name)).expect(name);
        let path = write(folder.path(), &text, 0o600);
        let refused = open(&path, Some("mulu")).expect_err(name);
        assert!(refused.to_string().contains("costs more"), "{refused}");
    }
    let text = fs::read_to_string(kept.join("encrypted-scrypt")).expect("kept");
    open(&write(folder.path(), &text, 0o600), Some("mulu")).expect("an ordinary cost");
}
