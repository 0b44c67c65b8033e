//! Names the build, and says what it depends on: the shipped scenarios are embedded in the binary.

use std::fs;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=../scenarios");
    let mut print = 0xcbf2_9ce4_8422_2325;
    for place in ["../src", "src", "../Cargo.lock"] {
        println!("cargo::rerun-if-changed={place}");
        fingerprint(Path::new(place), &mut print);
    }
    // A seed replays to the same run under the same code: this says whether it is the same.
    println!("cargo::rustc-env=NETSPLIT_BUILD={:08x}", print >> 32);
}

/// FNV-1a over every file below a place, in order of their names.
fn fingerprint(place: &Path, print: &mut u64) {
    if let Ok(entries) = fs::read_dir(place) {
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        paths.iter().for_each(|path| fingerprint(path, print));
    } else if let Ok(content) = fs::read(place) {
        for byte in content {
            *print = (*print ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
