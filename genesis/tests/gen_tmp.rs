mod common;
#[test] fn gen() {
  std::fs::write("/tmp/devnet.toml", common::devnet_text()).unwrap();
  for s in [201u8,202,203,204] { println!("{} {}", common::key(s), mulu_genesis::peer_id::peer_id_of(&common::key(s))); }
}
