//! Writes the folder of a development consortium.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use mulu_chain::signature::SigningKey;
use mulu_genesis::Founding;
use mulu_genesis::devnet::{
    self, DATA_BUREAU, DEPARTMENTS, Department, DepartmentKeys, DevnetKeys,
};
use mulu_genesis::peer_id::peer_id_of;
use time::OffsetDateTime;
use time::macros::format_description;

use super::layout::multiaddr;
use super::{DevnetError, InitArgs, say};
use crate::keyfile;

/// The keys of one department.
struct Keys {
    node: SigningKey,
    validator: SigningKey,
    administrator: SigningKey,
    officer: SigningKey,
    application: SigningKey,
}

/// Where one department's node listens.
#[derive(Clone, Copy)]
struct Addresses {
    p2p: SocketAddr,
    api: SocketAddr,
}

/// Everything that is decided before the first byte is written.
struct Plan {
    founding_text: String,
    founding: Founding,
    keys: [Keys; DEPARTMENTS.len()],
    authority: SigningKey,
    auditor: SigningKey,
    addresses: [Addresses; DEPARTMENTS.len()],
}

/// `mulu devnet init`.
pub(super) fn init(args: &InitArgs) -> Result<(), DevnetError> {
    if args.dir.symlink_metadata().is_ok() {
        return Err(DevnetError::Exists { dir: args.dir.clone() });
    }
    let plan = plan(args)?;
    let dir = create_dir(&args.dir)?;
    write(&dir, &plan)?;
    report(&args.dir, &plan);
    Ok(())
}

fn plan(args: &InitArgs) -> Result<Plan, DevnetError> {
    let addresses = addresses(args)?;
    let keys = [fresh_keys()?, fresh_keys()?, fresh_keys()?, fresh_keys()?];
    let (authority, auditor) = (fresh_key()?, fresh_key()?);
    let public = DevnetKeys {
        departments: std::array::from_fn(|index| DepartmentKeys {
            node: keys[index].node.public_key(),
            validator: keys[index].validator.public_key(),
            administrator: keys[index].administrator.public_key(),
            officer: keys[index].officer.public_key(),
            application: keys[index].application.public_key(),
        }),
        authority: authority.public_key(),
        auditor: auditor.public_key(),
    };
    let founding_text = devnet::founding_text(&args.chain_id, &now_utc(), &public);
    let founding = mulu_genesis::parse(&founding_text, "genesis.toml")?;
    Ok(Plan { founding_text, founding, keys, authority, auditor, addresses })
}

/// The addresses of the nodes: the ports after each base port, in the order of the departments.
fn addresses(args: &InitArgs) -> Result<[Addresses; DEPARTMENTS.len()], DevnetError> {
    if args.host.is_unspecified() || args.host.is_multicast() {
        return Err(DevnetError::Host { host: args.host });
    }
    let (p2p_port, api_port) = (args.p2p_port, args.api_port);
    if usize::from(p2p_port.abs_diff(api_port)) < DEPARTMENTS.len() {
        return Err(DevnetError::Ports { p2p_port, api_port });
    }
    let mut offset = 0;
    Ok(std::array::from_fn(|_| {
        offset += 1;
        Addresses {
            p2p: SocketAddr::new(args.host, p2p_port + offset),
            api: SocketAddr::new(args.host, api_port + offset),
        }
    }))
}

/// The founding time: now, in whole seconds.
fn now_utc() -> String {
    let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    OffsetDateTime::now_utc().format(&form).expect("a UTC date and time has all six parts")
}

fn fresh_keys() -> Result<Keys, DevnetError> {
    Ok(Keys {
        node: fresh_key()?,
        validator: fresh_key()?,
        administrator: fresh_key()?,
        officer: fresh_key()?,
        application: fresh_key()?,
    })
}

fn fresh_key() -> Result<SigningKey, DevnetError> {
    keyfile::generate().map_err(DevnetError::key)
}

fn write(dir: &Path, plan: &Plan) -> Result<(), DevnetError> {
    let key_dir = create_dir(&dir.join("keys"))?;
    for (index, department) in DEPARTMENTS.iter().enumerate() {
        let keys = &plan.keys[index];
        let home = create_dir(&dir.join(department.slug))?;
        let home_keys = create_dir(&home.join("keys"))?;
        let data = create_dir(&home.join("data"))?;
        // Says that this validator key is new, so that an empty vote log is no doubt (the node
        // removes it at its first start).
        let votes = create_dir(&data.join("votes"))?;
        write_new(&votes.join("FRESH"), "")?;
        write_key(&home_keys.join("node.pem"), &keys.node)?;
        write_key(&home_keys.join("validator.pem"), &keys.validator)?;
        write_new(&home.join("genesis.toml"), &plan.founding_text)?;
        write_new(&home.join("config.toml"), &config(plan, index))?;
        for (role, key) in [
            ("administrator", &keys.administrator),
            ("officer", &keys.officer),
            ("application", &keys.application),
        ] {
            write_key(&key_dir.join(format!("{}-{role}.pem", department.slug)), key)?;
        }
    }
    write_key(&key_dir.join(format!("{}-authority.pem", DATA_BUREAU.slug)), &plan.authority)?;
    write_key(&key_dir.join("auditor.pem"), &plan.auditor)?;
    write_new(&dir.join("profiles.toml"), &profiles(plan))?;
    write_new(&dir.join("genesis.toml"), &plan.founding_text)
}

/// A node's configuration: it dials the three others.
fn config(plan: &Plan, index: usize) -> String {
    let department = DEPARTMENTS[index];
    let own = plan.addresses[index];
    let mut peers = String::new();
    for (other, addresses) in plan.addresses.iter().enumerate().filter(|(o, _)| *o != index) {
        let peer_id = peer_id_of(&plan.keys[other].node.public_key());
        peers.push_str(&format!(
            "  \"{}/p2p/{peer_id}\", # {}\n",
            multiaddr(addresses.p2p),
            DEPARTMENTS[other].slug
        ));
    }
    format!(
        "# Node of {name_en} {name}, development consortium (开发联盟链)\n\
         moniker = \"{slug}\"\n\
         member = \"{uscc}\"\n\
         \n\
         [p2p]\n\
         listen = \"{p2p}\"\n\
         peers = [\n{peers}]\n\
         \n\
         [api]\n\
         listen = \"{api}\"\n\
         \n\
         [log]\n\
         format = \"text\"\n\
         level = \"info\"\n",
        name_en = department.name_en,
        name = department.name,
        slug = department.slug,
        uscc = department.uscc,
        p2p = multiaddr(own.p2p),
        api = own.api,
    )
}

/// One profile for each department and role; the department's bare name is its officer. Key paths
/// count from the profiles file, so that the folder can be moved.
fn profiles(plan: &Plan) -> String {
    let mut text = String::from(
        "# Profiles of the development consortium: `mulu --profile NAME …`\n\
         # 开发联盟链的命令行配置档：部门名即其经办人，带后缀的为其他角色。\n",
    );
    for (department, addresses) in DEPARTMENTS.iter().zip(&plan.addresses) {
        let office = Some(department.first_office().code);
        let slug = department.slug;
        let mut rows = vec![
            (slug.to_owned(), format!("{slug}-officer"), office),
            (format!("{slug}-application"), format!("{slug}-application"), office),
            (format!("{slug}-administrator"), format!("{slug}-administrator"), None),
        ];
        if slug == DATA_BUREAU.slug {
            rows.push((format!("{slug}-authority"), format!("{slug}-authority"), None));
            rows.push(("auditor".to_owned(), "auditor".to_owned(), None));
        }
        for (name, key, office) in rows {
            text.push_str(&profile(&name, &key, office, department, addresses, plan));
        }
    }
    text
}

fn profile(
    name: &str,
    key: &str,
    office: Option<&str>,
    department: &Department,
    addresses: &Addresses,
    plan: &Plan,
) -> String {
    let office = office.map_or_else(String::new, |code| format!("office = \"{code}\"\n"));
    format!(
        "\n[profile.\"{name}\"]\nnode = \"http://{}\"\nkey = \"keys/{key}.pem\"\nmember = \"{}\"\n{office}genesis = \"{}\"\n",
        addresses.api,
        department.uscc,
        plan.founding.digest(),
    )
}

/// Creates a folder that only its owner may enter, and returns its absolute path.
fn create_dir(path: &Path) -> Result<PathBuf, DevnetError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .and_then(|()| path.canonicalize())
        .map_err(DevnetError::file("create", path))
}

/// Writes an unencrypted key file that only its owner may read.
fn write_key(path: &Path, key: &SigningKey) -> Result<(), DevnetError> {
    keyfile::save(path, key, None).map_err(DevnetError::key)
}

fn write_new(path: &Path, text: &str) -> Result<(), DevnetError> {
    let written =
        OpenOptions::new().write(true).create_new(true).open(path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
    written.map_err(DevnetError::file("write", path))
}

fn report(dir: &Path, plan: &Plan) {
    let shown = dir.display();
    say(format_args!("development consortium written to {shown} (开发联盟链已生成)"));
    say(format_args!("  chain id      {}", plan.founding.chain_id()));
    say(format_args!("  genesis       {}", plan.founding.digest()));
    say(format_args!("  founding      {}", plan.founding.summary()));
    for (department, addresses) in DEPARTMENTS.iter().zip(&plan.addresses) {
        let url = format!("http://{}", addresses.api);
        say(format_args!("  {:<18}{url}  {}", department.slug, department.name));
    }
    say("");
    say("The private keys in this folder are NOT encrypted: development only, never production.");
    say("本目录中的私钥未加密，仅供开发试用，不得用于生产。");
    say("");
    say(format_args!("next: mulu devnet up --dir {shown}"));
}
