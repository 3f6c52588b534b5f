//! Files that exist in memory only (memfd_create(2)).

use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, fchmod, fcntl_add_seals, fcntl_setfl, memfd_create};
use rustix::pipe::{PipeFlags, pipe_with};

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

/// The same for bytes that only the first reader gets: a pipe that holds all of them, and whose other end is closed.
/// An error where the kernel gives it less room than that (pipe(7): at least 4096 bytes).
pub fn once(bytes: &[u8]) -> io::Result<OwnedFd> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
    File::from(writer).write_all(bytes)?;
    // The flag was for our own writing; the reader waits like any other.
    fcntl_setfl(&reader, OFlags::empty())?;
    Ok(reader)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;

    use super::{once, sealed};

    #[test]
    fn what_is_read_once_is_whole_for_the_first_and_empty_for_the_next() {
        let file = once(&[b'x'; 4096]).unwrap();
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        assert_eq!(std::fs::read(&path).unwrap().len(), 4096);
        assert_eq!(std::fs::read(&path).unwrap().len(), 0);
        assert!(once(&[b'x'; 2 << 20]).is_err(), "rather than waiting for a reader");
    }

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
