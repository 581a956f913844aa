//! The sources of the product, compiled once more with bugs that can be switched on.

fn main() {
    println!("cargo::rustc-cfg=planted");
    println!("cargo::rerun-if-changed=../build.rs");
}
