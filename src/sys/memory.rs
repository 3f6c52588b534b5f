//! Files that exist in memory only (memfd_create(2)).

use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, Mode, SealFlags, fchmod, fcntl_add_seals, memfd_create};

/// A file with these bytes, read from its beginning; sealed, so that neither the tool nor anything it starts can
/// change what was inspected. Mode 0600, since tools refuse a password file that others may read. Closed by execve(2)
/// unless it is handed on by name.
pub fn sealed(name: &str, bytes: &[u8]) -> io::Result<OwnedFd> {
    let fd = memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    fchmod(&fd, Mode::RUSR | Mode::WUSR)?;
    let mut file = File::from(fd);
    file.write_all(bytes)?;
    file.rewind()?;
    fcntl_add_seals(&file, SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE)?;
    Ok(file.into())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::sealed;

    #[test]
    fn a_sealed_file_is_read_from_its_beginning_and_takes_no_other_bytes() {
        let mut file = std::fs::File::from(sealed("test", b"select 1").unwrap());
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "select 1");
        assert!(file.write_all(b"; drop").is_err());
        assert!(file.set_len(0).is_err());
    }
}
