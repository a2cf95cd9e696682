//! ZIP archives, as artifacts and the logs of a run are downloaded.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// Writes an archive of named files into memory.
#[derive(Default)]
pub(crate) struct Archive {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    entries: u16,
}

impl Archive {
    /// Adds a file.
    pub(crate) fn add(&mut self, name: &str, content: &[u8]) -> std::io::Result<()> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content)?;
        let packed = encoder.finish()?;
        let mut sum = flate2::Crc::new();
        sum.update(content);
        let offset = size(self.bytes.len())?;
        let mut common = Vec::new();
        // Version 2.0, names in UTF-8, deflate, no time (1980-01-01).
        for word in [20_u16, 0x0800, 8, 0, 0x21] {
            common.extend(word.to_le_bytes());
        }
        for number in [sum.sum(), size(packed.len())?, size(content.len())?] {
            common.extend(number.to_le_bytes());
        }
        let length = u16::try_from(name.len())
            .map_err(|_| std::io::Error::other("a name is too long for a ZIP archive"))?;
        common.extend(length.to_le_bytes());
        self.bytes.extend(0x0403_4b50_u32.to_le_bytes());
        self.bytes.extend(&common);
        self.bytes.extend(0_u16.to_le_bytes());
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(&packed);
        self.directory.extend(0x0201_4b50_u32.to_le_bytes());
        self.directory.extend(20_u16.to_le_bytes());
        self.directory.extend(&common);
        // No extra field, comment, disk, attributes.
        self.directory.extend([0; 12]);
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.entries = self
            .entries
            .checked_add(1)
            .ok_or_else(|| std::io::Error::other("too many files for a ZIP archive"))?;
        Ok(())
    }

    /// Adds a file, or all files of a directory, below `prefix`.
    pub(crate) fn add_path(&mut self, path: &Path, prefix: &str) -> std::io::Result<()> {
        if path.is_file() {
            return self.add(prefix, &std::fs::read(path)?);
        }
        let mut below: Vec<PathBuf> = std::fs::read_dir(path)?
            .flatten()
            .map(|entry| entry.path())
            .collect();
        below.sort();
        for path in below {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            self.add_path(&path, &format!("{prefix}/{name}"))?;
        }
        Ok(())
    }

    /// The archive.
    pub(crate) fn finish(mut self) -> std::io::Result<Vec<u8>> {
        let offset = size(self.bytes.len())?;
        let length = size(self.directory.len())?;
        self.bytes.extend(&self.directory);
        self.bytes.extend(0x0605_4b50_u32.to_le_bytes());
        for word in [0, 0, self.entries, self.entries] {
            self.bytes.extend(word.to_le_bytes());
        }
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend(offset.to_le_bytes());
        self.bytes.extend(0_u16.to_le_bytes());
        Ok(self.bytes)
    }
}

fn size(length: usize) -> std::io::Result<u32> {
    u32::try_from(length).map_err(|_| std::io::Error::other("more than 4 GiB do not fit into a ZIP archive"))
}
